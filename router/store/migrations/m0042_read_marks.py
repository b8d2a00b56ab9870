"""How far persons have read what sessions said."""

STATEMENTS = [
    """CREATE TABLE "read_marks" ("person_id" TEXT NOT NULL,
        "session_id" TEXT NOT NULL,
        "notification_id" TEXT NOT NULL,
        "place" INTEGER NOT NULL,
        PRIMARY KEY ("person_id", "session_id")) WITHOUT ROWID""",
]
