"""Files that people send to sessions."""

STATEMENTS = [
    """CREATE TABLE "file_parts" ("file_id" TEXT NOT NULL, "number" INTEGER NOT NULL, "data" BLOB NOT NULL,
        "created_at" REAL NOT NULL, PRIMARY KEY (file_id, number))""",
    "CREATE INDEX file_parts_age ON file_parts (created_at)",
]
