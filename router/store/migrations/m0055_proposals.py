"""Work that a model would hand over to a coding agent."""

STATEMENTS = [
    """CREATE TABLE "proposals" ("proposal_id" TEXT NOT NULL PRIMARY KEY,
        "prompt" TEXT NOT NULL,
        "machine_id" TEXT NOT NULL,
        "agent" TEXT NOT NULL,
        "folder" TEXT NOT NULL,
        "created_at" REAL NOT NULL) WITHOUT ROWID""",
]
