"""Which notifications are copies of one message, for several chats."""

STATEMENTS = [
    """ALTER TABLE notifications ADD COLUMN copy_of TEXT NOT NULL DEFAULT ''""",
    "CREATE INDEX notifications_copies ON notifications (copy_of) WHERE copy_of != ''",
]
