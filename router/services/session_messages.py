"""What sessions say to each other: accepted, put before people where they have to agree, and typed.

send ─▶ SENT: on one machine, a reply, or people agreed
   └──▶ WAITING ─ a question to the people of the other session ─▶ SENT | REFUSED
"""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from router.clock import Clock
from router.domain import session_message as rules
from router.domain.action import Input
from router.domain.audit import AuditEvent
from router.domain.command import Origin
from router.domain.errors import Reason, Refusal
from router.domain.permission import Option, Permission, PermissionKind, PermissionState, Verdict
from router.domain.session import Session, SessionState
from router.domain.session_message import Consent, ConsentState, SessionMessage, SessionMessageState
from router.domain.wording import answers
from router.domain.wording import session_messages as wording
from router.services.delivery.drafts import Draft
from router.services.delivery.engine import DeliveryEngine
from router.services.outbox.status_messages import StatusMessages
from router.services.people.audience import hearers
from router.services.permissions import Permissions
from router.store import audit, consents, session_messages, sessions
from router.store.database import Transaction
from router.store.statements import Connection

SOURCE = "session"  # of the commands that they become
_OUTCOMES = {PermissionState.ALLOWED: ConsentState.GIVEN, PermissionState.DENIED: ConsentState.REFUSED}


