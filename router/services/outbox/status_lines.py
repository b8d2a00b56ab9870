"""What status messages say, and which are owed: that something waits is written when a courier can bring it.

So one line tells of all that somebody wrote meanwhile: it stands under the newest, and counts those before it that
have none of their own. Which are owed is kept in memory, in the writer thread; after a restart, what waits says it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice, takewhile

from msgspec.structs import replace

from router.clock import Clock
from router.domain import router_buttons
from router.domain.command import ChatRef, Command, CommandState
from router.domain.errors import Reason
from router.domain.notification import Button, Kind, Notification, NotificationState
from router.domain.wording import status_lines
from router.store import chat_lines, chats, commands, machines, notifications, sessions
from router.store.database import Transaction

Place = tuple[ChatRef, str]  # a chat, and the session that something in it waits for


@dataclass(frozen=True, slots=True)
class StatusLines:
    """Writes them. What is put into the outbox here is leased by whoever asked for it."""

    _clock: Clock
    _new_id: Callable[[], str]
    _new_token: Callable[[], str]
    _connected: Callable[[str], bool]
    _owed: dict[str, dict[Place, None]] = field(default_factory=dict)  # by transport; in order, as a set has none

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

    def write(self, tx: Transaction, transport: str, is_free: Callable[[str, str], bool], most: int) -> None:
        """Put what is owed to chats that are free into the outbox."""
        owed = self._owed.get(transport, {})
        for place in list(islice((each for each in owed if is_free(transport, each[0].chat_id)), most)):
            tx.pop(owed, place)
            self._tell(tx, *place)

    def text(self, tx: Transaction, command: Command) -> str:
        """How far a command got."""
        session, connected = sessions.find(tx, command.session_id), self._connected(command.machine_id)
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
        self, command: Command, chat: ChatRef, text: str, buttons: tuple[Button, ...], before: Notification | None
    ) -> Notification:
        """A status message, as an edit of an earlier one if there is one."""
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
        note = self.note(command, before.chat if before else answered, text, self.buttons(tx, command), before)
        if before and before.state is NotificationState.QUEUED:
            notifications.rewrite(tx, before, note)
        else:
            notifications.insert(tx, note, "router")

    def _is_away(self, command: Command) -> bool:
        return command.state is CommandState.QUEUED and not self._connected(command.machine_id)
