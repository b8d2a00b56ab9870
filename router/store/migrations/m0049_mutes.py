"""Until when a session is muted in a chat."""

STATEMENTS = [
    'ALTER TABLE "places" ADD COLUMN "muted_until" REAL',
    """CREATE INDEX "places_muted" ON "places" ("muted_until") WHERE ("muted_until" IS NOT NULL)""",
]
