"""What the adapter's parts tell each other beside the records of pointsman.client."""

from dataclasses import dataclass

from pointsman.client.records import Chat, Command, CommandState

_VERDICTS = {"allow": "Allow", "always": "Allow always", "deny": "Deny"}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that the router has, whole."""

    file_id: str
    name: str
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Submission:
    """One inbound message or button press, verified and authorised."""

    update_key: str
    chat: Chat
    actor: str
    text: str = ""
    reply_to_message_id: str = ""
    reply_to_ours: bool = False  # our bot wrote that message
    button: str | None = None
    session_id: str = ""
    edited: bool = False  # changed after it was handed in
    file: StoredFile | None = None  # that came with it
    file_problem: str = ""  # why a file that came with it is not here, for people
    album: str = ""  # the platform's name for what one person sent at once


@dataclass(frozen=True, slots=True)
class Submitted:
    """It is on the router's disk, and this is what became of it."""

    command_id: str
    state: CommandState
    session_id: str
    answer: str
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser at the console, as the router knows it."""

    is_open: bool  # it is let in
    is_known: bool  # it was, whatever became of it


def command_text(command: Command) -> str:
    """What a command brings along, in words for people."""
    match command.kind:
        case "stop_session":
            return "End the session"
        case "keep_session":
            return "Keep the session"
        case "permission_decision":
            # "Deny: use the sandbox"; an answer in one's own words stands for itself.
            name = _VERDICTS.get(command.option_id.partition("-")[0], "")
            return ": ".join(filter(None, (name, command.text))) or "An answer"
    return command.text
