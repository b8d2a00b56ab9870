"""Which states an index is of is said without a list: SQLite makes a table of it, with each row that is written."""

STATEMENTS = [
    "DROP INDEX commands_live",
    """CREATE INDEX commands_live ON commands (machine_id, session_id)
        WHERE state = 'queued' OR state = 'sent' OR state = 'received'""",
    "DROP INDEX commands_badly",
    """CREATE INDEX commands_badly ON commands (position)
        WHERE state = 'failed' OR state = 'uncertain' OR state = 'cancelled' OR state = 'expired' OR state = 'dead'""",
]
