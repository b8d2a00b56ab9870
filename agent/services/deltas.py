"""What sessions say while they say it, as long as somebody wants it: the newest, a few times a second, kept nowhere.

A word counts once it is whole: of half a secret nothing can be told, and it would not be masked.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from agent.clock import Clock
from agent.domain.frames import DeltasWanted, SaidDelta
from agent.domain.masks import Masks
from agent.domain.session import bare_id

EVERY = 0.2  # seconds between two of a session
LONGEST = 4096  # characters of one
LOOKED_AT = 32 * 1024  # characters that are looked at for secrets
MOST_WANTED = 200  # sessions
LONGEST_LEASE = 120.0  # seconds
Send = Callable[[SaidDelta], None]


@dataclass(slots=True)
class _Answer:
    """One that is under way."""

    answer_id: str
    text: str = ""
    told: int = 0  # characters
    told_at: float = 0.0


class DeltaTeller:
    """One for the process; `tell` runs once for each link."""

    def __init__(self, masks: Masks, clock: Clock, every: float = EVERY) -> None:
        self._masks = masks
        self._clock = clock
        self._every = every
        self._wanted: dict[str, tuple[str, float]] = {}  # by session: what the router calls it, and until when
        self._answers: dict[str, _Answer] = {}
        self._changed = asyncio.Event()

    def asked(self, wanted: DeltasWanted) -> None:
        """The router wants them for a while."""
        if len(self._wanted) < MOST_WANTED or bare_id(wanted.session_id) in self._wanted:
            until = self._clock.monotonic() + min(wanted.seconds, LONGEST_LEASE)
            self._wanted[bare_id(wanted.session_id)] = wanted.session_id, until

    def is_wanted(self, session_id: str) -> bool:
        """Whether anybody wants what this session is saying."""
        _, until = self._wanted.get(bare_id(session_id), ("", 0.0))
        return self._clock.monotonic() < until

    def begun(self, session_id: str, answer_id: str) -> None:
        """It says something new."""
        self._answers[bare_id(session_id)] = _Answer(answer_id)

    def more(self, session_id: str, text: str) -> None:
        """It goes on."""
        if answer := self._answers.get(bare_id(session_id)):
            answer.text += text
            self._changed.set()

    def whole(self, session_id: str) -> None:
        """It has said it: that comes as an event."""
        self._answers.pop(bare_id(session_id), None)

    async def tell(self, send: Send) -> None:
        """Tell it on a link, until cancelled."""
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                for name, answer in list(self._answers.items()):
                    self._one(name, answer, send)
                await asyncio.sleep(self._every)  # what comes meanwhile goes with the next
        finally:
            self._wanted.clear()  # the next router, or the same one, asks again

    def _one(self, name: str, answer: _Answer, send: Send) -> None:
        if not self.is_wanted(name):
            return
        whole = max(answer.text.rfind(" "), answer.text.rfind("\n")) + 1
        if whole <= answer.told:
            return
        answer.told = whole
        looked_at = answer.text[max(0, whole - LOOKED_AT) : whole]
        masked = self._masks(looked_at)
        shown = masked[-LONGEST:]
        before = whole - len(looked_at) + len(masked) - len(shown)
        send(SaidDelta(self._wanted[name][0], answer.answer_id, before, shown))
