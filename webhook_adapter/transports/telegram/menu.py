"""The commands Telegram offers when a person types a slash."""

from webhook_adapter.transports.telegram.client import TelegramClient

# Without /cmd: people reply, and only programs know tokens.
COMMANDS = {
    "sessions": "List sessions",
    "use": "Choose a session for this chat",
    "status": "Show what is chosen, what waits and what went wrong",
    "new": "Start a session: machine, folder, and what it should do",
    "ask": "A quick answer of a model, without files and tools",
    "end": "End a session that was started with /new",
    "keep": "Let it go on when its 24 hours are over",
    "stop": "Press Esc in the chosen session",
    "key": "Press a key in the chosen session",
    "mode": "What the chosen session's Claude Code asks about: default, plan, acceptEdits",
    "model": "The model that it works with",
    "compact": "Let it go on with a summary of the conversation",
    "clear": "Let it begin a new conversation",
    "cancel": "Take back what has not been typed yet",
    "later": "Type it then: tomorrow 9:00 run the tests",
    "every": "Again and again: weekday 9:00 /new ~/src/ look",
    "remind": "Remind me: in 2h look at the deploy",
    "scheduled": "Show what is to be done later, with buttons",
    "remember": "Note it, for all sessions where the chosen one works",
    "recall": "Find what was noted, by its words",
    "notes": "Show what was noted, and what sessions want noted",
    "forget": "Remove a note by its number",
    "zone": "The time zone of times in this chat",
    "limits": "Go on after a usage limit by itself, or ask: continue, ask",
    "allow": "Allow many questions at once: all, api-*, tool:Bash",
    "rules": "What is allowed by itself for a time, with buttons to end it",
    "workspaces": "Show the clones that sessions work in",
    "dead": "Show what could not be delivered, with buttons to cure it",
    "topics": "Give each session a topic of its own, or not: on, off",
    "policy": "Ask before old commands go out, or not: ask, send",
    "mute": "No sound from the chosen session, perhaps: until 9:00",
    "follow": "Hear of a session here: its name, or none for the chosen one",
    "unfollow": "Hear of a session here no more",
    "summary": "Each morning how the sessions stand: 8:00, off",
    "escalate": "How to be asked again, and where: 15m again, 30m mail",
    "quiet": "Hours without a sound: 22-7, off",
    "settings": "What this chat shows while a session works: quiet, progress, everything",
    "help": "Explain how to reach a session",
}


def publish_menu(client: TelegramClient) -> None:
    """Tell Telegram the commands. Raises TelegramError."""
    commands = [{"command": name, "description": words} for name, words in COMMANDS.items()]
    client.call("setMyCommands", {"commands": commands})
