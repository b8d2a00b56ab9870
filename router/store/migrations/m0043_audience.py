"""Which chats began a session, follow it, or do not want to hear of it."""

STATEMENTS = [
    """CREATE TABLE "audience" ("session_id" TEXT NOT NULL, "transport" TEXT NOT NULL, "chat_id" TEXT NOT NULL,
        "hearing" TEXT NOT NULL, PRIMARY KEY ("session_id", "transport", "chat_id")) WITHOUT ROWID""",
]
