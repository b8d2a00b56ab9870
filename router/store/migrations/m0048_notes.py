"""Notes that are known across sessions."""

STATEMENTS = [
    """CREATE TABLE "notes" ("number" INTEGER NOT NULL PRIMARY KEY,
        "text" TEXT NOT NULL,
        "scope" TEXT NOT NULL,
        "place" TEXT NOT NULL,
        "state" TEXT NOT NULL,
        "source" TEXT NOT NULL,
        "author" TEXT NOT NULL,
        "session_id" TEXT NOT NULL,
        "label" TEXT NOT NULL,
        "machine_id" TEXT NOT NULL,
        "created_at" REAL NOT NULL,
        "kept_by" TEXT NOT NULL,
        "forgotten_at" REAL,
        "question" TEXT NOT NULL)""",
    'CREATE INDEX "notes_place" ON "notes" ("place") WHERE ("forgotten_at" IS NULL)',
    """CREATE INDEX "notes_waiting" ON "notes" ("session_id")
        WHERE (("state" = 'waiting') AND ("forgotten_at" IS NULL))""",
    'CREATE INDEX "notes_forgotten" ON "notes" ("forgotten_at") WHERE ("forgotten_at" IS NOT NULL)',
    """CREATE VIRTUAL TABLE "note_words" USING fts5 ("text", tokenize="porter unicode61")""",
    """CREATE VIRTUAL TABLE "note_parts" USING fts5 ("text", tokenize="trigram")""",
]
