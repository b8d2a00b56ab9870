"""What a person decides about commands that ended badly: once more, elsewhere, or never."""

from dataclasses import dataclass

from msgspec.structs import replace

from router.clock import Clock
from router.domain.action import Input, StartSession, text_of
from router.domain.command import DEAD_LETTERS, REDRIVABLE, Command, Origin
from router.domain.control import ControlSignal
from router.domain.errors import Reason, Refusal
from router.domain.session import SessionState, bare_id
from router.domain.session_message import MARK
from router.domain.start import Wanted
from router.domain.wording import controls, labels
from router.services.delivery.drafts import Draft
from router.services.delivery.engine import DeliveryEngine
from router.services.outbox.status_messages import StatusMessages
from router.services.starts import Starts
from router.store import commands, sessions
from router.store.database import Transaction


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Repeats and drops. Wherever it is decided, the line in the chat says so."""

    _delivery: DeliveryEngine
    _starts: Starts
    _status_messages: StatusMessages
    _clock: Clock

    def redrive(self, tx: Transaction, command_id: str, session_id: str, origin: Origin) -> Command:
        """Make a new command from an ended one, for the same session or another. Raises Refusal, writing nothing."""
        ended = commands.get(tx, command_id)
        if ended.state not in REDRIVABLE:
            raise Refusal(Reason.ILLEGAL_STATE, f"It is {ended.state.value}; only what ended badly is repeated.")
        # Where it was asked for first, so that its story goes on where it began.
        asker = replace(origin, chat=origin.chat or ended.origin.chat)
        command = self._repeated(tx, ended, session_id, asker)
        session = sessions.find(tx, command.session_id)
        self._settle(tx, ended, origin.actor, labels.SENT_AGAIN.format(name=session.name if session else session_id))
        return command

    def _repeated(self, tx: Transaction, ended: Command, session_id: str, origin: Origin) -> Command:
        note, action = f"repeats {ended.command_id}", ended.action
        if isinstance(action, StartSession):
            # A start is repeated as a start as long as what it began does not live; else its prompt is.
            if not session_id and not _lives(tx, ended.session_id):
                wanted = Wanted(ended.machine_id, action)
                return self._starts.start(tx, wanted, origin, note=note, redrive_of=ended.command_id)
            action = Input(action.prompt)
        target = session_id or ended.session_id
        if isinstance(action, ControlSignal) and action.asks_less:
            raise Refusal(Reason.MODE_NOT_ALLOWED, controls.NOT_REPEATED)
        if isinstance(action, ControlSignal) and bare_id(target) != bare_id(ended.session_id):
            raise Refusal(Reason.UNSUPPORTED, controls.ONE_SESSION)
        draft = Draft(
            target, action, origin, redrive_of=ended.command_id, note=note, names_session=True,
            is_headed=text_of(action).startswith(MARK),  # as nobody else's text does
        )  # fmt: skip
        return self._delivery.accept(tx, draft)

    def drop(self, tx: Transaction, command_id: str, actor: str) -> Command:
        """Take a dead letter off the list. Raises Refusal where it is none."""
        command = commands.get(tx, command_id)
        if command.state not in DEAD_LETTERS:
            raise Refusal(Reason.ILLEGAL_STATE, f"It is {command.state.value}, not a dead letter.")
        return self._settle(tx, command, actor, labels.DROPPED)

    def _settle(self, tx: Transaction, ended: Command, actor: str, text: str) -> Command:
        commands.drop(tx, ended, actor, self._clock.now())
        settled = replace(ended, dropped=True)
        # Twice from two devices: the line says it once.
        if not ended.dropped:
            self._status_messages.settled(tx, settled, text, actor)
        return settled


def _lives(tx: Transaction, session_id: str) -> bool:
    session = sessions.find(tx, session_id)
    return session is not None and session.state is not SessionState.ENDED
