"""Who wrote and is not allowed."""

STATEMENTS = [
    """CREATE TABLE "strangers" ("transport" TEXT NOT NULL,
        "chat_id" TEXT NOT NULL,
        "user_id" TEXT NOT NULL,
        "name" TEXT NOT NULL,
        "times" INTEGER NOT NULL,
        "last_seen_at" REAL NOT NULL, PRIMARY KEY (transport, chat_id, user_id)) WITHOUT ROWID""",
]
