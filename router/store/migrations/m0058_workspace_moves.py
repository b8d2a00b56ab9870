"""Moves of workspaces to other machines."""

STATEMENTS = [
    """CREATE TABLE "workspace_moves" ("move_id" TEXT NOT NULL PRIMARY KEY,
        "key" TEXT NOT NULL,
        "source" TEXT NOT NULL,
        "target" TEXT NOT NULL,
        "session_id" TEXT NOT NULL,
        "actor" TEXT NOT NULL,
        "command_id" TEXT NOT NULL,
        "created_at" REAL NOT NULL,
        "changed_at" REAL NOT NULL,
        "state" TEXT NOT NULL,
        "digest" TEXT NOT NULL,
        "size" INTEGER NOT NULL,
        "detail" TEXT NOT NULL,
        "left_at" REAL) WITHOUT ROWID""",
    'CREATE INDEX "workspace_moves_key" ON "workspace_moves" ("key")',
    'CREATE INDEX "workspace_moves_command" ON "workspace_moves" ("command_id")',
]
