"""What may be started on a machine, how old its key is, and what it said of its programs and its disk."""

STATEMENTS = [
    "ALTER TABLE machines ADD COLUMN policy TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE machines ADD COLUMN key_made_at REAL NOT NULL DEFAULT 0",
    "UPDATE machines SET key_made_at = created_at",
    "ALTER TABLE machines ADD COLUMN programs TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE machines ADD COLUMN free_bytes INTEGER",
    "ALTER TABLE machines ADD COLUMN gate TEXT NOT NULL DEFAULT ''",
]
