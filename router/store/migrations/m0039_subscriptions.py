"""Where browsers take pushes."""

STATEMENTS = [
    """CREATE TABLE "subscriptions" ("chat_id" TEXT NOT NULL PRIMARY KEY, "login_hash" TEXT NOT NULL,
        "person_id" TEXT NOT NULL, "endpoint_hash" TEXT NOT NULL, "sealed" TEXT NOT NULL,
        "created_at" REAL NOT NULL, "expires_at" REAL NOT NULL, "quiet_hours" TEXT NOT NULL)""",
    "CREATE UNIQUE INDEX subscriptions_login ON subscriptions (login_hash)",
    "CREATE UNIQUE INDEX subscriptions_endpoint ON subscriptions (endpoint_hash)",
]
