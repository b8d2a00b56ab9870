"""Usage limits of sessions, and the chats in which they go on by themselves."""

STATEMENTS = [
    'ALTER TABLE "sessions" ADD COLUMN "limited_until" REAL',
    'ALTER TABLE "chats" ADD COLUMN "goes_on" INTEGER NOT NULL DEFAULT 0',
]
