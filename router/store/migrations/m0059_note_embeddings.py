"""What notes mean, as a model says."""

STATEMENTS = [
    """CREATE TABLE "note_embeddings" ("number" INTEGER NOT NULL PRIMARY KEY,
        "model" TEXT NOT NULL,
        "digest" TEXT NOT NULL,
        "vector" BLOB NOT NULL)""",
]
