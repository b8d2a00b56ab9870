"""Commands to the router itself, typed in a chat: what is there, what is chosen, what waits."""

from dataclasses import dataclass

from router.domain import wording
from router.domain.command import KEYS, Action, ChatRef, CommandState, KeyPress
from router.domain.session import Session, bare_id
from router.link.hub import Hub
from router.services.delivery import Delivery
from router.store import commands, messages, sessions
from router.store.database import Transaction

MAX_LISTED = 20


@dataclass(frozen=True, slots=True)
class Press:
    """The command is an action for a session."""

    session_id: str
    action: Action


class ChatCommands:
    """Answers chat commands with text, or with an action for a session."""

    def __init__(self, delivery: Delivery, hub: Hub) -> None:
        self._delivery = delivery
        self._hub = hub

    def run(self, tx: Transaction, chat: ChatRef, name: str, argument: str) -> str | Press:
        """Carry out one command of routing.CHAT_COMMANDS."""
        match name:
            case "sessions":
                return self._sessions(tx, chat)
            case "use":
                return self._use(tx, chat, argument)
            case "status":
                return self._status(tx, chat)
            case "stop":
                return self._key(tx, chat, "esc")
            case "key":
                return self._key(tx, chat, argument.lower())
            case "cancel":
                return self._cancel(tx, chat)
            case "dead":
                return _dead(tx)
        return wording.HELP

    def _sessions(self, tx: Transaction, chat: ChatRef) -> str:
        there = sessions.page(tx)
        if not there:
            return "No sessions yet. On a machine: pointsman run -- claude"
        chosen = bare_id(messages.chosen_session(tx, chat))
        lines = [self._line(session, chosen) for session in there[:MAX_LISTED]]
        more = f"\n… and {len(there) - MAX_LISTED} more" if len(there) > MAX_LISTED else ""
        return "\n".join(lines) + more + "\n/use NAME chooses one."

    def _line(self, session: Session, chosen: str) -> str:
        mark = "▶️" if bare_id(session.session_id) == chosen else "•"
        away = "" if self._hub.connected(session.machine_id) else " (away)"
        return f"{mark} {session.name} - {session.machine_id}{away}"

    def _use(self, tx: Transaction, chat: ChatRef, wanted: str) -> str:
        if not wanted:
            return "Which one? /use NAME - /sessions lists them."
        found = _matching(sessions.page(tx), wanted)
        if not found:
            return f"No session is called {wanted}. /sessions lists them."
        if len(found) > 1:
            return "Several fit: " + ", ".join(f"{s.name} ({s.session_id})" for s in found[:MAX_LISTED])
        messages.choose_session(tx, chat, found[0].session_id)
        return f"Plain text goes to {found[0].name} on {found[0].machine_id} now."

    def _status(self, tx: Transaction, chat: ChatRef) -> str:
        chosen = sessions.find(tx, messages.chosen_session(tx, chat))
        there = sessions.page(tx)
        away = sorted({s.machine_id for s in there if not self._hub.connected(s.machine_id)})
        waiting = sum(len(commands.queued_of_session(tx, s.session_id)) for s in there)
        lines = [f"Chosen: {chosen.name} on {chosen.machine_id}" if chosen else "Chosen: none. /use NAME"]
        lines.append(
            f"{len(there)} sessions, {waiting} commands waiting" + (f", away: {', '.join(away)}" if away else "")
        )
        dead = len(commands.dead_letters(tx, 100))
        return "\n".join(lines + ([f"{dead} dead letters: /dead"] if dead else []))

    def _key(self, tx: Transaction, chat: ChatRef, name: str) -> str | Press:
        if name not in KEYS:
            return f"Which key? One of: {', '.join(sorted(KEYS))}"
        session_id = messages.chosen_session(tx, chat)
        return Press(session_id, KeyPress(name)) if session_id else wording.NO_SESSION

    def _cancel(self, tx: Transaction, chat: ChatRef) -> str:
        session_id = messages.chosen_session(tx, chat)
        waiting = commands.queued_of_session(tx, session_id) if session_id else []
        for command in waiting:
            self._delivery.cancel(tx, command.command_id, chat.transport)
        return f"Took back {len(waiting)} commands that waited." if waiting else "Nothing waits for the chosen session."


def _dead(tx: Transaction) -> str:
    letters = commands.dead_letters(tx, MAX_LISTED)
    if not letters:
        return "No dead letters."
    lines = [
        f"• {wording.quoted(c)} - {_ended(c.state)}: {wording.reason_text(c.reason)} ({c.command_id})" for c in letters
    ]
    return "\n".join(lines) + "\nOn a machine: pointsman retry ID, redirect ID SESSION, or drop ID."


def _ended(state: CommandState) -> str:
    return "perhaps typed" if state is CommandState.UNCERTAIN else "not typed"


def _matching(there: list[Session], wanted: str) -> list[Session]:
    """By id, by label, else by a part of the label or the beginning of the id."""
    try_exact = [s for s in there if s.label == wanted or bare_id(s.session_id) == bare_id(wanted)]
    low = wanted.lower()
    return try_exact or [s for s in there if low in s.label.lower() or s.session_id.lower().startswith(low)]
