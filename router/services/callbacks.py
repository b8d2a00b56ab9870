"""Reports from outside: a right to one is made for a session, and used once, by whoever has its token."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from router.clock import Clock
from router.domain import callback as rules
from router.domain.action import Input
from router.domain.audit import AuditEvent
from router.domain.callback import Callback, Outcome
from router.domain.command import Origin
from router.domain.credentials import SECRET_BYTES, Principal, hashed, text_of
from router.domain.errors import Reason, Refusal
from router.domain.session import SessionState
from router.domain.wording import answers
from router.domain.wording import callbacks as wording
from router.services.delivery.drafts import Draft
from router.services.delivery.engine import DeliveryEngine
from router.services.outbox.status_messages import StatusMessages
from router.services.people.audience import hearers
from router.store import audit, callbacks, sessions
from router.store.database import Transaction

SOURCE = "callback"  # of the commands that reports become


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Each call is one step in a transaction."""

    _delivery: DeliveryEngine
    _status_messages: StatusMessages
    _clock: Clock
    _random_bytes: Callable[[int], bytes]

    def create(
        self, tx: Transaction, session_id: str, name: str, ttl: float | None, maker: Principal
    ) -> tuple[Callback, str]:
        """Make one; it and its token, which is kept nowhere. `ttl` is in seconds. Raises Refusal."""
        name, now, session = rules.checked_name(name), self._clock.now(), sessions.get(tx, session_id)
        if ttl is not None and not 0 < ttl <= rules.LONGEST_TTL:
            raise Refusal(Reason.INVALID_ARGUMENT, wording.BAD_TTL)
        if session.state is SessionState.ENDED:
            raise Refusal(Reason.SESSION_ENDED, answers.SESSION_IS_OVER)
        if session.state is SessionState.UNKNOWN:
            raise Refusal(Reason.ILLEGAL_STATE, wording.MAY_RUN)
        if (count := callbacks.count_open(tx, session.session_id, now)) >= rules.MOST_OPEN:
            raise Refusal(Reason.QUEUE_FULL, wording.MANY.format(count=count), retry_after=60.0)
        token, until = rules.PREFIX + text_of(self._random_bytes(SECRET_BYTES)), now + (ttl or rules.TTL)
        made = Callback(
            rules.id_of(token), hashed(token), session.session_id, name, maker.name, maker.key_id, now, until
        )
        callbacks.write(tx, made)
        detail = f"for {session.session_id}, good for {until - now:.0f} s"
        audit.record(tx, now, AuditEvent.CALLBACK_CREATED, tx.caller, subject=made.callback_id, detail=detail)
        return made, token

    def report(self, tx: Transaction, token: str, outcome: Outcome | None, text: str) -> None:
        """Say it to the session and to those who hear of it, once. Raises Refusal, having written nothing."""
        known = callbacks.find(tx, rules.id_of(token))
        if known is None or not known.fits(token):
            raise Refusal(Reason.UNAUTHENTICATED, wording.NOT_GOOD)
        if not known.report and known.expires_at <= self._clock.now():
            raise Refusal(Reason.UNAUTHENTICATED, wording.NOT_GOOD)
        if outcome is None:
            raise Refusal(Reason.INVALID_ARGUMENT, wording.NO_OUTCOME)
        rules.checked_text(text)
        if known.report:
            if not known.is_same(outcome, text):
                raise Refusal(Reason.REQUEST_ID_REUSED, wording.USED)
            return
        callbacks.write(tx, replace(known, report=rules.report_hash(outcome, text)))
        self._say(tx, known, outcome, text)

    def _say(self, tx: Transaction, known: Callback, outcome: Outcome, text: str) -> None:
        session = sessions.get(tx, known.session_id)
        who = Origin(SOURCE, f"{known.callback_id} of {known.created_by}")
        if session.state is not SessionState.UNKNOWN:  # else it may be a shell by now: people alone are told
            # As many hops as before: no person has said a word.
            draft = Draft(
                session.session_id, Input(rules.headed(known, outcome, text)), who,
                note=f"callback {known.callback_id}", hops=None, is_headed=True,
            )  # fmt: skip
            self._delivery.accept(tx, draft)
        said = wording.SAID.format(
            name=known.name, session=session.name, outcome=outcome.value, text=f"\n\n{text.strip()}".rstrip()
        )
        for chat in hearers(tx, session):
            self._status_messages.answer(tx, chat, said, session.session_id)
