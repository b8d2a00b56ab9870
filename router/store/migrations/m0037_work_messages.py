"""What chats show of a turn, and the message that tells of it; which messages are Markdown."""

STATEMENTS = [
    "ALTER TABLE chats ADD COLUMN shows TEXT NOT NULL DEFAULT 'quiet'",
    "ALTER TABLE notifications ADD COLUMN is_markdown INTEGER NOT NULL DEFAULT 0",
    """CREATE TABLE "work_messages" ("transport" TEXT NOT NULL, "chat_id" TEXT NOT NULL, "session_id" TEXT NOT NULL,
                                   "thread_id" TEXT NOT NULL, "begun" INTEGER NOT NULL, "told" INTEGER NOT NULL,
                                   "message_ids" TEXT NOT NULL, "is_open" INTEGER NOT NULL,
                                   PRIMARY KEY ("transport", "chat_id", "session_id")) WITHOUT ROWID""",
    "CREATE INDEX work_messages_session ON work_messages (session_id)",
    "CREATE INDEX work_messages_open ON work_messages (is_open) WHERE is_open",
]
