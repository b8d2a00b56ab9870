"""What status messages say, and which are owed: they are written when a courier can bring them.

That something waits: one line tells of all that somebody wrote meanwhile; it stands under the newest, and counts those
before it that have none of their own. Which are owed is kept in memory, in the writer thread; after a restart, what
waits says it.

That something ended well: each has a line, and those that are owed are written together. Which they are, their rows
say: they are done and have none. Since when to look is on disk, once for all that are owed on a platform.
"""

import json
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import islice, takewhile

from msgspec.structs import replace

from router.clock import Clock
from router.domain import router_buttons
from router.domain.clock_steps import LONG_STEP
from router.domain.command import ChatRef, Command, CommandState
from router.domain.errors import Reason
from router.domain.notification import MAX_AGE, Button, Kind, Notification, NotificationState
from router.domain.session import Session
from router.domain.wording import status_lines
from router.store import chat_lines, chats, clock_steps, commands, machines, meta, notifications, sessions
from router.store.database import Transaction

Place = tuple[ChatRef, str]  # a chat, and the session that something in it waits for
MOST_ENDS = 2_000  # lines that are written in one transaction
OWED_ENDS = "owed_ends"  # the fact of the database: by platform, the time of the first end whose line is owed


@dataclass(frozen=True, slots=True)
class StatusLines:
    """Writes them. What is put into the outbox here is leased by whoever asked for it."""

    _clock: Clock
    _new_id: Callable[[], str]
    _new_token: Callable[[], str]
    _connected: Callable[[str], bool]
    _owed: dict[str, dict[Place, None]] = field(default_factory=dict)  # by transport; in order, as a set has none
    _owed_ends: dict[str, float] = field(default_factory=dict)  # by transport, as it is on disk
    _told: set[str] = field(default_factory=set)  # of the commands that live, those that have a line

    def load(self, tx: Transaction) -> None:
        """Before anything ends after a start: which commands have a line, and since when one is owed for ends."""
        self._told.update(chat_lines.told(tx))
        self._owed_ends.update(json.loads(meta.get(tx, OWED_ENDS) or "{}"))

    def recover(self, tx: Transaction) -> None:
        """After a start: a line may have been owed for whatever waits."""
        for chat, session_id in chat_lines.places(tx):
            self.owe(tx, chat, session_id)

    def owe(self, tx: Transaction, chat: ChatRef, session_id: str) -> bool:
        """What a chat was told of that waits for a session is no longer all of it, or too much. Whether that is new."""
        place = ChatRef(chat.transport, chat.chat_id, chat.thread_id), session_id
        if place in (owed := self._owed.setdefault(chat.transport, {})):
            return False
        tx.put(owed, place, None)
        return True

    @property
    def owed_ends(self) -> Collection[str]:
        """The platforms to whose chats it is owed how commands ended."""
        return self._owed_ends.keys()

    def owe_end(self, tx: Transaction, transport: str, ended_at: float) -> None:
        """A command ended well, and its line is not written yet."""
        if ended_at < self._owed_ends.get(transport, math.inf):
            tx.put(self._owed_ends, transport, ended_at)
            self._keep_owed_ends(tx)

    def is_told(self, command_id: str) -> bool:
        """Whether a command that lives has a line."""
        return command_id in self._told

    def last(self, tx: Transaction, ended: Command) -> Notification | None:
        """The line of a command that lived until now, if it has one."""
        if ended.command_id not in self._told:
            return None
        tx.discard(self._told, ended.command_id)
        return notifications.newest_status_message(tx, ended.command_id)

    def write(self, tx: Transaction, transport: str, is_free: Callable[[str, str], bool], most: int) -> None:
        """Put what is owed into the outbox; that something waits, for chats that are free."""
        self.write_ends(tx, transport)
        owed = self._owed.get(transport, {})
        for place in list(islice((each for each in owed if is_free(transport, each[0].chat_id)), most)):
            tx.pop(owed, place)
            self._tell(tx, *place)

    def write_ends(self, tx: Transaction, transport: str) -> None:
        """Put into the outbox how commands ended, in that order, as far as it is owed."""
        if transport not in self._owed_ends:
            return
        # Older than a day nobody needs it, but by a clock that may have been set meanwhile.
        now = self._clock.now()
        oldest = 0.0 if clock_steps.history_is_held(tx, now) else now - MAX_AGE - LONG_STEP
        ended = chat_lines.ended(tx, transport, max(oldest, self._owed_ends[transport]), MOST_ENDS)
        known: dict[str, Session | None] = {}
        for command_id, _ in ended:
            command = commands.get(tx, command_id)
            if command.session_id not in known:
                known[command.session_id] = sessions.find(tx, command.session_id)
            text = self._text(tx, command, known[command.session_id])
            if command.origin.chat:
                note = self.note(tx, command, chats.current(tx, command.origin.chat), text, (), None)
                notifications.insert(tx, note, "router")
        tx.pop(self._owed_ends, transport)
        if len(ended) == MOST_ENDS:  # then there may be more
            tx.put(self._owed_ends, transport, ended[-1][1])
        self._keep_owed_ends(tx)

    def text(self, tx: Transaction, command: Command) -> str:
        """How far a command got."""
        return self._text(tx, command, sessions.find(tx, command.session_id))

    def _text(self, tx: Transaction, command: Command, session: Session | None) -> str:
        connected = self._connected(command.machine_id)
        gate = machines.gate(tx, command.machine_id) if self._is_away(command) else ""
        why, others = Reason[gate] if gate else None, len(self.told_by(tx, command))
        return status_lines.status_line(command, session, connected=connected, gate=why, others=others)

    def buttons(self, tx: Transaction, command: Command) -> tuple[Button, ...]:
        """What can be done about it."""
        return router_buttons.cures(command, with_others=bool(self.told_by(tx, command)))

    def told_by(self, tx: Transaction, command: Command) -> list[str]:
        """What the line of a command tells of that waits before it, the oldest first."""
        if not self._is_away(command) or command.origin.chat is None:
            return []
        there = chat_lines.newest_first(tx, command.machine_id, command.session_id, command.origin.chat)
        before = (each for each in there if each.sequence < command.sequence)
        return [each.command_id for each in takewhile(lambda each: not each.is_told, before)][::-1]

    def note(
        self, tx: Transaction, command: Command, chat: ChatRef, text: str, buttons: tuple[Button, ...],
        before: Notification | None,
    ) -> Notification:  # fmt: skip
        """A status message, as an edit of an earlier one if there is one."""
        if command.state.live:
            tx.add(self._told, command.command_id)
        return Notification(
            self._new_id(), command.session_id, chat, Kind.STATUS, text, self._new_token() if buttons else "",
            self._clock.now(), buttons, edits=before.notification_id if before else "", command_id=command.command_id,
            command_state=command.state, as_mark=status_lines.says_all(command) and (before is None or before.as_mark),
        )  # fmt: skip

    def _tell(self, tx: Transaction, chat: ChatRef, session_id: str) -> None:
        session = sessions.find(tx, session_id)
        if session is None or self._connected(session.machine_id):
            return  # what goes out at once has no line
        if newest := next(iter(chat_lines.newest_first(tx, session.machine_id, session_id, chat)), None):
            self._put(tx, commands.get(tx, newest.command_id), chats.current(tx, chat))

    def _put(self, tx: Transaction, command: Command, chat: ChatRef) -> None:
        text, before = self.text(tx, command), notifications.newest_status_message(tx, command.command_id)
        if before and before.text == text:
            return
        answered = replace(chat, message_id=command.origin.chat.message_id if command.origin.chat else "")
        note = self.note(tx, command, before.chat if before else answered, text, self.buttons(tx, command), before)
        if before and before.state is NotificationState.QUEUED:
            notifications.rewrite(tx, before, note)
        else:
            notifications.insert(tx, note, "router")

    def _keep_owed_ends(self, tx: Transaction) -> None:
        meta.put(tx, OWED_ENDS, json.dumps(self._owed_ends))

    def _is_away(self, command: Command) -> bool:
        return command.state is CommandState.QUEUED and not self._connected(command.machine_id)
