"""Telegram: messages out, messages and button presses in."""
