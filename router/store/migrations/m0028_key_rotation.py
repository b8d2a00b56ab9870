"""API keys whose secret is replaced while the one before is still good."""

STATEMENTS = [
    "ALTER TABLE api_keys ADD COLUMN former TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE api_keys ADD COLUMN overlap INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE api_keys ADD COLUMN taken_at REAL",
]
