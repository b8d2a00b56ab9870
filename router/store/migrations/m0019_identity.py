"""Whom the router had authenticated when a step was taken, beside whom they say to act for."""

STATEMENTS = ["ALTER TABLE steps ADD COLUMN identity TEXT NOT NULL DEFAULT ''"]
