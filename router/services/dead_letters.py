"""What a person decides about commands that ended badly: once more, elsewhere, or never."""

from dataclasses import replace

from router.clock import Clock
from router.domain import wording
from router.domain.command import DEAD_LETTERS, REDRIVABLE, Command, Origin
from router.domain.errors import Reason, Refusal
from router.services.delivery import Delivery, redraft
from router.services.receipts import Receipts
from router.store import commands, sessions
from router.store.database import Transaction


class DeadLetters:
    """Repeats and drops. Wherever it is decided, the line in the chat says so."""

    def __init__(self, delivery: Delivery, receipts: Receipts, clock: Clock) -> None:
        self._delivery = delivery
        self._receipts = receipts
        self._clock = clock

    def redrive(self, tx: Transaction, command_id: str, session_id: str, origin: Origin) -> Command:
        """Make a new command from an ended one, for the same session or another. Raises Refusal, writing nothing."""
        ended = commands.get(tx, command_id)
        if ended.state not in REDRIVABLE:
            raise Refusal(Reason.ILLEGAL_STATE, f"It is {ended.state.value}; only what ended badly is repeated.")
        command = self._delivery.accept(tx, redraft(ended, session_id, origin))
        session = sessions.find(tx, command.session_id)
        self._settle(tx, ended, origin.actor, wording.SENT_AGAIN.format(name=session.name if session else session_id))
        return command

    def drop(self, tx: Transaction, command_id: str, actor: str) -> Command:
        """Take a dead letter off the list. Raises Refusal where it is none."""
        command = commands.get(tx, command_id)
        if command.state not in DEAD_LETTERS:
            raise Refusal(Reason.ILLEGAL_STATE, f"It is {command.state.value}, not a dead letter.")
        return self._settle(tx, command, actor, wording.DROPPED)

    def _settle(self, tx: Transaction, ended: Command, actor: str, text: str) -> Command:
        commands.drop(tx, ended, actor, self._clock.now())
        settled = replace(ended, dropped=True)
        if not ended.dropped:
            self._receipts.settled(tx, settled, text)
        return settled
