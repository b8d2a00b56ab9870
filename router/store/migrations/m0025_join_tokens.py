"""When a join token was made and used, with which key, and whether it was ended."""

STATEMENTS = [
    "ALTER TABLE join_tokens ADD COLUMN created_at REAL",
    "ALTER TABLE join_tokens ADD COLUMN made_with TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE join_tokens ADD COLUMN used_at REAL",
    "ALTER TABLE join_tokens ADD COLUMN revoked INTEGER NOT NULL DEFAULT 0",
]
