"""What chats may ask for: topics, silence, to be asked before old commands go out; and buttons that count once."""

STATEMENTS = [
    "ALTER TABLE commands ADD COLUMN hold INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE commands ADD COLUMN names_session INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE notifications ADD COLUMN pressed TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE notifications ADD COLUMN as_mark INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE notifications ADD COLUMN closes_topic INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE chats ADD COLUMN has_topics INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE chats ADD COLUMN asks_first INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE chats ADD COLUMN quiet TEXT NOT NULL DEFAULT ''",
    """CREATE TABLE "places" ("transport" TEXT NOT NULL,
        "chat_id" TEXT NOT NULL,
        "session_id" TEXT NOT NULL,
        "thread_id" TEXT NOT NULL,
        "muted" INTEGER NOT NULL, PRIMARY KEY (transport, chat_id, session_id)) WITHOUT ROWID""",
    "CREATE INDEX places_thread ON places (transport, chat_id, thread_id) WHERE thread_id != ''",
]
