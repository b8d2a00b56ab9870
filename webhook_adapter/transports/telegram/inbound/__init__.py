"""From Telegram: updates, by webhook or polling."""
