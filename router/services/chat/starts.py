"""/new and /end: answered with words, or with the command that they became."""

from dataclasses import dataclass

from router.domain.action import StartSession
from router.domain.command import Command, Origin
from router.domain.errors import Refusal
from router.domain.routing import Inbound
from router.domain.wording import answers, labels
from router.domain.wording import starts as wording
from router.services.starts import Starts
from router.store.database import Transaction

COMMANDS = frozenset(["new", "end"])


@dataclass(frozen=True, slots=True)
class ChatStarts:
    """Sessions that people begin and end in a chat."""

    _starts: Starts

    def run(self, tx: Transaction, inbound: Inbound, name: str, argument: str, session_id: str) -> str | Command:
        """Carry out one of COMMANDS; `session_id` is what an end is for."""
        if name == "new" and not argument:
            return wording.HOW
        origin = Origin(inbound.chat.transport, inbound.actor, inbound.chat)
        try:
            if name == "new":
                return self._starts.start(tx, self._starts.read(tx, argument), origin, note=inbound.update_key)
            command = self._starts.stop(tx, session_id, origin, inbound.update_key)
        except Refusal as refusal:
            return answers.refused(refusal)
        # Not begun yet: the start is taken back, and the machine has the last word.
        if isinstance(command.action, StartSession) and command.state.live:
            return labels.TAKING_BACK.format(machine=command.machine_id)
        return command
