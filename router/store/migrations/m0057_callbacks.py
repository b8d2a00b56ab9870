"""Rights to report to a session once, from outside."""

STATEMENTS = [
    """CREATE TABLE "callbacks" ("callback_id" TEXT NOT NULL PRIMARY KEY,
        "token_hash" TEXT NOT NULL,
        "session_id" TEXT NOT NULL,
        "name" TEXT NOT NULL,
        "created_by" TEXT NOT NULL,
        "made_with" TEXT NOT NULL,
        "created_at" REAL NOT NULL,
        "expires_at" REAL NOT NULL,
        "report" TEXT NOT NULL) WITHOUT ROWID""",
    """CREATE INDEX "callbacks_session" ON "callbacks" ("session_id")""",
]
