"""What each session said without its receipts: its last words are found however many receipts follow them."""

STATEMENTS = [
    "CREATE INDEX notifications_said ON notifications (session_id, position) WHERE text != '' AND command_id = ''",
]
