"""What counts against a quota: sessions that live, and who sent what waits."""

STATEMENTS = [
    "CREATE INDEX sessions_live ON sessions (machine_id) WHERE state != 'ended'",
    "CREATE INDEX permissions_asking ON permissions (machine_id) WHERE state = 'open'",
    "ALTER TABLE notifications ADD COLUMN sender TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX notifications_sender ON notifications (sender) WHERE state = 'queued' AND sender != ''",
    "ALTER TABLE file_parts ADD COLUMN owner TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE file_parts ADD COLUMN cost INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX file_parts_owner ON file_parts (owner, cost, created_at) WHERE owner != ''",
]
