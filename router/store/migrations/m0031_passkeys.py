"""Passkeys of persons."""

STATEMENTS = [
    """CREATE TABLE "passkeys" ("credential_id" TEXT NOT NULL PRIMARY KEY, "person_id" TEXT NOT NULL,
                              "public_key" BLOB NOT NULL, "origin" TEXT NOT NULL, "sign_count" INTEGER NOT NULL,
                              "created_at" REAL NOT NULL)""",
    "CREATE INDEX passkeys_person ON passkeys (person_id)",
]
