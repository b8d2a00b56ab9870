"""Chats can get another id: a group that grows into a supergroup does."""

STATEMENTS = ["ALTER TABLE chats ADD COLUMN moved_to TEXT NOT NULL DEFAULT ''"]
