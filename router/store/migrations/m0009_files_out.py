"""Files of notifications; and an index that tells which parts are here without a look at their bytes."""

STATEMENTS = [
    "ALTER TABLE notifications ADD COLUMN files TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX file_parts_here ON file_parts (file_id, number, created_at)",
]
