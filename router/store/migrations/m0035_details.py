"""What questions are about in full, with which other input they were allowed; how the programs of sessions work."""

STATEMENTS = [
    "ALTER TABLE permissions ADD COLUMN details TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE permissions ADD COLUMN updated_input TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE sessions ADD COLUMN mode TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE sessions ADD COLUMN model TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE sessions ADD COLUMN modes TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE sessions ADD COLUMN controls TEXT NOT NULL DEFAULT ''",
]
