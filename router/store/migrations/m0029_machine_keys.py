"""The key that a machine had before, and whether a person wants another one."""

STATEMENTS = [
    "ALTER TABLE machines ADD COLUMN former_key BLOB NOT NULL DEFAULT X''",
    "ALTER TABLE machines ADD COLUMN key_wanted INTEGER NOT NULL DEFAULT 0",
]
