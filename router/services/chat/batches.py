"""/allow, /deny, /retry, /drop and /cancel for many, /rules, and the buttons under what they say."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from router.clock import Clock
from router.domain import batch
from router.domain.answer_rule import AnswerRule, Match
from router.domain.batch import Batch, Doing
from router.domain.command import Origin
from router.domain.errors import Reason, Refusal
from router.domain.notification import Button, Notification
from router.domain.person import Deed
from router.domain.router_buttons import Verb
from router.domain.routing import TAKE_BACK, Inbound
from router.domain.wording import answer_rules as rules_wording
from router.domain.wording import answers, labels
from router.domain.wording import batches as wording
from router.services.answer_rules import AnswerRules, Wanted
from router.services.batches import Batches, Reached
from router.services.chat.deferrals import Said, owner_of
from router.services.outbox.status_messages import StatusMessages
from router.services.people import rights
from router.store import answer_rules, batches, messages, notifications, permissions
from router.store.database import Transaction

COMMANDS = frozenset(["allow", "deny", "retry", "drop", "rules", TAKE_BACK])
VERBS = frozenset({Verb.ALL, Verb.END})
MAX_SHOWN = 8  # rules at once, a message each
_SPAN = re.compile(r"(\d{1,4})\s?(m|h)(?:in|ours?)?(?:\s+(.*))?", re.DOTALL)
_SECONDS = {"m": 60.0, "h": 3600.0}
_IN_FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class ChatBatches:
    """Answers with what is said."""

    _batches: Batches
    _rules: AnswerRules
    _status_messages: StatusMessages
    _clock: Clock
    _new_id: Callable[[], str]

    def run(self, tx: Transaction, inbound: Inbound, name: str, argument: str) -> Said:
        """Carry out one of COMMANDS; what is said. Raises Refusal."""
        if name == "rules":
            return self._list(tx, inbound)
        if name == "allow" and (span := _SPAN.fullmatch(argument)):
            asked = _answered(tx, inbound)
            return self._allow_for(tx, inbound, asked, span) if asked else Said(rules_wording.REPLY_TO_ONE)
        doing = Doing.CANCEL if name == TAKE_BACK else Doing(name)
        if not argument:
            return Said(wording.HOW[Doing.ALLOW if doing.is_answer else Doing.RETRY])
        return self._offer(tx, inbound, doing, argument)

    def press(self, tx: Transaction, inbound: Inbound, note: Notification, verb: Verb, key: str, label: str) -> str:
        """Do what one of VERBS says; what to show the presser."""
        try:
            if verb is Verb.END:  # one of several in a list
                said = self._end(tx, inbound, key)
                self._status_messages.pressed(tx, note, label, _who(inbound), note.text)
                return said[:200]
            said = self._do(tx, inbound, key)
        except Refusal as refusal:
            return answers.refused(refusal)
        self._status_messages.chosen(tx, note, label, _who(inbound), said)
        return said[:200]

    def _end(self, tx: Transaction, inbound: Inbound, rule_id: str) -> str:
        rule = answer_rules.get(tx, rule_id)
        if forbidden := rights.refusal(tx, inbound.person, Deed.ANSWER, rule.session_id):
            raise Refusal(Reason.PERMISSION_DENIED, forbidden)
        return self._rules.told(self._rules.end(tx, rule_id, _who(inbound)))

    def _do(self, tx: Transaction, inbound: Inbound, batch_id: str) -> str:
        offered = batches.find(tx, batch_id)
        if offered is None:
            raise Refusal(Reason.ILLEGAL_STATE, wording.NOT_KEPT)
        reached = _reach(tx, inbound, offered.doing)
        outcomes = self._batches.do(tx, offered.doing, offered.items, _origin(inbound), reached=reached)
        return wording.done(offered.doing, outcomes)

    def _offer(self, tx: Transaction, inbound: Inbound, doing: Doing, argument: str) -> Said:
        found = self._batches.find(tx, doing, batch.wanted(argument), _reach(tx, inbound, doing))
        if not found:
            return Said(wording.NOTHING)
        # What is done is what is shown, by name: no more of them than a person reads.
        shown = tuple(found[: batch.SHOWN])
        offered = Batch(self._new_id(), doing, shown, self._clock.now())
        batches.insert(tx, offered)
        label = wording.BUTTONS[doing].format(count=len(shown))
        button = Button(label, f"{Verb.ALL.value}:{offered.batch_id}")
        return Said(wording.offered(doing, shown, len(found) - len(shown)), (button,))

    def _allow_for(self, tx: Transaction, inbound: Inbound, permission_id: str, span: "re.Match[str]") -> Said:
        asked = permissions.get(tx, permission_id)
        if forbidden := rights.refusal(tx, inbound.person, Deed.ANSWER, asked.session_id):
            raise Refusal(Reason.PERMISSION_DENIED, forbidden)
        first, _, rest = (span[3] or "").strip().partition(" ")
        in_folder = first == _IN_FOLDER
        words = rest.strip() if in_folder else f"{first} {rest}".strip()
        match = Match.PREFIX if words else Match.EXACT
        wanted = Wanted(int(span[1]) * _SECONDS[span[2]], match, words, in_folder)
        _, rule = self._rules.make(
            tx, permission_id, asked.input_digest, wanted, _origin(inbound), owner_of(inbound), inbound.update_key
        )
        return Said(self._rules.told(rule), _end_buttons([rule]), rule.session_id)

    def _list(self, tx: Transaction, inbound: Inbound) -> Said:
        there = [each for each in answer_rules.page(tx, over=False) if self._rules.holds(each)]
        there = [each for each in there if not rights.refusal(tx, inbound.person, Deed.LOOK, each.session_id)]
        if not there:
            return Said(rules_wording.NONE)
        lines = [f"{number}. {self._rules.told(each)}" for number, each in enumerate(there[:MAX_SHOWN], 1)]
        if len(there) > MAX_SHOWN:
            lines.append(rules_wording.MORE.format(count=len(there) - MAX_SHOWN))
        return Said("\n".join(lines), _end_buttons(there[:MAX_SHOWN]))


def _answered(tx: Transaction, inbound: Inbound) -> str:
    """The question that a message answers; empty for none."""
    shown = notifications.find(tx, messages.notification_of(tx, inbound.chat, inbound.reply_to))
    return shown.permission_id if shown else ""


def _reach(tx: Transaction, inbound: Inbound, doing: Doing) -> Reached:
    deed = Deed.ANSWER if doing.is_answer else Deed.TYPE
    return lambda session: not rights.refusal(tx, inbound.person, deed, session.session_id)


def _origin(inbound: Inbound) -> Origin:
    return Origin(inbound.chat.transport, inbound.actor, inbound.chat)


def _who(inbound: Inbound) -> str:
    return inbound.actor or inbound.chat.transport


def _end_buttons(there: Sequence[AnswerRule]) -> tuple[Button, ...]:
    label = labels.LABELS[Verb.END.value]
    named = [label] if len(there) == 1 else [f"{label} {number}" for number in range(1, len(there) + 1)]
    return tuple(Button(name, f"{Verb.END.value}:{rule.rule_id}") for name, rule in zip(named, there, strict=True))
