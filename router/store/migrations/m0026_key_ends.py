"""API keys end by themselves, and tell when they were last used."""

STATEMENTS = [
    "ALTER TABLE api_keys ADD COLUMN expires_at REAL",
    "ALTER TABLE api_keys ADD COLUMN used_at REAL",
]
