"""Recordings that wait to be turned into text, or for a person to send it."""

STATEMENTS = [
    """CREATE TABLE "voices" ("voice_id" TEXT NOT NULL PRIMARY KEY, "transport" TEXT NOT NULL, "chat_id" TEXT NOT NULL,
                            "thread_id" TEXT NOT NULL, "message_id" TEXT NOT NULL, "reply_to" TEXT NOT NULL,
                            "reply_to_ours" INTEGER NOT NULL, "caption" TEXT NOT NULL, "file" TEXT NOT NULL,
                            "text" TEXT NOT NULL, "question" TEXT NOT NULL,
                            "created_at" REAL NOT NULL) WITHOUT ROWID""",
    "CREATE INDEX voices_waiting ON voices (transport, created_at) WHERE question = ''",
    "CREATE INDEX voices_question ON voices (question) WHERE question != ''",
]
