"""A backend that types into a file: every action is a line with fsync, so that it survives any kill."""

import asyncio
import json
import os
from pathlib import Path

from agent.domain.command import Action, Ending, Input, KeyPress, Outcome
from agent.domain.control import ControlSignal
from agent.domain.session import Session


class RecordingBackend:
    """Appends what it delivers to `path`. `block` makes it hang before or after the line, `outcomes` makes it fail."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.outcomes: dict[str, Outcome | Exception] = {}  # by text
        self.dead: set[str] = set()  # sessions whose target is gone
        self.began = asyncio.Event()
        self.cleared: list[str] = []
        self.released: list[str] = []
        self.dialogs: dict[str, str] = {}  # what is in the way, by session
        self.mistakes: set[str] = set()  # texts at which a look at the session breaks
        self._gates: dict[str, asyncio.Event] = {}

    def block(self, text: str) -> asyncio.Event:
        """Delivering this text hangs until the event is set."""
        self._gates[text] = asyncio.Event()
        return self._gates[text]

    async def deliver(self, session: Session, action: Action) -> Outcome:
        text = _words(action)
        self.began.set()
        if text in self._gates:
            await self._gates[text].wait()
        outcome = self.outcomes.get(text, Outcome.done())
        if isinstance(outcome, Exception):
            raise outcome
        if outcome.ending is not Ending.FAILED:
            record(self.path, session.session_id, text)
        return outcome

    async def obstacle(self, session: Session, action: Action) -> str:
        if isinstance(action, Input) and action.text in self.mistakes:
            raise RuntimeError("a mistake of ours")
        return self.dialogs.get(session.session_id, "") if isinstance(action, Input) else ""

    async def clear_line(self, session: Session) -> None:
        self.cleared.append(session.session_id)

    async def release(self, session: Session) -> None:
        self.released.append(session.session_id)

    async def alive(self, session: Session) -> bool:
        return session.session_id not in self.dead

    def typed(self, session_id: str | None = None) -> list[str]:
        return typed(self.path, session_id)


def record(path: Path, session_id: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, json.dumps([session_id, text]).encode() + b"\n")
    os.fsync(descriptor)
    os.close(descriptor)


def typed(path: Path, session_id: str | None = None) -> list[str]:
    """What was typed, in order; of one session, or of all."""
    if not path.exists():
        return []
    whole = path.read_text().rpartition("\n")[0]  # a long line may be half there
    lines = [json.loads(line) for line in whole.splitlines()]
    return [text for session, text in lines if session_id in (None, session)]


def _words(action: Action) -> str:
    match action:
        case Input(text):
            return text
        case KeyPress(name):
            return name
        case ControlSignal():
            return action.typed
