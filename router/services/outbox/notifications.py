"""Messages to people about a session: checked, given a token, and put into the outbox of each chat they are for."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from router.clock import Clock
from router.domain.command import MAX_TEXT_BYTES, ChatRef
from router.domain.credentials import text_of
from router.domain.errors import Reason, Refusal
from router.domain.frames import Notify
from router.domain.identity import machine
from router.domain.notification import MAX_ACTION_BYTES, MAX_BUTTONS, Button, File, Kind, Notification
from router.domain.proposal import Proposal
from router.domain.quotas import Quotas
from router.domain.session import Session, checked_id
from router.services.outbox.leases import Outbox
from router.services.people.audience import check_target, hearers
from router.store import notifications, sessions
from router.store.database import Transaction

TOKEN_BYTES = 12  # 16 characters: unguessable, and short enough for a Telegram button
MAX_LABEL = 64


@dataclass(frozen=True, slots=True)
class Notifications:
    """Accepts notifications from machines and from Control."""

    _outbox: Outbox
    _clock: Clock
    _new_id: Callable[[], str]
    _new_token: Callable[[], str]
    _quotas: Quotas
    _said: Callable[[str, str, bool], None] = lambda *_: (
        None
    )  # after the commit: a session's words, and if they end a turn
    _answered: Callable[[Transaction, str, int], None] = lambda *_: None  # how many tokens an answer took
    on_said: list[Callable[[Transaction, Session, list[Notification]], None]] = field(default_factory=list)
    on_proposed: list[Callable[[Transaction, Session, Proposal], None]] = field(default_factory=list)

    def send(
        self,
        tx: Transaction,
        session_id: str,
        text: str,
        buttons: tuple[Button, ...],
        targets: Sequence[ChatRef],
        actor: str,
        first_id: str = "",
        files: tuple[File, ...] = (),
        *,
        sender: str = "",
        is_markdown: bool = False,
        ends_turn: bool = False,
    ) -> list[Notification]:
        """Accept a message, once for each chat. `sender`: whose quota it counts against; the router has none.

        Raises Refusal, having written nothing.
        """
        session = sessions.get(tx, session_id)
        _check(text, buttons)
        for chat in targets:
            check_target(tx, session, chat)
        wanted = list(targets) or hearers(tx, session)
        if not wanted:
            text_for_operator = "No chat wants notifications: start the adapter, or name a target."
            raise Refusal(Reason.ILLEGAL_STATE, text_for_operator)
        self._quotas.check_messages(notifications.waiting(tx, sender))
        # Whoever speaks is there: it is not ended for silence.
        sessions.seen(tx, session.session_id, self._clock.now())
        sent: list[Notification] = []
        for chat in wanted:
            identity = first_id or self._new_id()
            # Made from the machine's id: the same message again makes the same copies, and none twice.
            first_id = _copy_id(identity, chat) if first_id else ""
            at, token = self._clock.now(), self._new_token()
            note = Notification(
                identity, session.session_id, chat, Kind.PROGRESS, text, token, at, buttons, files=files,
                copy_of=sent[0].notification_id if sent else "", sender=sender, is_markdown=is_markdown,
                ends_turn=ends_turn,
            )  # fmt: skip
            self._outbox.add(tx, note, actor)
            sent.append(note)
        for tell in self.on_said:
            tell(tx, session, sent)
        return sent

    def to_operators(self, tx: Transaction, text: str) -> None:
        """Tell every chat that wants notifications something about the system itself."""
        for chat in hearers(tx, None):
            self._outbox.add(
                tx, Notification(self._new_id(), "", chat, Kind.ANSWER, text, "", self._clock.now()), "router"
            )

    def from_machine(self, tx: Transaction, machine_id: str, frame: Notify) -> None:
        """Accept a machine's message about one of its own sessions, once. Raises Refusal, having written nothing."""
        session = sessions.owned(tx, frame.session_id, machine_id)
        # The link numbers frames; a message with files comes beside it, and its id alone tells that it came before.
        if not notifications.find(tx, checked_id(frame.notification_id, "notification_id")):
            self.send(
                tx, frame.session_id, frame.text, frame.buttons, frame.targets, machine_id, frame.notification_id,
                frame.files, sender=machine(machine_id).sender, is_markdown=frame.is_markdown,
                ends_turn=frame.ends_turn,
            )  # fmt: skip
            self._answered(tx, session.session_id, frame.output_tokens)
            if frame.proposal is not None:
                for hear in self.on_proposed:
                    hear(tx, session, frame.proposal)
            tx.after_commit(partial(self._said, session.session_id, frame.text, frame.ends_turn))


def new_token(random_bytes: Callable[[int], bytes]) -> str:
    """What names a notification in its buttons and in /cmd."""
    return text_of(random_bytes(TOKEN_BYTES))


def _copy_id(notification_id: str, chat: ChatRef) -> str:
    """The id of the next chat's copy: the same each time the same message comes."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{notification_id}/{chat.transport}/{chat.chat_id}"))


def _check(text: str, buttons: tuple[Button, ...]) -> None:
    if not text.strip():
        raise Refusal(Reason.INVALID_ARGUMENT, "text is empty")
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise Refusal(Reason.TOO_LARGE, f"The text has {len(text.encode())} bytes; the limit is {MAX_TEXT_BYTES}.")
    if len(buttons) > MAX_BUTTONS:
        raise Refusal(Reason.TOO_LARGE, f"There are {len(buttons)} buttons; the limit is {MAX_BUTTONS}.")
    for button in buttons:
        if not 0 < len(button.label) <= MAX_LABEL:
            raise Refusal(Reason.INVALID_ARGUMENT, f"A button's label must have 1 to {MAX_LABEL} characters.")
        if not 0 < len(button.action.encode()) <= MAX_ACTION_BYTES:
            raise Refusal(Reason.INVALID_ARGUMENT, f"A button's action must have 1 to {MAX_ACTION_BYTES} bytes.")
