"""Chats that take no messages any more, until a person lets the bot in again."""

STATEMENTS = ["ALTER TABLE chats ADD COLUMN is_closed INTEGER NOT NULL DEFAULT 0"]
