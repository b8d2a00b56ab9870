"""Browsers that were let into the console, and the chats that wrote in."""

STATEMENTS = [
    """CREATE TABLE "browsers" ("login_hash" TEXT NOT NULL PRIMARY KEY,
        "link_hash" TEXT NOT NULL,
        "label" TEXT NOT NULL,
        "created_at" REAL NOT NULL,
        "expires_at" REAL NOT NULL,
        "is_closed" INTEGER NOT NULL)""",
    """CREATE UNIQUE INDEX "browsers_link" ON "browsers" ("link_hash") WHERE ("link_hash" != '')""",
    "ALTER TABLE chats ADD COLUMN wrote_in INTEGER NOT NULL DEFAULT 0",
    # Until now any chat could be named, so what a message went to proves nothing; what a command came from does.
    """INSERT INTO chats (transport, chat_id, is_default, chosen_session, moved_to, has_topics, asks_first, quiet,
        is_closed, wrote_in)
        SELECT DISTINCT transport, chat_id, 0, '', '', 0, 0, '', 0, 1 FROM commands
        WHERE chat_id != '' ON CONFLICT DO UPDATE SET wrote_in = 1""",
]
