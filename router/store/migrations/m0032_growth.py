"""What is looked for again and again is found however much there is: open questions, who was seen, what nobody got."""

STATEMENTS = [
    "CREATE INDEX commands_waiting ON commands (session_id, position) WHERE state = 'queued'",
    """CREATE INDEX commands_badly ON commands (position)
        WHERE state IN ('failed', 'uncertain', 'cancelled', 'expired', 'dead')""",
    "CREATE INDEX file_parts_unnamed ON file_parts (created_at) WHERE owner != ''",
    "CREATE INDEX machines_revoked ON machines (public_key) WHERE revoked",
    "CREATE INDEX machines_former ON machines (former_key)",
    "CREATE INDEX notifications_missed ON notifications (position) WHERE state = 'dead' AND edits = ''",
    # Anew, as SQLite takes the newer of two that fit alike: not the one of all questions.
    "DROP INDEX permissions_open",
    "CREATE INDEX permissions_open ON permissions (session_id, position) WHERE state = 'open'",
    "CREATE INDEX places_session ON places (session_id) WHERE thread_id != ''",
    "CREATE INDEX sessions_seen ON sessions (seen_at) WHERE state != 'ended'",
    "CREATE INDEX sessions_over ON sessions (updated_at) WHERE state = 'ended'",
]
