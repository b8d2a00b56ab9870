"""The commands Telegram offers when a person types a slash."""

from webhook_adapter.transports.telegram.client import TelegramClient

COMMANDS = {
    "sessions": "List sessions",
    "use": "Choose a session for this chat",
    "status": "Show what the chosen session is doing",
    "stop": "Press Esc in the session",
    "key": "Press a key in the session",
    "cancel": "Take back a queued command",
    "dead": "List commands that could not be delivered",
    "help": "Explain how to reach a session",
}


def publish_menu(client: TelegramClient) -> None:
    """Tell Telegram the commands. Raises TelegramError."""
    commands = [{"command": name, "description": words} for name, words in COMMANDS.items()]
    client.call("setMyCommands", {"commands": commands})
