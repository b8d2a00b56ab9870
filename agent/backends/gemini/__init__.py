"""Gemini CLI in a terminal: what its screen shows, its dialogs, and typing into it."""
