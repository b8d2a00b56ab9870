"""/new, /ask and /end: answered with words, or with the command that they became."""

from collections.abc import Callable
from dataclasses import dataclass

from router.domain.action import Input, StartSession
from router.domain.command import Command, Origin
from router.domain.errors import Reason, Refusal
from router.domain.machine import MODEL
from router.domain.routing import Inbound
from router.domain.start import Wanted
from router.domain.wording import answers, labels, quick
from router.domain.wording import starts as wording
from router.services.controls import Controls
from router.services.delivery.drafts import Draft
from router.services.delivery.engine import DeliveryEngine
from router.services.starts import Starts
from router.store import machines
from router.store.database import Transaction

COMMANDS = frozenset(["new", "ask", "end"])


@dataclass(frozen=True, slots=True)
class ChatStarts:
    """Sessions that people begin and end in a chat."""

    _starts: Starts
    _controls: Controls
    _delivery: DeliveryEngine
    _connected: Callable[[str], bool]

    def run(self, tx: Transaction, inbound: Inbound, name: str, argument: str, session_id: str) -> str | Command:
        """Carry out one of COMMANDS; `session_id` is what an end is for."""
        if name == "new" and not argument:
            return wording.HOW
        if name == "ask" and not argument:
            return quick.HOW
        origin = Origin(inbound.chat.transport, inbound.actor, inbound.chat)
        try:
            if name == "new":
                return self._starts.start(tx, self._starts.read(tx, argument), origin, note=inbound.update_key)
            if name == "ask":
                return self._ask(tx, inbound, argument, origin)
            command = self._starts.stop(tx, session_id, origin, inbound.update_key)
        except Refusal as refusal:
            return answers.refused(refusal)
        # Not begun yet: the start is taken back, and the machine has the last word.
        if isinstance(command.action, StartSession) and command.state.live:
            return labels.TAKING_BACK.format(machine=command.machine_id)
        return command

    def _ask(self, tx: Transaction, inbound: Inbound, argument: str, origin: Origin) -> Command:
        """Ask the chat's own session, begun with its first question on the machine that has a model. Raises Refusal."""
        if session := self._delivery.quick.session_of(tx, inbound.chat):
            draft = Draft(session.session_id, Input(argument), origin, note=inbound.update_key)
            return self._controls.accept_of(tx, inbound.person, draft)
        able = [each.machine_id for each in machines.page(tx) if each.may_answer and not each.revoked]
        if not able:
            raise Refusal(Reason.NO_MODEL, quick.NO_MODEL)
        there = next(filter(self._connected, able), able[0])
        return self._starts.start(
            tx, Wanted(there, StartSession(argument, agent=MODEL)), origin, note=inbound.update_key
        )
