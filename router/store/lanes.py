"""What waits for the writer, in two lanes: operations for which somebody waits outside, and the others.

Urgent ones go first, into a group of their own or to the end of one that is being worked on, or of the few that they
take along. For four times as long as they took the others then go before them: under a load that does not end, what
machines confirm is written as fast as what people say is taken in.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import SimpleQueue
from typing import Any

from router.store.group_commit import Operation

MAX_GROUP = 64  # operations; a larger group makes the first caller wait too long
MOST_URGENT = 4  # of them; so the first are answered while the next are worked on
SHARE = 4  # of the time that urgent ones took, for the others before the next urgent ones
MOST_OWED = 0.05  # seconds; a disk that stood still for a moment is no load
MOST_ALONG = 0.002  # seconds for which an urgent one waits for what it takes along
LEAST = 0.0003  # seconds for which the others, once begun, go on: a commit is for more than one


class Lanes:
    """Anybody may put; one thread takes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._urgent: deque[Operation[Any]] = deque()
        self._others: deque[Operation[Any]] = deque()
        self._owed = 0.0  # seconds that the others go before urgent ones
        self._along = 0  # of the others, that the next group begins with
        self._is_over = False
        self._calls: SimpleQueue[None] = SimpleQueue()
        self._is_called = False

    def __len__(self) -> int:
        return len(self._urgent) + len(self._others)

    def put(self, operations: Iterable[Operation[Any]], *, urgent: bool = False) -> None:
        """Behind what is in their lane."""
        (self._urgent if urgent else self._others).extend(operations)
        self._call()

    def put_urgent(self, operation: Operation[Any], along: Sequence[Operation[Any]]) -> None:
        """One that is urgent, with a few of the others in its group."""
        self._others.extend(along)
        self._along = len(along)
        self.put([operation], urgent=True)

    def end(self) -> None:
        """Nothing comes any more."""
        self._is_over = True
        self._call()

    def wait(self) -> bool:
        """Come back when there is something; False when nothing is left and nothing comes."""
        while not (self._urgent or self._others):
            if self._is_over:
                return False
            self._calls.get()
            self._is_called = False  # before the look: what is put after it calls again
        return True

    def group(self) -> Iterator[Operation[Any]]:
        """The next group, each when it is its turn: one that is urgent and comes meanwhile is in it."""
        room = MAX_GROUP
        along, self._along = self._along, 0
        if self._others and (along or self._owed > 0.0 or not self._urgent):
            for operation in self._of_others(room, along):
                room -= 1
                yield operation
        began = self._clock()
        for _ in range(min(room, MOST_URGENT)):
            if not self._urgent:
                break
            yield self._urgent.popleft()
        owed = self._owed + SHARE * (self._clock() - began)
        self._owed = min(MOST_OWED, owed) if self._others else 0.0

    def _of_others(self, room: int, along: int) -> Iterator[Operation[Any]]:
        began, least, count = self._clock(), max(LEAST, self._owed), 0
        while self._others and count < room:
            enough = max(least, MOST_ALONG) if count < along else least
            if self._urgent and self._clock() - began >= enough:
                break
            count += 1
            yield self._others.popleft()
        self._owed = max(0.0, self._owed - (self._clock() - began))

    def _call(self) -> None:
        if not self._is_called:
            self._is_called = True
            self._calls.put(None)
