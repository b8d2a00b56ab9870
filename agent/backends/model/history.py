"""What was said in a session with a model: a file of the agent's for each, and what of it the model is shown."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from agent.backends.model.dialect import Turn
from agent.domain.session import bare_id

MOST_TURNS = 40
MOST_CHARACTERS = 30_000
_KEPT_TURNS, _KEPT_CHARACTERS = MOST_TURNS // 2, MOST_CHARACTERS // 2  # behind a summary: not one for each turn
_UNSUMMED = 8  # times as much, where no summary can be had: then the oldest is forgotten
_ABOVE = "What was said before, in short:\n\n{summary}"


@dataclass(frozen=True, slots=True)
class History:
    """In order; `summary` is of what was said before that."""

    turns: tuple[Turn, ...] = ()
    summary: str = ""

    def and_then(self, turn: Turn) -> "History":
        """With one more at its end."""
        turns = (*self.turns, turn)
        return replace(self, turns=turns[_fitting(turns, _UNSUMMED * MOST_TURNS, _UNSUMMED * MOST_CHARACTERS) :])

    @property
    def shown(self) -> tuple[Turn, ...]:
        """What the model is shown: the newest, as much as it may be."""
        return self.turns[_fitting(self.turns, MOST_TURNS, MOST_CHARACTERS) :]

    @property
    def is_long(self) -> bool:
        """Whether something would not be shown, and wants a summary."""
        return len(self.shown) < len(self.turns)

    @property
    def old(self) -> tuple[Turn, ...]:
        """What a summary is to be of, with the one before."""
        return self.turns[: _fitting(self.turns, _KEPT_TURNS, _KEPT_CHARACTERS)]

    def summed_up(self, summary: str) -> "History":
        """With this in the place of what is old."""
        return History(self.turns[len(self.old) :], summary[:MOST_CHARACTERS])

    def under(self, system: str) -> str:
        """What the model is told before all that is said."""
        return f"{system}\n\n{_ABOVE.format(summary=self.summary)}" if self.summary else system


def as_text(history: History) -> str:
    """What is old as one text, for whoever makes a summary of it."""
    told = [f"{'Person' if turn.is_persons else 'You'}: {turn.text}" for turn in history.old]
    before = [f"(Before that, in short: {history.summary})"] if history.summary else []
    return "\n\n".join([*before, *told])[-3 * MOST_CHARACTERS :]


def _fitting(turns: Sequence[Turn], most: int, characters: int) -> int:
    """Where the newest begin that fit; the newest of all is among them, however long it is."""
    first = len(turns)
    for at in range(len(turns) - 1, -1, -1):
        characters -= len(turns[at].text)
        if len(turns) - at > most or (characters < 0 and first < len(turns)):
            break
        first = at
    return first


class Histories:
    """Those of one agent, nobody else's to read. May block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, session_id: str) -> History:
        """Nothing where there is none, or none that can be read: a talk then begins anew."""
        try:
            kept = json.loads(self._path(session_id).read_bytes())
            turns = tuple(Turn(bool(is_persons), str(text)) for is_persons, text in kept["turns"])
            return History(turns, str(kept["summary"]))
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return History()

    def write(self, session_id: str, history: History) -> None:
        """In the place of what was there, in one piece. Raises OSError."""
        path = self._path(session_id)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        kept = {"summary": history.summary, "turns": [[turn.is_persons, turn.text] for turn in history.turns]}
        data = json.dumps(kept).encode()
        beside = path.with_suffix(".new")
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(file)
        beside.replace(path)

    def forget(self, session_id: str) -> None:
        """The session is over."""
        with suppress(OSError):
            self._path(session_id).unlink()

    def _path(self, session_id: str) -> Path:
        """Its id may not be fit for a name."""
        return self._folder / f"{sha256(bare_id(session_id).encode()).hexdigest()[:32]}.json"
