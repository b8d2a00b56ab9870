"""Telling people how far their command got: one line per command, edited while it changes. A bad end is a new message,
since an edit makes no sound.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace

from router.clock import Clock, moment
from router.domain import router_buttons
from router.domain.action import StartSession
from router.domain.command import ChatRef, Command, CommandState
from router.domain.notification import Button, Kind, Notification, NotificationState, change_of
from router.domain.session import Session
from router.domain.wording import answers, labels, status_lines
from router.services.outbox.leases import Outbox
from router.services.outbox.status_lines import StatusLines
from router.store import notifications, sessions
from router.store.database import Transaction

# Ends that somebody must act upon: an edit makes no sound, so they come as new messages.
ALARMING = frozenset({CommandState.FAILED, CommandState.UNCERTAIN, CommandState.EXPIRED, CommandState.DEAD})
NEVER_SHOWN = frozenset({NotificationState.REFUSED, NotificationState.DEAD})


@dataclass(frozen=True, slots=True)
class StatusMessages:
    """Writes status messages and answers into the outbox. Only commands that came from a chat have any."""

    _outbox: Outbox
    _lines: StatusLines
    _clock: Clock
    _new_id: Callable[[], str]
    _new_token: Callable[[], str]
    _connected: Callable[[str], bool]
    on_failed: list[Callable[[Transaction, Command, str], None]] = field(default_factory=list)
    on_came: list[Callable[[Transaction, str], None]] = field(default_factory=list)
    on_settled: list[Callable[[Transaction, Command], None]] = field(default_factory=list)

    def accepted(self, tx: Transaction, command: Command) -> None:
        """Say that it waits, if its machine is away; else the end comes so soon that one line is enough.

        A start takes a moment, and its line is what people reply to.
        """
        chat = command.origin.chat
        if isinstance(command.action, StartSession):
            self._say(tx, command, None)
        elif chat and not self._connected(command.machine_id):
            self._outbox.owe(tx, chat, command.session_id)

    def machine_came(self, tx: Transaction, machine_id: str) -> None:
        """A machine is back: what people were told of its absence is over."""
        for tell in self.on_came:
            tell(tx, machine_id)

    def marked(self, tx: Transaction, command: Command) -> None:
        """Let the line say what the program did with the text; where a mark stands for it, that says it already."""
        before = notifications.newest_status_message(tx, command.command_id)
        # A reaction on the person's own message: there is no line that could be edited.
        stands = before and before.state is NotificationState.DELIVERED and before.as_mark and not before.message_ids
        if before and not (stands and status_lines.says_all(command)):
            self._say(tx, command, before)

    def progressed(self, tx: Transaction, command: Command) -> None:
        """Change the line of a command that has one, where it says something else now."""
        before = notifications.newest_status_message(tx, command.command_id)
        # An edit to the same words is refused by platforms, and costs a call of the chat's limit.
        if before and before.text != self._lines.text(tx, command):
            self._say(tx, command, before)

    def has_line(self, command_id: str) -> bool:
        """Whether people are told of a command that lives."""
        return self._lines.is_told(command_id)

    def ended(self, tx: Transaction, command: Command) -> None:
        """Say how it ended, always."""
        self._end(tx, command, self._lines.last(tx, command))

    def ended_otherwise(self, tx: Transaction, command: Command) -> None:
        """Its machine said later how it ended: say that, too."""
        self._end(tx, command, notifications.newest_status_message(tx, command.command_id))

    def _end(self, tx: Transaction, command: Command, before: Notification | None) -> None:
        if command.state in ALARMING and not command.dropped:
            for tell in self.on_failed:
                tell(tx, command, self._lines.text(tx, command))
        chat = command.origin.chat
        # It makes no sound, and nobody has to act.
        can_wait = before is None and command.state is CommandState.DONE
        # First: what follows may write all that is owed, and then this would be told twice.
        is_owed = can_wait and chat and self._outbox.owe_end(tx, chat, command.ended_at or 0.0)
        if chat and not self._connected(command.machine_id):
            self._outbox.owe(tx, chat, command.session_id)  # what waits beside it may have had no other line
        if is_owed:
            return
        if before and before.state is NotificationState.QUEUED:
            # What was told and owed above may have let a courier have it: nothing can be written there any more.
            before = notifications.get(tx, before.notification_id)
        # What still waits in the outbox is rewritten there: nobody has heard it yet, so it may carry the bad news.
        seen = before is not None and (before.state is not NotificationState.QUEUED or bool(before.edits))
        if command.state not in ALARMING or before is None or not seen:
            self._say(tx, command, before)
            return
        # The old line must not go on promising, nor offer its buttons; the new one has them.
        if before.state not in NEVER_SHOWN:
            self._write(tx, command, before.chat, self._lines.text(tx, command), (), before)
        self._say(tx, command, None, before.chat)

    def told_by(self, tx: Transaction, command: Command) -> list[str]:
        """What the line of a command tells of that waits before it, the oldest first."""
        return self._lines.told_by(tx, command)

    def ask(self, tx: Transaction, held: Command) -> None:
        """Ask whether a command that waited long is still meant."""
        if chat := held.origin.chat:
            text = status_lines.still_send(held, sessions.find(tx, held.session_id), self._clock.now())
            # Two messages with buttons for one command could be pressed against each other.
            if before := notifications.newest_status_message(tx, held.command_id):
                self._take_buttons(tx, before)
            self._write(tx, held, chat, text, router_buttons.cures(held))

    def show(self, tx: Transaction, command: Command, chat: ChatRef) -> None:
        """Show how a command stands as a new message in a chat that asked; the buttons of an older one are over."""
        line = self._lines.text(tx, command)
        text = answers.DEAD_LETTER.format(what=status_lines.quoted(command), line=line, id=command.command_id)
        self._write(tx, command, chat, text, router_buttons.cures(command))

    def offer(self, tx: Transaction, command: Command, there: Iterable[Session]) -> None:
        """Let the command's line offer sessions to choose from."""
        if before := notifications.newest_status_message(tx, command.command_id):
            buttons = router_buttons.session_buttons(router_buttons.Verb.TO, there)
            offered = (*buttons, router_buttons.button(router_buttons.Verb.BACK))
            self._write(tx, command, before.chat, before.text, offered, before)

    def offer_cures(self, tx: Transaction, command: Command) -> None:
        """Let the command's line offer again what it offered first."""
        if before := notifications.newest_status_message(tx, command.command_id):
            self._write(tx, command, before.chat, before.text, router_buttons.cures(command), before)

    def settled(self, tx: Transaction, command: Command, text: str, actor: str) -> None:
        """A person decided about a command: its line says so, and offers nothing any more."""
        for tell in self.on_settled:
            tell(tx, command)
        if before := notifications.newest_status_message(tx, command.command_id):
            self._write(tx, command, before.chat, f"{before.text}\n{self.by(text, actor)}", (), before)

    def chosen(self, tx: Transaction, shown: Notification, label: str, actor: str, text: str = "") -> None:
        """A button was pressed, which counts once: let its message say what was chosen, by whom and when."""
        # On disk with the change: whoever presses second is told who was first, also after a restart.
        notifications.press(tx, shown, label)
        self.change(tx, shown, f"{text or shown.text}\n\n{self.by(labels.CHOSE.format(label=label), actor)}")

    def pressed(self, tx: Transaction, shown: Notification, label: str, actor: str, text: str) -> None:
        """A button was pressed that can be pressed again: let its message say which was the last."""
        said = f"{text}\n\n{self.by(labels.CHOSE.format(label=label), actor)}"
        # A keypad is pressed faster than a chat can be edited: the change that waits takes the last word.
        waits = notifications.queued_change(tx, shown)
        self.change(tx, waits or shown, said, shown.buttons)

    def offer_instead(self, tx: Transaction, shown: Notification, buttons: tuple[Button, ...]) -> None:
        """Let a message offer other choices, as long as nobody has chosen."""
        waits = notifications.queued_change(tx, shown)
        self.change(tx, waits or shown, shown.text, buttons)

    def said_again(
        self, tx: Transaction, shown: Notification, label: str, text: str, buttons: tuple[Button, ...]
    ) -> None:
        """A button was pressed, which counts once: let its message say how things stand now, with other buttons."""
        notifications.press(tx, shown, label)
        self.change(tx, shown, text, buttons)

    def by(self, words: str, actor: str) -> str:
        """Words with who did it, and when."""
        now = self._clock.now()
        return labels.signed(words, actor, moment(now, now))

    def anew(self, tx: Transaction, change: Notification) -> None:
        """Say as a new message what could not be said by a change of an earlier one; a later change says more."""
        newest = notifications.newest_status_message(tx, change.command_id)
        # A later change is on its way and says more than this one would.
        if newest is not None and newest.notification_id == change.notification_id:
            note = replace(
                change, notification_id=self._new_id(), created_at=self._clock.now(), edits="", attempt=0, detail="",
                state=NotificationState.QUEUED, token=self._new_token() if change.buttons else "",
            )  # fmt: skip
            self._outbox.add(tx, note, "router")

    def answer(
        self, tx: Transaction, chat: ChatRef, text: str, session_id: str = "", buttons: tuple[Button, ...] = ()
    ) -> str:
        """Answer a chat outside of any command; the answer's id."""
        # A token is what a press comes back with; without buttons nothing does.
        token = self._new_token() if buttons else ""
        note = Notification(self._new_id(), session_id, chat, Kind.ANSWER, text, token, self._clock.now(), buttons)
        self._outbox.add(tx, note, "router")
        return note.notification_id

    def ask_all(
        self, tx: Transaction, there: Iterable[ChatRef], text: str, session_id: str, buttons: tuple[Button, ...],
        identity: str = "",
    ) -> str:  # fmt: skip
        """Ask in several chats; one press counts in all. The id of the first, of which the others are copies.

        `identity`: the id of the first, where it is to be one that is known.
        """
        first = ""
        for chat in there:
            identity, now, token = (not first and identity) or self._new_id(), self._clock.now(), self._new_token()
            asked = Notification(identity, session_id, chat, Kind.ANSWER, text, token, now, buttons, copy_of=first)
            self._outbox.add(tx, asked, "router")
            first = first or identity
        return first

    def _say(self, tx: Transaction, command: Command, before: Notification | None, chat: ChatRef | None = None) -> None:
        where = before.chat if before else chat or command.origin.chat
        if where is not None:
            self._write(tx, command, where, self._lines.text(tx, command), self._lines.buttons(tx, command), before)

    def _write(
        self,
        tx: Transaction,
        command: Command,
        chat: ChatRef,
        text: str,
        buttons: tuple[Button, ...],
        before: Notification | None = None,
    ) -> None:
        """Put one into the outbox, as an edit of an earlier one, or in place of one that nobody has seen."""
        self._lines.write_ends(tx, chat.transport)  # what ended before is told of before
        note = self._lines.note(tx, command, chat, text, buttons, before)
        # Not leased yet: its place in the queue stays, and people get one message instead of two.
        if before and before.state is NotificationState.QUEUED:
            notifications.rewrite(tx, before, note)
        else:
            self._outbox.add(tx, note, "router")

    def change(self, tx: Transaction, shown: Notification, text: str, buttons: tuple[Button, ...] = ()) -> None:
        """Let a message say something else, with other buttons or none."""
        token = self._new_token() if buttons else ""
        changed = change_of(shown, self._new_id(), text, self._clock.now(), buttons, token)
        say_instead(tx, self._outbox, shown, changed)

    def _take_buttons(self, tx: Transaction, shown: Notification) -> None:
        """Take the buttons of an earlier message away, and change nothing else."""
        note = Notification(
            self._new_id(), shown.session_id, shown.chat, Kind.STATUS, "", "", self._clock.now(),
            edits=shown.notification_id,
        )  # fmt: skip
        self._outbox.add(tx, note, "router")


def say_instead(tx: Transaction, outbox: Outbox, shown: Notification, said: Notification) -> None:
    """Say something in place of what still waits, or as a change of what stands in the chat already."""
    if shown.state is NotificationState.QUEUED:
        notifications.rewrite(tx, shown, said)
    # What was never shown has nothing to be changed, and nobody misses the change.
    elif shown.state not in NEVER_SHOWN:
        outbox.add(tx, said, "router")
