"""Which messages end a turn, and which chats want those of several sessions as one."""

STATEMENTS = [
    'ALTER TABLE "notifications" ADD COLUMN "ends_turn" INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE "chats" ADD COLUMN "bundles" INTEGER NOT NULL DEFAULT 0',
]
