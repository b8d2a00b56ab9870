"""An index of what lives, in which nothing is written when a command is sent, or confirmed."""

STATEMENTS = [
    "DROP INDEX commands_live",
    "CREATE INDEX commands_live ON commands (machine_id, session_id) WHERE ended_at IS NULL",
]
