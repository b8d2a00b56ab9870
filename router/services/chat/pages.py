"""What only a page hands in: an answer that says more than a press, a control signal.

The page shows what becomes of it: nothing is said in the chat.
"""

from dataclasses import dataclass

from router.domain.command import Origin
from router.domain.control import ControlSignal
from router.domain.errors import Reason, Refusal
from router.domain.permission_input import Answer
from router.domain.person import Deed
from router.domain.routing import Inbound
from router.domain.wording import answers, labels
from router.services.chat.submission import MAX_ANSWER, Submitted, decided, submitted_as
from router.services.controls import Controls
from router.services.delivery.drafts import Draft
from router.services.people import rights
from router.services.permissions import Permissions
from router.store import messages, notifications
from router.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Pages:
    """Takes both; a refusal is an answer, as in chats."""

    _permissions: Permissions
    _controls: Controls

    def submit(self, tx: Transaction, inbound: Inbound) -> Submitted | None:
        """What became of it; None where it is neither."""
        if inbound.answer is not None:
            return self._answer(tx, inbound, inbound.answer)
        if inbound.control is not None:
            return self._control(tx, inbound, inbound.control)
        return None

    def _answer(self, tx: Transaction, inbound: Inbound, answer: Answer) -> Submitted:
        shown = notifications.find(tx, messages.notification_of(tx, inbound.chat, inbound.reply_to))
        if shown is None or not shown.permission_id:
            return Submitted(answer=labels.STALE_BUTTON, reason=Reason.NOT_FOUND)
        if inbound.passkey:
            told = self._permissions.prove(tx, inbound, shown.permission_id)
        else:
            told = self._permissions.answer(tx, inbound, shown.permission_id, answer)
        if told.command_id:
            return decided(tx, told)
        return Submitted(session_id=shown.session_id, answer=told.words[:MAX_ANSWER], reason=told.reason)

    def _control(self, tx: Transaction, inbound: Inbound, signal: ControlSignal) -> Submitted:
        session_id = inbound.session_id
        if forbidden := rights.refusal(tx, inbound.person, Deed.TYPE, session_id):
            return Submitted(session_id=session_id, answer=forbidden[:MAX_ANSWER], reason=Reason.PERMISSION_DENIED)
        origin = Origin(inbound.chat.transport, inbound.actor, inbound.chat)
        try:
            draft = Draft(session_id, signal, origin, note=inbound.update_key)
            return submitted_as(self._controls.accept_of(tx, inbound.person, draft))
        except Refusal as refusal:
            told = answers.refused(refusal)[:MAX_ANSWER]
            return Submitted(session_id=session_id, answer=told, reason=refusal.reason)
