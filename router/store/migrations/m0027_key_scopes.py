"""API keys that reach some machines and sessions alone."""

STATEMENTS = [
    "ALTER TABLE api_keys ADD COLUMN machines TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE api_keys ADD COLUMN sessions TEXT NOT NULL DEFAULT '[]'",
]
