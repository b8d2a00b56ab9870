"""The first of the sessions that live are found without a look at the others."""

STATEMENTS = ["CREATE INDEX sessions_begun ON sessions (created_at, session_id) WHERE state != 'ended'"]
