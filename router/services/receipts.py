"""Telling people how far their command got: one line per command, edited while it changes."""

from collections.abc import Callable

from router.clock import Clock
from router.domain import wording
from router.domain.command import ChatRef, Command
from router.domain.notification import Kind, Notification, NotificationState
from router.services.outbox import Outbox
from router.store import notifications, sessions
from router.store.database import Transaction


class Receipts:
    """Writes receipts into the outbox. Only commands that came from a chat have any."""

    def __init__(
        self, outbox: Outbox, clock: Clock, new_id: Callable[[], str], connected: Callable[[str], bool]
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._new_id = new_id
        self._connected = connected

    def accepted(self, tx: Transaction, command: Command) -> None:
        """Say that it waits, if its machine is away; else the end comes so soon that one line is enough."""
        if command.origin.chat and not self._connected(command.machine_id):
            self._say(tx, command, None)

    def progressed(self, tx: Transaction, command: Command) -> None:
        """Change the line of a command that has one."""
        if command.origin.chat and (before := notifications.newest_receipt(tx, command.command_id)):
            self._say(tx, command, before)

    def ended(self, tx: Transaction, command: Command) -> None:
        """Say how it ended, always."""
        if command.origin.chat:
            self._say(tx, command, notifications.newest_receipt(tx, command.command_id))

    def answer(self, tx: Transaction, chat: ChatRef, text: str, session_id: str = "") -> None:
        """Answer a chat outside of any command."""
        note = Notification(self._new_id(), session_id, chat, Kind.ANSWER, text, "", self._clock.now())
        self._outbox.add(tx, note, "router")

    def _say(self, tx: Transaction, command: Command, before: Notification | None) -> None:
        chat = command.origin.chat
        if chat is None:
            return
        session = sessions.find(tx, command.session_id)
        text = wording.receipt(command, session, connected=self._connected(command.machine_id))
        if before and before.state is NotificationState.QUEUED:
            notifications.rewrite(tx, before.notification_id, text, command.state)
            return
        edits = before.notification_id if before else ""
        note = Notification(
            self._new_id(), command.session_id, chat, Kind.RECEIPT, text, "", self._clock.now(),
            edits=edits, command_id=command.command_id, command_state=command.state,
        )  # fmt: skip
        self._outbox.add(tx, note, "router")
