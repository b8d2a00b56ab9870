"""To Telegram: messages, edits, files, topics."""
