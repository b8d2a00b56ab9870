"""Who is asked again, and elsewhere; how each person wants that."""

STATEMENTS = [
    """CREATE TABLE "escalations" ("permission_id" TEXT NOT NULL, "person_id" TEXT NOT NULL, "session_id" TEXT NOT NULL,
        "asked_at" REAL NOT NULL, "next_at" REAL NOT NULL, "told_at" REAL NOT NULL, "rung" INTEGER NOT NULL,
        "round" INTEGER NOT NULL, "days" INTEGER NOT NULL, PRIMARY KEY ("permission_id", "person_id")) WITHOUT ROWID""",
    """CREATE INDEX "escalations_next_at" ON "escalations" ("next_at")""",
    """CREATE TABLE "tellings" ("notification_id" TEXT NOT NULL, "permission_id" TEXT NOT NULL,
        "person_id" TEXT NOT NULL, "round" INTEGER NOT NULL, "turn" INTEGER NOT NULL, "at" REAL NOT NULL,
        PRIMARY KEY ("notification_id", "person_id")) WITHOUT ROWID""",
    """CREATE INDEX "tellings_question" ON "tellings" ("permission_id", "person_id")""",
    """CREATE INDEX "tellings_at" ON "tellings" ("at")""",
    """ALTER TABLE "people" ADD COLUMN "ladder" TEXT NOT NULL DEFAULT ''""",
]
