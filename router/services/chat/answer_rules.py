"""The button "Allow for…" under a permission question, and what is chosen below it.

Each is bound to the question that it stands under: what is made of it is a rule as of /allow, with the same checks.
"""

import datetime
import re
from dataclasses import dataclass

from router.clock import Clock
from router.domain import router_buttons
from router.domain.command import Origin
from router.domain.errors import Reason, Refusal
from router.domain.notification import Button, Notification
from router.domain.permission import Permission
from router.domain.person import Deed
from router.domain.router_buttons import ALLOW_FOR, ALLOW_FOR_BACK
from router.domain.routing import Inbound
from router.domain.schedule import zone_of
from router.domain.wording import answers, labels
from router.services.answer_rules import AnswerRules, Wanted
from router.services.chat.deferrals import owner_of
from router.services.outbox.status_messages import StatusMessages
from router.services.people import rights
from router.services.permissions import Told
from router.store import chats, notifications, permissions
from router.store.database import Transaction

EVENING = 20  # o'clock
LEAST = 30 * 60.0  # seconds until then; where it is less, the day is over at midnight
_MINUTES = re.compile(rf"{ALLOW_FOR}-(\d{{1,4}})")
_UNTIL = re.compile(rf"{ALLOW_FOR}-(20|24)h")


@dataclass(frozen=True, slots=True)
class ChatAnswerRules:
    """Answers presses of them."""

    _rules: AnswerRules
    _status_messages: StatusMessages
    _clock: Clock
    _zone: str

    def press(self, tx: Transaction, inbound: Inbound, note: Notification, action: str) -> Told | None:
        """What became of it; None where the button is another one."""
        asked = permissions.get(tx, note.permission_id)
        if not action.startswith(ALLOW_FOR) or asked.option(action) is not None:
            return None
        if forbidden := rights.refusal(tx, inbound.person, Deed.ANSWER, asked.session_id):
            return Told(forbidden)
        if asked.is_open and action in (ALLOW_FOR, ALLOW_FOR_BACK):
            self._offer(tx, inbound, note, asked, is_back=action == ALLOW_FOR_BACK)
            return Told(labels.ALLOW_FOR_WHAT[action == ALLOW_FOR_BACK])
        try:
            return self._make(tx, inbound, asked, action)
        except Refusal as refusal:
            return Told(answers.refused(refusal), reason=refusal.reason)

    def _make(self, tx: Transaction, inbound: Inbound, asked: Permission, action: str) -> Told:
        span = self._span(tx, inbound, action)
        origin = Origin(inbound.chat.transport, inbound.actor, inbound.chat)
        decided, rule = self._rules.make(
            tx, asked.permission_id, asked.input_digest, Wanted(span), origin, owner_of(inbound), inbound.update_key
        )
        return Told(self._rules.told(rule), decided.command_id)

    def _span(self, tx: Transaction, inbound: Inbound, action: str) -> float:
        if minutes := _MINUTES.fullmatch(action):
            return int(minutes[1]) * 60.0
        if until := _UNTIL.fullmatch(action):
            return self._left(tx, inbound, int(until[1]))
        raise Refusal(Reason.INVALID_ARGUMENT, labels.STALE_BUTTON)

    def _left(self, tx: Transaction, inbound: Inbound, hour: int) -> float:
        """Seconds until it is so late where the chat is."""
        zone = zone_of(chats.settings(tx, inbound.chat).zone or self._zone)
        now = datetime.datetime.fromtimestamp(self._clock.wall(), zone)
        then = now.replace(hour=hour % 24, minute=0, second=0, microsecond=0)
        # By the zone's own days, of which some are longer.
        then = then if then > now else then + datetime.timedelta(days=1)
        return then.timestamp() - now.timestamp()

    def _offer(
        self, tx: Transaction, inbound: Inbound, note: Notification, asked: Permission, *, is_back: bool
    ) -> None:
        shown = notifications.get(tx, note.edits) if note.edits else note
        buttons = shown.buttons if is_back else self._choices(tx, inbound, asked)
        self._status_messages.offer_instead(tx, shown, buttons)

    def _choices(self, tx: Transaction, inbound: Inbound, asked: Permission) -> tuple[Button, ...]:
        hour = EVENING if LEAST <= self._left(tx, inbound, EVENING) <= EVENING * 3600.0 else 24
        return router_buttons.allow_for_buttons(asked, hour)
