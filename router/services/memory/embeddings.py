"""What notes mean, as far as somebody can say it: who asks a model is no part of the router, and may be away or wrong.

So nothing waits for it but a recall, and that for a moment. Who was given what is kept in memory: after a restart it is
given anew.
"""

import asyncio
import itertools
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

from msgspec import Struct

from router.clock import Clock
from router.domain.embeddings import MOST_COMPARED, digest, nearest, packed
from router.domain.masks import secret_in
from router.domain.note import Note, NoteState, words_of
from router.services.wakeups import Wakeups, set_within
from router.store import note_embeddings, notes
from router.store.database import Database, Transaction
from router.store.statements import Connection

PATIENCE = 1.0  # seconds that a recall waits
MOST_ASKED = 20  # recalls that wait at once
FOR_A_NOTE = 30.0  # seconds
AGAIN, RARELY = 60.0, 24 * 3600.0  # seconds until a note is given again: four times as many each time, and at most
GONE = 10.0  # seconds after which nobody waits for whoever has taken no text
_ANY, _QUERY, _NOTE = "text", "query-", "note-"


class Text(Struct, frozen=True):
    """One that is to become a vector within so many seconds."""

    text_id: str
    text: str
    within: float


@dataclass(slots=True)
class _Question:
    text: Text
    answer: "asyncio.Future[array[float] | None]"
    is_taken: bool = False


@dataclass(slots=True)
class Embeddings:
    """Of one model; of none where it is empty. Lives on the event loop, but for what is given a connection."""

    model: str
    _clock: Clock
    _arrivals: Wakeups = field(default_factory=Wakeups)
    _asked: dict[str, _Question] = field(default_factory=dict)  # by recalls that wait
    _tries: dict[int, tuple[int, float]] = field(default_factory=dict)  # of notes: how many, and until when no more
    _takers: int = 0
    _seen: float = float("-inf")
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def take(self, database: Database, wait: float) -> Text | None:
        """The next text, if one comes within so many seconds; what somebody recalls goes before notes."""
        until = asyncio.get_running_loop().time() + wait
        with self._taking(), self._arrivals.on(_ANY) as changed:
            while True:
                changed.clear()  # before the look: what comes meanwhile wakes again
                text = self._question() or await self._note(database)
                left = until - asyncio.get_running_loop().time()
                if text is not None or left <= 0 or not await set_within(changed, left):
                    return text

    async def of(self, query: str) -> "array[float] | None":
        """What somebody recalls means, if that is known in time. Raises Refusal for what is no query."""
        words_of(query)
        if not self._is_somebody_there() or len(self._asked) >= MOST_ASKED or secret_in(query):
            return None
        text = Text(f"{_QUERY}{next(self._numbers)}", query, PATIENCE)
        answer: asyncio.Future[array[float] | None] = asyncio.get_running_loop().create_future()
        self._asked[text.text_id] = _Question(text, answer)
        self._arrivals.wake(_ANY)
        try:
            async with asyncio.timeout(PATIENCE):
                return await answer
        except TimeoutError:
            return None
        finally:
            del self._asked[text.text_id]

    def answered(self, text_id: str, vector: "array[float] | None") -> bool:
        """Whether it was what somebody recalls; then they know now."""
        self._seen = self._clock.monotonic()
        if (question := self._asked.get(text_id)) is not None and not question.answer.done():
            question.answer.set_result(vector)
        return text_id.startswith(_QUERY)

    def put(self, tx: Transaction, text_id: str, model: str, vector: "array[float]") -> None:
        """Keep what a note means, if it is still there and says the same."""
        number, _, said = text_id.removeprefix(_NOTE).partition("-")
        note = notes.find(tx, int(number)) if number.isascii() and number.isdigit() and len(number) < 19 else None
        if note is None or not _is_sendable(note) or digest(note.text) != said or not model or model != self.model:
            return
        note_embeddings.write(tx, note.number, model, said, packed(vector))
        tx.after_commit(lambda: self._done(note.number))

    def kept(self, tx: Transaction) -> None:
        """There is a note more."""
        tx.after_commit(lambda: self._arrivals.wake(_ANY))

    def near(self, on: Connection, vector: "array[float]", seen: Iterable[Note]) -> list[Note]:
        """Those of the newest of them that mean the like, the nearest first."""
        newest = {note.number: note for note in islice(seen, MOST_COMPARED)}
        known = note_embeddings.of(on, self.model, list(newest))
        same = ((number, data) for number, said, data in known if said == digest(newest[number].text))
        return [newest[number] for number in nearest(vector, same)]

    @contextmanager
    def _taking(self) -> Iterator[None]:
        self._takers += 1
        try:
            yield
        finally:
            self._takers -= 1
            self._seen = self._clock.monotonic()

    def _is_somebody_there(self) -> bool:
        return bool(self.model) and (self._takers > 0 or self._clock.monotonic() - self._seen < GONE)

    def _question(self) -> Text | None:
        for question in self._asked.values():
            if not question.is_taken:
                question.is_taken = True
                return question.text
        return None

    async def _note(self, database: Database) -> Text | None:
        if not self.model:
            return None
        now = self._clock.monotonic()
        tried = [number for number, (_, until) in self._tries.items() if until > now]
        note = await database.read(lambda on: note_embeddings.next_without(on, self.model, tried))
        if note is None:
            return None
        # Counted before anybody has it: one whose text ends them is given to them ever more rarely.
        tries, _ = self._tries.get(note.number, (0, 0.0))
        self._tries[note.number] = tries + 1, now + min(AGAIN * 4.0 ** min(tries, 10), RARELY)
        return Text(f"{_NOTE}{note.number}-{digest(note.text)}", note.text, FOR_A_NOTE)

    def _done(self, number: int) -> None:
        self._tries.pop(number, None)


def _is_sendable(note: Note) -> bool:
    """Whether its text may go to a model."""
    return note.forgotten_at is None and note.state is NoteState.KEPT
