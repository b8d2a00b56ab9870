"""Which machine works for what holds chats of a platform, and who may ask it to."""

STATEMENTS = [
    """CREATE TABLE "bindings" ("transport" TEXT NOT NULL, "space" TEXT NOT NULL, "name" TEXT NOT NULL,
        "machine_id" TEXT NOT NULL, "folder" TEXT NOT NULL, "agent" TEXT NOT NULL, "allowed" TEXT NOT NULL,
        "writers" INTEGER NOT NULL, "autostart" INTEGER NOT NULL, "created_at" REAL NOT NULL,
        "created_by" TEXT NOT NULL, PRIMARY KEY ("transport", "space")) WITHOUT ROWID""",
]
