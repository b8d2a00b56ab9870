"""What goes up a person's ladder beside questions."""

STATEMENTS = [
    """ALTER TABLE "people" ADD COLUMN "concerns" TEXT NOT NULL DEFAULT ''""",
]
