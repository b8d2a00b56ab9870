"""What a session waits for."""

STATEMENTS = ["ALTER TABLE sessions ADD COLUMN waiting_for TEXT NOT NULL DEFAULT ''"]
