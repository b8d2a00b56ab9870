"""Permission questions: shown wherever people are, answered once, and told everywhere how they ended.

The state on disk is the judge between answers from several places: the first one counts. What it becomes on the way
down is a command like any other.
"""

import hashlib
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from router.clock import Clock, moment
from router.domain import router_buttons
from router.domain.action import PermissionDecision
from router.domain.audit import AuditEvent
from router.domain.command import Origin
from router.domain.errors import Reason, Refusal
from router.domain.frames import PermissionRequest, PermissionWithdrawn
from router.domain.notification import change_of
from router.domain.permission import (
    ENDED_ELSEWHERE,
    MAX_OPEN,
    MAX_WAIT,
    SOURCES,
    Closed,
    Decided,
    Option,
    Permission,
    PermissionState,
    Question,
    Verdict,
    checked,
)
from router.domain.permission_answer import judged, with_input
from router.domain.permission_input import Answer
from router.domain.person import Deed
from router.domain.quotas import USUAL, Quotas
from router.domain.risk import SHIPPED, RiskRule, risks
from router.domain.routing import Inbound
from router.domain.session import Session, SessionState, checked_id
from router.domain.wording import answers, questions
from router.domain.wording.answer_rules import RISKY
from router.domain.wording.session_messages import NOT_YOURS
from router.services.delivery.drafts import Draft
from router.services.delivery.engine import DeliveryEngine
from router.services.escalations import Escalations
from router.services.outbox.leases import Outbox
from router.services.outbox.status_messages import say_instead
from router.services.people import rights
from router.services.people.second_factor import SecondFactors
from router.services.wakeups import EXPIRY, Wakeups
from router.store import audit, notifications, permissions, sessions
from router.store.database import Transaction

_HASH = 16  # digits
_CODE = re.compile(r"[0-9]{6}")


class Told(NamedTuple):
    """What a person is told, and the command that it became; else perhaps why it did not."""

    words: str
    command_id: str = ""
    reason: Reason = Reason.UNSPECIFIED


Over = Callable[[Transaction, Permission], None]
ByRule = Callable[[Transaction, Permission, Session], bool]  # True: it is answered, and nobody need be asked


