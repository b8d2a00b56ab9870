"""Persons who were let in by a code, where they write and look, and the codes."""

STATEMENTS = [
    """CREATE TABLE "people" ("person_id" TEXT NOT NULL PRIMARY KEY,
        "name" TEXT NOT NULL,
        "role" TEXT NOT NULL,
        "machines" TEXT NOT NULL,
        "sessions" TEXT NOT NULL,
        "created_at" REAL NOT NULL)""",
    'CREATE UNIQUE INDEX "person_name" ON "people" ("name")',
    """CREATE TABLE "paired_chats" ("transport" TEXT NOT NULL,
        "chat_id" TEXT NOT NULL,
        "user_id" TEXT NOT NULL,
        "person_id" TEXT NOT NULL,
        "paired_at" REAL NOT NULL, PRIMARY KEY (transport, chat_id, user_id)) WITHOUT ROWID""",
    """CREATE TABLE "pairing_codes" ("code_hash" TEXT NOT NULL PRIMARY KEY,
        "name" TEXT NOT NULL,
        "role" TEXT NOT NULL,
        "machines" TEXT NOT NULL,
        "sessions" TEXT NOT NULL,
        "expires_at" REAL NOT NULL)""",
    "ALTER TABLE browsers ADD COLUMN person_id TEXT NOT NULL DEFAULT ''",
]
