"""Sessions with a model alone, and how much chats have asked of them."""

STATEMENTS = [
    """CREATE TABLE "quick_sessions" ("session_id" TEXT NOT NULL PRIMARY KEY,
        "transport" TEXT NOT NULL,
        "chat_id" TEXT NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE "quick_uses" ("transport" TEXT NOT NULL,
        "chat_id" TEXT NOT NULL,
        "day" INTEGER NOT NULL,
        "requests" INTEGER NOT NULL,
        "output_tokens" INTEGER NOT NULL,
        PRIMARY KEY ("transport", "chat_id")) WITHOUT ROWID""",
]
