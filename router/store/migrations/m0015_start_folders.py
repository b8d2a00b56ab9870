"""Where a machine lets sessions be started."""

STATEMENTS = ["ALTER TABLE machines ADD COLUMN start_folders TEXT NOT NULL DEFAULT '[]'"]
