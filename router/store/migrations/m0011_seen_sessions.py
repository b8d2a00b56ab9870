"""When each session was last seen: from now on, for those that are there."""

STATEMENTS = [
    "ALTER TABLE sessions ADD COLUMN seen_at REAL NOT NULL DEFAULT 0",
    "UPDATE sessions SET seen_at = CAST(strftime('%s', 'now') AS REAL)",
]
