"""Machines that name this router in their JWTs."""

STATEMENTS = ["ALTER TABLE machines ADD COLUMN is_bound INTEGER NOT NULL DEFAULT 0"]
