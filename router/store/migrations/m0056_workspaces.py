"""Who wants a workspace kept, whatever its platform says."""

STATEMENTS = [
    """ALTER TABLE "workspaces" ADD COLUMN "kept_by" TEXT NOT NULL DEFAULT ''""",
]
