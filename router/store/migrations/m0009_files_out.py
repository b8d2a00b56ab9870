"""Files of notifications."""

STATEMENTS = ["ALTER TABLE notifications ADD COLUMN files TEXT NOT NULL DEFAULT ''"]
