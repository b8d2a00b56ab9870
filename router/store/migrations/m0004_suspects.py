"""Suspects, wishes to cancel, and what tells one life of a machine's agent from another."""

STATEMENTS = [
    """CREATE TABLE "suspects" ("machine_id" TEXT NOT NULL,
        "command_id" TEXT NOT NULL,
        "epoch" INTEGER NOT NULL,
        "crashes" INTEGER NOT NULL, PRIMARY KEY (machine_id, command_id)) WITHOUT ROWID""",
    """CREATE TABLE "cancels" ("machine_id" TEXT NOT NULL,
        "command_id" TEXT NOT NULL,
        "actor" TEXT NOT NULL, PRIMARY KEY (machine_id, command_id)) WITHOUT ROWID""",
    'ALTER TABLE "machines" ADD COLUMN "heard_epoch" INTEGER NOT NULL DEFAULT 0',
    """ALTER TABLE "machines" ADD COLUMN "barred" TEXT NOT NULL DEFAULT ''""",
]
