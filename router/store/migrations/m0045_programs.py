"""What machines say of the programs that they would start."""

STATEMENTS = [
    "ALTER TABLE machines ADD COLUMN told TEXT NOT NULL DEFAULT ''",
]
