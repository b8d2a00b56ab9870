"""What each machine says that it can do; NULL until its next hello."""

STATEMENTS = ["ALTER TABLE machines ADD COLUMN capabilities TEXT"]
