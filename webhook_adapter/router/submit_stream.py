"""The inbound stream: many requests hand their items over, one stream carries all that has gathered.

A request waits for its own answer alone. When the stream is lost, every item on it may or may not be stored; handing it
in again is safe (the router knows each update key), so an item is tried on one new stream before its sender is told.
"""

import itertools
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from pointsman.client.errors import RouterError
from webhook_adapter.loop import Place, place, soon
from webhook_adapter.model import Submission, Submitted
from webhook_adapter.router.errors import unavailable

logger = logging.getLogger(__name__)

Item = tuple[int, Submission]
Answer = tuple[int, Submitted | RouterError]
Opener = Callable[[Iterator[list[Item]]], Iterator[list[Answer]]]
"""Opens one stream: frames in, answers out; raises RouterError where the stream ends with an error."""

SUBMIT_TIMEOUT = 10.0
"""Seconds an item may wait. Telegram hangs up after 60; a router that needs 10 is better asked again."""

# The router takes frames of 1 MiB; a larger one would kill the stream for all. A frame is closed once it has reached
# _FRAME_BYTES, so both together stay below.
_FRAME_BYTES = 256 * 1024
_ITEM_BYTES = 640 * 1024
_ENOUGH = 8  # items go before the turn of the loop is over: the router writes them while the next requests are read


@dataclass(frozen=True, slots=True)
class _Lost:
    error: RouterError


class _Word(Enum):
    """To whoever sends frames."""

    GO = auto()  # more has gathered
    END = auto()


_Outcome = Submitted | RouterError | _Lost


class SubmitStream:
    """One stream shared by all of this process, opened when it is needed."""

    def __init__(self, open_stream: Opener) -> None:
        self._open_stream = open_stream
        self._lock = threading.Lock()  # guards _link
        self._link: _Link | None = None

    def submit(self, submission: Submission, timeout: float = SUBMIT_TIMEOUT) -> Submitted:
        """Hand one item in and wait until it is on the router's disk. Raises RouterError."""
        if _weight(submission) > _ITEM_BYTES:
            raise RouterError("INVALID_ARGUMENT", "the text is too long", "TOO_LARGE")
        outcome = self._try(submission, timeout)
        if isinstance(outcome, _Lost):
            outcome = self._try(submission, timeout)
        if isinstance(outcome, _Lost):
            raise outcome.error
        if isinstance(outcome, RouterError):
            raise outcome
        return outcome

    def _try(self, submission: Submission, timeout: float) -> _Outcome:
        return self._current().carry(submission, timeout)

    def _current(self) -> "_Link":
        with self._lock:
            if self._link is None or self._link.is_over:
                self._link = _Link(self._open_stream)
            return self._link

    @property
    def waiting(self) -> int:
        """How many items wait for their answer."""
        with self._lock:
            return self._link.waiting if self._link is not None else 0

    def close(self) -> None:
        """End the stream after what was handed over."""
        with self._lock:
            if self._link is not None:
                self._link.finish()


class _Link:
    """One stream's life. Once over, it stays over."""

    def __init__(self, open_stream: Opener) -> None:
        self._numbers = itertools.count(1)
        self._gathered: deque[Item] = deque()
        self._is_to_go: queue.SimpleQueue[_Word] = queue.SimpleQueue()
        self._lock = threading.Lock()  # guards _waiting and _lost together
        self._waiting: dict[int, Place[_Outcome]] = {}
        self._lost: _Lost | None = None
        self._open_stream = open_stream
        threading.Thread(target=self._read, name="submit-stream", daemon=True).start()

    @property
    def is_over(self) -> bool:
        return self._lost is not None

    @property
    def waiting(self) -> int:
        with self._lock:
            return len(self._waiting)

    def carry(self, submission: Submission, timeout: float) -> _Outcome:
        number = next(self._numbers)
        answer: Place[_Outcome] = place()
        with self._lock:
            if self._lost is not None:
                return self._lost
            self._waiting[number] = answer
            self._gathered.append((number, submission))
            is_enough = len(self._gathered) == _ENOUGH
        if is_enough:
            self._hand_over()
        else:
            soon(self._hand_over)
        try:
            return answer.get(timeout=timeout)
        except queue.Empty:
            return unavailable("the router did not answer in time; try again in a moment")
        finally:
            self._waiting.pop(number, None)

    def finish(self) -> None:
        self._is_to_go.put(_Word.END)

    def _hand_over(self) -> None:
        if self._gathered:
            self._is_to_go.put(_Word.GO)

    def _frames(self) -> Iterator[list[Item]]:
        """What has gathered since the last frame, as one frame."""
        while self._is_to_go.get() is _Word.GO:
            while self._gathered:
                frame, weight = list[Item](), 0
                while weight < _FRAME_BYTES and self._gathered:  # nobody else takes from it
                    frame.append(self._gathered.popleft())
                    weight += _weight(frame[-1][1])
                yield frame

    def _read(self) -> None:
        error = unavailable("the link to the router ended; try again in a moment")
        try:
            for answers in self._open_stream(self._frames()):  # which may have to wait until the router is proven
                self._resolve(answers)
        except RouterError as refused:
            error = refused
        except ValueError:  # of gRPC: the process ends, and has closed its channel
            logger.debug("submit stream not opened: the channel is closed")
        finally:
            self._end(_Lost(error))

    def _resolve(self, answers: list[Answer]) -> None:
        for number, outcome in answers:
            waiter = self._waiting.get(number)
            if waiter is not None:
                waiter.put(outcome)

    def _end(self, lost: _Lost) -> None:
        logger.info("submit stream ended code=%s", lost.error.code)
        with self._lock:
            self._lost = lost
            waiters = list(self._waiting.values())
        self._is_to_go.put(_Word.END)
        for waiter in waiters:
            waiter.put(lost)


def _weight(submission: Submission) -> int:
    """An upper bound of its bytes on the wire, cheap to know: UTF-8 needs at most 4 a character."""
    return 4 * (len(submission.text) + len(submission.button or "")) + 1024
