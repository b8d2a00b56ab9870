"""Secrets of persons' authenticator apps, sealed."""

STATEMENTS = [
    """CREATE TABLE "second_factors" ("person_id" TEXT NOT NULL PRIMARY KEY,
        "sealed" TEXT NOT NULL,
        "last_step" INTEGER NOT NULL)""",
]