@dataclass(frozen=True, slots=True)
class Permissions:
    """Takes questions from machines and answers from people. Each call is one step inside one transaction."""

    _delivery: DeliveryEngine
    _outbox: Outbox
    _wakeups: Wakeups
    _clock: Clock
    _new_id: Callable[[], str]
    _escalations: Escalations
    _second_factors: SecondFactors
    _rules: tuple[RiskRule, ...] = SHIPPED
    _quotas: Quotas = USUAL
    on_over: list[Over] = field(default_factory=list)
    by_rule: list[ByRule] = field(default_factory=list)

    def let_hear(self, over: Over, asked: ByRule) -> None:
        """Who hears of each end, in its transaction; and who may answer at once what a machine asks."""
        self.on_over.append(over)
        self.by_rule.append(asked)

    def asked(self, tx: Transaction, machine_id: str, frame: PermissionRequest) -> None:
        """A machine asks about one of its own sessions; again is once. Raises Refusal, having written nothing."""
        # Its own sessions alone: else a machine could ask in the name of another's.
        session = sessions.owned(tx, frame.session_id, machine_id)
        if permissions.find(tx, checked_id(frame.permission_id, "permission_id")):
            return
        self._quotas.check_questions(permissions.asking(tx, machine_id))
        now = self._clock.now()
        # The machine's time, within ours: a question must not stay open for ever because one says so.
        ends = now + min(max(0.0, frame.expires_in), MAX_WAIT)
        as_told = Permission(
            frame.permission_id, session.session_id, machine_id, frame.kind, frame.tool, frame.input,
            frame.input_digest, frame.options, now, ends, details=frame.details,
        )  # fmt: skip
        self._open(tx, session, as_told, machine_id)

    def ask(self, tx: Transaction, wanted: Question, key: str, asker: str) -> str:
        """A program asks, and waits here for the answer; again, by its key, is once. Returns the question's id.

        Raises Refusal, having written nothing.
        """
        session, now = sessions.get(tx, wanted.session_id), self._clock.now()
        permission_id = str(uuid.uuid5(uuid.NAMESPACE_URL, key)) if key else self._new_id()
        if (known := permissions.find(tx, permission_id)) is not None:
            if known.input_digest != wanted.digest:
                raise Refusal(Reason.REQUEST_ID_REUSED, "This request id asked something else. Use a new one.")
            return permission_id
        if session.state is SessionState.ENDED:
            raise Refusal(Reason.SESSION_ENDED, f"Session {session.session_id} has ended: nobody hears of it any more.")
        if len(permissions.open_of_session(tx, session.session_id)) >= MAX_OPEN:
            raise Refusal(Reason.QUEUE_FULL, f"{MAX_OPEN} questions of this session wait for an answer already.")
        self._open(tx, session, wanted.asked(permission_id, session.session_id, now), asker)
        return permission_id

    def ask_of_router(self, tx: Transaction, asked: Permission, session: Session, asker: str) -> None:
        """The router itself asks, and hears the answer by `on_over`. Raises Refusal, having written nothing."""
        if len(permissions.open_of_session(tx, session.session_id)) >= MAX_OPEN:
            raise Refusal(Reason.QUEUE_FULL, f"{MAX_OPEN} questions of this session wait for an answer already.")
        self._open(tx, session, asked, asker)

    def _open(self, tx: Transaction, session: Session, as_told: Permission, asker: str) -> None:
        now = as_told.created_at
        # Checked before the first write: a refusal has written nothing.
        permissions.insert(tx, asked := checked(as_told), asker)
        sessions.seen(tx, session.session_id, now)
        if asked.machine_id and any(answers(tx, asked, session) for answers in self.by_rule):
            return
        self._escalations.begin(tx, session, asked, asker)
        # It may end before what the timer sleeps for.
        tx.after_commit(partial(self._wakeups.wake, EXPIRY))

    def begin(self, tx: Transaction, asked: Permission) -> None:
        """Keep what the router wants to be seen; who calls lets people hear of it."""
        permissions.insert(tx, asked, "router")
        tx.after_commit(partial(self._wakeups.wake, EXPIRY))

    def withdrawn(self, tx: Transaction, machine_id: str, frame: PermissionWithdrawn) -> None:
        """The machine says that a question is over. Raises Refusal, having written nothing."""
        asked = permissions.get(tx, frame.permission_id)
        if asked.machine_id != machine_id:
            raise Refusal(Reason.SESSION_OWNED_ELSEWHERE, "The question is another machine's.")
        if frame.state not in ENDED_ELSEWHERE:
            text = f"A question ends {', '.join(sorted(one.name for one in ENDED_ELSEWHERE))}; not {frame.state.name}."
            raise Refusal(Reason.INVALID_ARGUMENT, text)
        # Said again after a lost acknowledgement: it is over already.
        if asked.state in SOURCES[Closed]:
            self.close(tx, asked, Closed(frame.state, frame.detail), machine_id)

    def respond(
        self,
        tx: Transaction,
        permission_id: str,
        digest: str,
        answer: Answer,
        origin: Origin,
        note: str = "",
        *,
        is_proven: bool = False,
        may_edit: bool = False,
    ) -> Permission:
        """Decide. Raises Refusal, having written nothing: over already, another input, no such option, too long.

        `is_proven`: who decides has given the code that a rule wants. `may_edit`: they may say what is run instead.
        """
        asked = permissions.get(tx, permission_id)
        self._check_same(asked, digest)
        chosen = judged(asked, answer, may_edit=may_edit)
        option, text = chosen.option, chosen.text
        # We ask that whether a session may write into another: to let it is to write.
        if asked.is_of_router and option.verdict is Verdict.ALLOW and not may_edit:
            raise Refusal(Reason.PERMISSION_DENIED, NOT_YOURS)
        if not is_proven and self._needs_code(asked, option, chosen.updated_input):
            raise Refusal(Reason.SECOND_FACTOR_NEEDED, questions.CODE_BY_REPLY)
        command_id = ""
        if asked.machine_id:  # else it waits here for the answer
            action = PermissionDecision(
                permission_id, digest, option.option_id, text, chosen.updated_input, answer.answers
            )
            # Before the question changes: where the queue is full, it stays open and can be answered later.
            command_id = self._delivery.accept(tx, Draft(asked.session_id, action, origin, note=note)).command_id
        event = Decided(option, text, origin.actor or origin.source, command_id, chosen.updated_input)
        decided = permissions.change(tx, asked, event, self._clock.now(), event.actor)
        self._show(tx, decided)
        with_other = f" with another input (sha256 {_hash_of(chosen.updated_input)})" if chosen.updated_input else ""
        chose = f"{option.verdict.value} by {option.option_id}{with_other}"
        how = f"{asked.tool}: {chose}, session {asked.session_id} on {asked.machine_id}"
        audit.record(tx, self._clock.now(), AuditEvent.QUESTION_ANSWERED, tx.caller, subject=permission_id, detail=how)
        return decided

    def open_as_seen(self, tx: Transaction, permission_id: str, digest: str) -> Permission:
        """The question, if it is open and what somebody saw. Raises Refusal."""
        self._check_same(asked := permissions.get(tx, permission_id), digest)
        return asked

    def against_rules(self, asked: Permission, *, is_exact: bool) -> str:
        """Why no rule may answer it; empty where one may. What is risky is let exactly as it was, or not at all."""
        found = risks(self._rules, asked)
        is_shut = any(rule.needs_code for rule in found) or (bool(found) and not is_exact)
        return RISKY.format(what="; ".join(rule.words for rule in found)) if is_shut else ""

    def risks_of(self, asked: Permission) -> list[str]:
        """The names of the rules for what is risky that it fits."""
        return [rule.name for rule in risks(self._rules, asked)]

    def say_of(self, tx: Transaction, permission_id: str, words: str) -> None:
        """Add to the messages that show a question that is over. A change makes no sound."""
        if (closed := permissions.find(tx, permission_id)) is not None and not closed.is_open:
            self._say(tx, closed, f"{questions.answered(closed, self._when(closed))}\n{words}")

    def press(self, tx: Transaction, inbound: Inbound, permission_id: str, action: str) -> Told:
        """A button under a question."""
        asked = permissions.get(tx, permission_id)
        # This button decides nothing: it tells how to give a reason.
        if action == router_buttons.REASON and asked.is_open and asked.for_text:
            return Told(questions.REPLY_WITH_REASON)
        return self._answer(tx, inbound, asked, Answer(action))

    def reply(self, tx: Transaction, inbound: Inbound, permission_id: str, text: str) -> Told:
        """A reply to a question."""
        asked = permissions.get(tx, permission_id)
        if (allows := self._for_code(asked)) and _CODE.fullmatch(text.strip()):
            return self._with_code(tx, inbound, asked, allows, text.strip())
        if asked.is_open and asked.for_text is None:
            return Told(questions.NO_WORDS_HERE)
        # Empty is an option that nobody offers; respond says first that the question is over.
        option_id = asked.for_text.option_id if asked.for_text else ""
        told = self._answer(tx, inbound, asked, Answer(option_id, text))
        return told if asked.is_open else told._replace(words=questions.TOO_LATE.format(outcome=told.words))

    def answer(self, tx: Transaction, inbound: Inbound, permission_id: str, answer: Answer) -> Told:
        """An answer of a page, which may change what is run or fill in a whole form."""
        return self._answer(tx, inbound, permissions.get(tx, permission_id), answer, inbound.digest)

    def begin_proof(self, tx: Transaction, login_id: str, notification_id: str) -> str:
        """What a person's passkey has to sign to allow a question, as JSON for their browser. Raises Refusal."""
        person = self._second_factors.passkeys.holder(tx, login_id)
        asked = permissions.get(tx, notifications.get(tx, notification_id).permission_id)
        if forbidden := rights.refusal(tx, person, Deed.ANSWER, asked.session_id):
            raise Refusal(Reason.PERMISSION_DENIED, forbidden)
        return self._second_factors.passkeys.begin_proof(tx, person, asked.permission_id)

    def prove(self, tx: Transaction, inbound: Inbound, permission_id: str) -> Told:
        """A reply to a question that a passkey has signed: it allows this once."""
        asked = permissions.get(tx, permission_id)
        if forbidden := rights.refusal(tx, inbound.person, Deed.ANSWER, asked.session_id):
            return Told(forbidden)
        if said := self._second_factors.passkeys.prove(tx, inbound.person, permission_id, inbound.passkey):
            return Told(said, reason=Reason.SECOND_FACTOR_NEEDED)
        allows = next((option for option in asked.options if option.verdict is Verdict.ALLOW), None)
        # With another input it is that which is allowed, where the page says so.
        answer, digest = inbound.answer or Answer(allows.option_id if allows else ""), inbound.digest or None
        return self._answer(tx, inbound, asked, answer, digest, is_proven=True)

    def session_ended(self, tx: Transaction, session_id: str) -> None:
        """A session is over, and so is what it asked."""
        for asked in permissions.open_of_session(tx, session_id):
            self.close(tx, asked, Closed(PermissionState.WITHDRAWN, questions.SESSION_OVER), "router")

    def expire(self, tx: Transaction) -> float | None:
        """End what nobody answered in time, and ask again; when to look next (steady seconds since the epoch)."""
        for asked in permissions.expired(tx, self._clock.now()):
            self.close(tx, asked, Closed(PermissionState.EXPIRED), "router")
        return min((at for at in (permissions.next_expiry(tx), self._escalations.look(tx)) if at), default=None)

    def _needs_code(self, asked: Permission, option: Option, updated_input: str = "") -> bool:
        # What is judged is what would be run.
        runs = with_input(asked, updated_input) if updated_input else asked
        risky = any(rule.needs_code for rule in risks(self._rules, runs))
        return risky and option.verdict in (Verdict.ALLOW, Verdict.ALLOW_ALWAYS)

    def _for_code(self, asked: Permission) -> Option | None:
        """What a code chooses: to allow it this once, where that needs one."""
        allows = next((option for option in asked.options if option.verdict is Verdict.ALLOW), None)
        return allows if asked.is_open and allows and self._needs_code(asked, allows) else None

    def _with_code(self, tx: Transaction, inbound: Inbound, asked: Permission, allows: Option, code: str) -> Told:
        # First whether they may: a code is used up by it.
        if forbidden := rights.refusal(tx, inbound.person, Deed.ANSWER, asked.session_id):
            return Told(forbidden)
        if said := self._second_factors.prove(tx, inbound.person, code):
            return Told(said, reason=Reason.SECOND_FACTOR_NEEDED)
        return self._answer(tx, inbound, asked, Answer(allows.option_id), is_proven=True)

    def _answer(
        self,
        tx: Transaction,
        inbound: Inbound,
        asked: Permission,
        answer: Answer,
        digest: str | None = None,
        *,
        is_proven: bool = False,
    ) -> Told:
        if forbidden := rights.refusal(tx, inbound.person, Deed.ANSWER, asked.session_id):
            return Told(forbidden)
        origin = Origin(inbound.chat.transport, inbound.actor, inbound.chat)
        try:
            decided = self.respond(
                tx, asked.permission_id, asked.input_digest if digest is None else digest, answer, origin,
                inbound.update_key, is_proven=is_proven,
                may_edit=not rights.refusal(tx, inbound.person, Deed.TYPE, asked.session_id),
            )  # fmt: skip
        except Refusal as refusal:
            return Told(answers.refused(refusal), reason=refusal.reason)
        return Told(questions.outcome(decided, self._when(decided)), decided.command_id)

    def _check_same(self, asked: Permission, digest: str) -> None:
        if not asked.is_open:
            raise Refusal(Reason.QUESTION_OVER, questions.outcome(asked, self._when(asked)))
        # What was approved must be what is run: the same question with another input is another question.
        if digest != asked.input_digest:
            raise Refusal(Reason.INPUT_CHANGED, "This is not what is asked about. Look at the question again.")

    def close(self, tx: Transaction, asked: Permission, event: Closed, actor: str) -> None:
        """It is over without an answer."""
        self._show(tx, permissions.change(tx, asked, event, self._clock.now(), actor))

    def _show(self, tx: Transaction, closed: Permission) -> None:
        """Say in every message that shows the question how it ended, and take the buttons away; whoever waits wakes."""
        tx.after_commit(partial(self._wakeups.wake, closed.permission_id))
        self._escalations.over(tx, closed.permission_id)
        for told in self.on_over:
            told(tx, closed)
        self._say(tx, closed, questions.answered(closed, self._when(closed)))

    def _say(self, tx: Transaction, closed: Permission, text: str) -> None:
        for shown in notifications.showing(tx, closed.permission_id):
            say_instead(tx, self._outbox, shown, change_of(shown, self._new_id(), text, self._clock.now()))

    def _when(self, closed: Permission) -> str:
        return moment(closed.decided_at or closed.created_at, self._clock.now())


def _hash_of(text: str) -> str:
    """Tells in the audit which input it was, without its text."""
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH]
