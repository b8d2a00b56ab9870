"""What was written for no session, until a person says for which."""

STATEMENTS = [
    """CREATE TABLE "held" ("position" INTEGER NOT NULL PRIMARY KEY,
        "question" TEXT NOT NULL,
        "transport" TEXT NOT NULL,
        "chat_id" TEXT NOT NULL,
        "message_id" TEXT NOT NULL,
        "text" TEXT NOT NULL,
        "file" TEXT NOT NULL,
        "album" TEXT NOT NULL,
        "created_at" REAL NOT NULL)""",
    'CREATE INDEX "held_question" ON "held" ("question")',
]
