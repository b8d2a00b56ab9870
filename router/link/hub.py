"""Who is connected: the newest link of each machine, and its window.

A link's window and the hub's table are changed in the writer thread alone, inside the transaction that justifies the
change, and restored when that is undone. Its outgoing lanes and its closing belong to the event loop.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from router.domain.action import Lane
from router.domain.command import Command
from router.domain.errors import Reason
from router.domain.frames import RouterFrame
from router.domain.undo import Undo

WINDOW = 32  # commands without a receipt
WINDOW_BATCHED = 512  # for agents that take many commands in a frame: a half of it is stored while the other is sent
WINDOW_BYTES = 1024 * 1024


class InFlight(NamedTuple):
    """A command on its way: its bytes, and when it was sent (monotonic seconds)."""

    size: int
    sent: float


def unheard() -> None:
    """What wakes nobody: there is no stream."""


@dataclass(eq=False, slots=True)
class Link:
    """One open stream of a machine."""

    machine_id: str
    public_key: bytes  # whose private half opened it
    batches: bool  # the agent takes CommandBatch frames
    max_in_flight: int
    epoch: int = 0
    inbox_id: str = ""
    unresolved: frozenset[str] = frozenset()  # commands that its hello named
    in_flight: dict[str, InFlight] = field(default_factory=dict)
    bytes_in_flight: int = 0
    caught_up: bool = False  # nothing waits on disk for this link
    probing: bool = False  # one command at a time, to see which of them brings the agent down
    is_full: bool = False  # its machine was told that it has too many sessions
    draining: bool = False  # the agent was asked to leave: nothing more is sent
    shows_screens: bool = False  # the agent answers ScreenQuery frames
    tells_deltas: bool = False  # the agent tells what is being said
    gone: bool = False  # the stream has ended, though that may not be on disk yet
    heard_at: float = 0.0  # its last frame, in seconds since the epoch; the event loop's
    # Lists, as they are empty nearly always: a deque would take a page for it.
    urgent: list[RouterFrame] = field(default_factory=list)
    normal: list[RouterFrame] = field(default_factory=list)
    wake: Callable[[], object] = unheard  # called when there is something to say
    closing: tuple[Reason, str] | None = None

    def room(self) -> int:
        """How many more commands may be on their way."""
        # What is sent now would come back unconfirmed, and count against it.
        if self.draining or self.gone:
            return 0
        return (1 if self.probing else self.max_in_flight) - len(self.in_flight)

    def makes_room(self, command_ids: Iterable[str]) -> bool:
        """Whether half of its window is taken, and some of these commands have a place there, which a receipt frees."""
        return len(self.in_flight) * 2 >= self.max_in_flight and any(map(self.in_flight.__contains__, command_ids))

    def fitting(self, commands: Sequence[Command]) -> list[Command]:
        """The first of these that fit by count and by bytes."""
        within, size = [], self.bytes_in_flight
        for command in commands[: max(0, self.room())]:
            size += command.size
            if size > WINDOW_BYTES:
                break
            within.append(command)
        return within

    def reserve(self, tx: Undo, commands: Sequence[Command], now: float) -> None:
        """Take places in the window; given back if the transaction is undone."""
        size = self.bytes_in_flight
        for command in commands:
            entry = InFlight(command.size, now)
            tx.put(self.in_flight, command.command_id, entry)
            size += entry.size
        tx.set(self, bytes_in_flight=size)

    def release(self, tx: Undo, *command_ids: str) -> list[str]:
        """Give places back; taken again if the transaction is undone. Returns those that had one."""
        had, size = [], self.bytes_in_flight
        for command_id in command_ids:
            if (entry := tx.pop(self.in_flight, command_id)) is not None:
                had.append(command_id)
                size -= entry.size
        if had:
            tx.set(self, bytes_in_flight=size)
        return had

    def oldest(self) -> float | None:
        """When the oldest command without a receipt was sent."""
        # A dict keeps the order in which they were sent.
        return next((entry.sent for entry in self.in_flight.values()), None)

    def send(self, frame: RouterFrame, *, urgent: bool = False) -> None:
        """Queue a frame for the stream's one writer."""
        (self.urgent if urgent else self.normal).append(frame)
        self.wake()

    def deliver(self, commands: Sequence[Command]) -> None:
        """Queue commands, each in its lane."""
        for command in commands:
            (self.urgent if command.lane is Lane.URGENT else self.normal).append(command)
        self.wake()

    def close(self, reason: Reason, text: str) -> None:
        """Ask the stream's driver to end it; the first reason counts."""
        # The reason is told when the lanes are empty: what was queued before goes out first.
        if self.closing is None:
            self.closing = (reason, text)
        self.wake()


class Hub:
    """The current link of each machine."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}

    def get(self, machine_id: str) -> Link | None:
        """The machine's newest link, or None."""
        return self._links.get(machine_id)

    def connected(self, machine_id: str) -> bool:
        """Whether the machine has a link now."""
        link = self._links.get(machine_id)
        return link is not None and not link.gone

    def is_current(self, link: Link) -> bool:
        """Whether no newer link of that machine took over."""
        return self._links.get(link.machine_id) is link

    def all(self) -> list[Link]:
        """Every current link."""
        return list(self._links.values())

    def replace(self, tx: Undo, link: Link) -> Link | None:
        """Make a link the current one; returns the one before. Undone with the transaction."""
        before = self._links.get(link.machine_id)
        tx.put(self._links, link.machine_id, link)
        return before

    def remove(self, tx: Undo, link: Link) -> None:
        """Forget a link. Undone with the transaction."""
        tx.pop(self._links, link.machine_id)