@dataclass(frozen=True, slots=True)
class SessionMessages:
    """Each call is one step in a transaction."""

    _delivery: DeliveryEngine
    _permissions: Permissions
    _status_messages: StatusMessages
    _clock: Clock
    _new_id: Callable[[], str]

    def send(self, tx: Transaction, sender_id: str, to: str, text: str, reply_to: str, actor: str) -> SessionMessage:
        """A session says something. Raises Refusal, having written nothing."""
        rules.checked_text(text)
        sender, now = sessions.get(tx, sender_id), self._clock.now()
        answered = self._answered(tx, sender, reply_to) if reply_to else None
        receiver = sessions.get(tx, answered.from_session_id) if answered else _named(tx, to)
        self._check(tx, sender, receiver, now)
        hops = sessions.slot(tx, sender.session_id).hops + 1
        rules.check_hops(hops)
        new = SessionMessage(
            self._new_id(),
            sender.session_id,
            receiver.session_id,
            text,
            hops,
            now,
            answered.message_id if answered else "",
        )
        if answered is None and not rules.is_free(sender, receiver):
            consent = self._consent(tx, sender, receiver, new, actor)
            new = replace(new, permission_id=consent.consent_id)
            if consent.state is ConsentState.ASKED:
                session_messages.insert(tx, new)
                return new
        session_messages.insert(tx, new)
        return self._type(tx, new, sender, receiver)

    def reachable(self, on: Connection, sender: Session) -> list[Session]:
        """Those that a session may send to without anybody being asked."""
        others = [each for each in sessions.living_ones(on) if each.session_id != sender.session_id]
        return [each for each in others if rules.is_free(sender, each) or _holds(_said(on, sender, each))]

    def end(self, tx: Transaction, consent_id: str, actor: str) -> Consent:
        """Take back what people said: they are asked anew. Raises Refusal."""
        known = consents.get(tx, consent_id)
        if known.state not in (ConsentState.GIVEN, ConsentState.REFUSED):
            raise Refusal(Reason.ILLEGAL_STATE, wording.ENDED.format(state=known.state.value))
        return self._decided(tx, known, ConsentState.ENDED, actor)

    def answered(self, tx: Transaction, asked: Permission) -> None:
        """A question is over; where it was one of ours, what waited for it is typed, or told that it is not."""
        known = consents.find(tx, asked.permission_id) if not asked.machine_id else None
        if known is None or known.state is not ConsentState.ASKED:
            return
        state = _OUTCOMES.get(asked.state, ConsentState.ENDED)
        self._decided(tx, known, state, asked.decided_by)
        for each in session_messages.waiting_for(tx, asked.permission_id):
            self._settle(tx, each, state)

    def _settle(self, tx: Transaction, waits: SessionMessage, said: ConsentState) -> None:
        sender, receiver = sessions.find(tx, waits.from_session_id), sessions.find(tx, waits.to_session_id)
        why = wording.NOBODY
        if said is ConsentState.GIVEN and sender is not None and receiver is not None:
            try:
                self._type(tx, waits, sender, receiver)
            except Refusal as refusal:  # that people agreed counts all the same
                why = answers.refused(refusal)
            else:
                return
        elif said is ConsentState.REFUSED:
            why = wording.REFUSED.format(receiver=receiver.name if receiver else waits.to_session_id)
        session_messages.settle(tx, waits, SessionMessageState.REFUSED, self._clock.now(), detail=why)

    def _answered(self, tx: Transaction, sender: Session, message_id: str) -> SessionMessage:
        found = session_messages.find(tx, message_id)
        is_its = found is not None and found.to_session_id == sender.session_id
        if found is None or not is_its or found.created_at < self._clock.now() - rules.ANSWERABLE:
            raise Refusal(Reason.NOT_FOUND, wording.NOT_ANSWERED.format(message_id=message_id[:128]))
        return found

    def _check(self, tx: Transaction, sender: Session, receiver: Session, now: float) -> None:
        if receiver.session_id == sender.session_id:
            raise Refusal(Reason.INVALID_ARGUMENT, wording.SELF)
        if receiver.state is SessionState.ENDED:
            raise Refusal(Reason.SESSION_ENDED, answers.SESSION_IS_OVER)
        count = session_messages.lately(tx, sender.session_id, now - rules.LATELY)
        if count >= rules.MOST_LATELY:
            raise Refusal(Reason.QUEUE_FULL, wording.LATELY.format(count=count), retry_after=rules.LATELY / 10)
        if (count := session_messages.waiting_from(tx, sender.session_id)) >= rules.MOST_WAITING:
            raise Refusal(Reason.QUEUE_FULL, wording.WAITING.format(count=count), retry_after=60.0)

    def _consent(
        self, tx: Transaction, sender: Session, receiver: Session, first: SessionMessage, actor: str
    ) -> Consent:
        """What people said of these two, or are asked now. Raises Refusal where they said no."""
        if (known := _said(tx, sender, receiver)) is not None:
            if known.state is ConsentState.REFUSED:
                raise Refusal(Reason.NOT_CONSENTED, wording.REFUSED.format(receiver=receiver.name))
            return known
        danger = wording.RUNS if receiver.state is SessionState.UNKNOWN else wording.READS
        asked = wording.ASKED.format(
            sender=sender.name, sender_machine=sender.machine_id, receiver=receiver.name,
            receiver_machine=receiver.machine_id, danger=danger.format(receiver=receiver.name), text=first.text,
        )  # fmt: skip
        options = (Option("allow", wording.ALLOW, Verdict.ALLOW), Option("deny", wording.DENY, Verdict.DENY))
        question = Permission(
            self._new_id(), receiver.session_id, "", PermissionKind.TOOL, wording.TOOL, asked, first.message_id,
            options, first.created_at, first.created_at + rules.ASKED_FOR,
        )  # fmt: skip
        self._permissions.ask_of_router(tx, question, receiver, actor)
        new = Consent(
            question.permission_id, sender.session_id, sender.machine_id, receiver.session_id, receiver.machine_id,
            first.created_at,
        )  # fmt: skip
        consents.insert(tx, new)
        return new

    def _decided(self, tx: Transaction, known: Consent, state: ConsentState, actor: str) -> Consent:
        now = self._clock.now()
        decided = replace(known, state=state, decided_by=actor or known.decided_by, decided_at=now)
        consents.change(tx, decided)
        how = f"{known.from_session_id} on {known.from_machine_id} to {known.to_session_id} on {known.to_machine_id}"
        audit.record(
            tx, now, AuditEvent.CONSENT_DECIDED, tx.caller, subject=known.consent_id, detail=f"{state.value}: {how}"
        )
        return decided

    def _type(self, tx: Transaction, message: SessionMessage, sender: Session, receiver: Session) -> SessionMessage:
        # Whoever wrote last counts: a person who spoke to it meanwhile broke the chain.
        hops = max(message.hops, sessions.slot(tx, receiver.session_id).hops)
        who = Origin(SOURCE, f"{sender.session_id} on {sender.machine_id}")
        draft = Draft(
            receiver.session_id, Input(rules.headed(message, sender)), who, note=f"message {message.message_id}",
            hops=hops, is_headed=True,
        )  # fmt: skip
        command = self._delivery.accept(tx, draft)
        sent = session_messages.settle(
            tx, message, SessionMessageState.SENT, self._clock.now(), command_id=command.command_id
        )
        said = wording.SAID.format(sender=sender.name, receiver=receiver.name, text=message.text)
        for chat in dict.fromkeys([*hearers(tx, receiver), *hearers(tx, sender)]):
            self._status_messages.answer(tx, chat, said, receiver.session_id)
        return sent


def _named(tx: Transaction, name: str) -> Session:
    """By its whole id; else by its name, where one session that lives has exactly that. Raises Refusal."""
    if (found := sessions.find(tx, name)) is not None:
        return found
    named = [each for each in sessions.living_ones(tx) if name and each.name == name]
    if len(named) > 1:
        text = wording.NAMED_TWICE.format(count=len(named), name=name[:100])
        raise Refusal(Reason.INVALID_ARGUMENT, text)
    if not named:
        raise sessions.unknown(name[:128])
    return named[0]


def _said(on: Connection, sender: Session, receiver: Session) -> Consent | None:
    """What holds of a pair: nothing that was said of sessions which are elsewhere by now."""
    known = consents.between(on, sender.session_id, receiver.session_id)
    there = (sender.machine_id, receiver.machine_id)
    return known if known and (known.from_machine_id, known.to_machine_id) == there else None


def _holds(known: Consent | None) -> bool:
    return known is not None and known.state is ConsentState.GIVEN
