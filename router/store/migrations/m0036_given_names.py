"""What people call sessions, which their machines do not change."""

STATEMENTS = ["ALTER TABLE sessions ADD COLUMN given_name TEXT NOT NULL DEFAULT ''"]
