"""Rules that allow for a time: made from a question, tried on each that comes, ended, and told of.

What a rule answers is answered in the transaction that takes the question: a crash leaves both or neither.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from router.clock import Clock, moment
from router.domain import answer_rule
from router.domain.answer_rule import MOST_OF_ALL, MOST_OF_ONE, AnswerRule, Match
from router.domain.audit import AuditEvent
from router.domain.command import Origin
from router.domain.credentials import Role
from router.domain.deferral import Owner
from router.domain.errors import Reason, Refusal
from router.domain.identity import ROUTER, Caller
from router.domain.permission import Permission, PermissionKind
from router.domain.permission_input import Answer
from router.domain.person import Deed
from router.domain.session import Session
from router.domain.wording import answer_rules as wording
from router.services.people import rights
from router.services.permissions import Permissions
from router.store import answer_rules, api_keys, audit, people, sessions
from router.store.database import Transaction

SOURCE = "rule"  # of the answers that they give
_MAY = frozenset({Role.ADMIN, Role.OPERATOR, Role.APPROVER})


class Wanted(Struct, frozen=True):
    """A rule that is not made yet. `in_folder`: for all sessions of the machine that began in the same folder."""

    span: float
    match: Match = Match.EXACT
    words: str = ""
    in_folder: bool = False


@dataclass(frozen=True, slots=True)
class AnswerRules:
    """Each call is one step in a transaction."""

    _permissions: Permissions
    _clock: Clock
    _new_id: Callable[[], str]
    # In place of a boot, where nobody says which that is: then a rule ends with this process.
    _process: str = field(default_factory=lambda: str(uuid.uuid4()))

    def make(
        self,
        tx: Transaction,
        permission_id: str,
        digest: str,
        wanted: Wanted,
        origin: Origin,
        owner: Owner,
        note: str = "",
    ) -> tuple[Permission, AnswerRule]:
        """Allow a question, and what is like it, for a time. Raises Refusal, having written nothing."""
        asked = self._permissions.open_as_seen(tx, permission_id, digest)
        allows = answer_rule.allow_of(asked)
        if allows is None or asked.kind is not PermissionKind.TOOL or not asked.machine_id:
            raise Refusal(Reason.INVALID_ARGUMENT, wording.NO_TOOL)
        if problem := self._permissions.against_rules(asked, is_exact=wanted.match is Match.EXACT):
            raise Refusal(Reason.INVALID_ARGUMENT, problem)
        rule = self._rule(tx, asked, wanted, origin, owner)
        decided = self._permissions.respond(tx, permission_id, digest, Answer(allows.option_id), origin, note)
        answer_rules.insert(tx, rule)
        self._record(tx, AuditEvent.RULE_MADE, rule)
        return decided, rule

    def end(self, tx: Transaction, rule_id: str, actor: str) -> AnswerRule:
        """It answers nothing any more. Raises Refusal."""
        known = answer_rules.get(tx, rule_id)
        if known.ended_at is not None or not self.holds(known):
            raise Refusal(Reason.ILLEGAL_STATE, wording.OVER)
        return self._ended(tx, known, actor)

    def holds(self, rule: AnswerRule) -> bool:
        """Whether it answers still."""
        return rule.holds(self._boot(), self._clock.uptime())

    def asked(self, tx: Transaction, asked: Permission, session: Session) -> bool:
        """A machine asks: answer it where a rule says so. False: people are asked."""
        for rule in answer_rules.of_machine(tx, asked.machine_id):
            if not self.holds(rule):
                self._ended(tx, rule, "router")  # so that it is found no more
            elif rule.is_about(session.session_id, session.machine_id, session.cwd) and self._answers(
                tx, rule, asked, session
            ):
                return True
        return False

    def _answers(self, tx: Transaction, rule: AnswerRule, asked: Permission, session: Session) -> bool:
        option = rule.allows(asked)
        is_exact = rule.match is Match.EXACT
        if option is None or self._permissions.against_rules(asked, is_exact=is_exact):
            return False
        # Whoever made it must still be allowed to say yes themselves.
        if not self._may(tx, rule.owner, session):
            self._ended(tx, rule, "router")
            return False
        before = tx.caller
        tx.caller = Caller(ROUTER.identity, claimed=rule.made_by)
        try:
            origin = Origin(SOURCE, wording.ACTOR.format(rule_id=rule.rule_id, made_by=rule.made_by))
            self._permissions.respond(tx, asked.permission_id, asked.input_digest, Answer(option.option_id), origin)
        except Refusal:  # a queue that is full, for instance: then people are asked
            return False
        finally:
            tx.caller = before
        used = replace(rule, answers=rule.answers + 1)
        answer_rules.change(tx, used)
        # In the messages of the question that it was made from: a change makes no sound.
        self._permissions.say_of(tx, rule.permission_id, wording.USED.format(count=used.answers, what=asked.tool))
        return True

    def told(self, rule: AnswerRule) -> str:
        """One of them on a line, for people."""
        return wording.described(rule, moment(rule.expires_at, self._clock.now()), holds=self.holds(rule))

    def _rule(self, tx: Transaction, asked: Permission, wanted: Wanted, origin: Origin, owner: Owner) -> AnswerRule:
        span, now = answer_rule.checked_span(wanted.span), self._clock.now()
        session = sessions.get(tx, asked.session_id)
        self._check_room(tx, owner)
        if wanted.in_folder and not session.cwd:
            raise Refusal(Reason.INVALID_ARGUMENT, wording.NO_FOLDER)
        if wanted.match is Match.PREFIX:
            pattern = answer_rule.prefix(asked, wanted.words)
        elif not (pattern := answer_rule.exact(asked)):
            raise Refusal(Reason.INVALID_ARGUMENT, wording.NOT_WHOLE)
        return AnswerRule(
            self._new_id(), wanted.match, asked.tool, pattern, session.session_id, asked.machine_id,
            session.cwd if wanted.in_folder else "", origin.actor or origin.source, owner, now, now + span,
            self._boot(), self._clock.uptime() + span, asked.permission_id,
        )  # fmt: skip

    def _check_room(self, tx: Transaction, owner: Owner) -> None:
        for rule in answer_rules.page(tx, over=False):  # few: those that are over must not count
            if not self.holds(rule):
                self._ended(tx, rule, "router")
        if answer_rules.count_of(tx, owner.name) >= MOST_OF_ONE or answer_rules.count(tx) >= MOST_OF_ALL:
            raise Refusal(Reason.QUEUE_FULL, wording.TOO_MANY.format(count=MOST_OF_ONE))

    def _may(self, tx: Transaction, owner: Owner, session: Session) -> bool:
        if owner.key_id:
            key = next((each for each in api_keys.page(tx) if each.key_id == owner.key_id), None)
            good = key is not None and not key.revoked and not key.is_over(self._clock.now()) and key.role in _MAY
            return good and key is not None and key.scope.has(session)
        if not owner.person_id:
            return True
        person = people.find(tx, owner.person_id)
        return person is not None and not rights.refusal(tx, person, Deed.ANSWER, session.session_id)

    def _ended(self, tx: Transaction, rule: AnswerRule, actor: str) -> AnswerRule:
        ended = replace(rule, ended_at=self._clock.now(), ended_by=actor)
        answer_rules.change(tx, ended)
        if actor != "router":  # what time ended, the entry of its making tells
            self._record(tx, AuditEvent.RULE_ENDED, ended)
        return ended

    def _record(self, tx: Transaction, event: AuditEvent, rule: AnswerRule) -> None:
        where = f"{rule.machine_id}:{rule.folder}" if rule.folder else f"session {rule.session_id} on {rule.machine_id}"
        detail = f"{rule.match.value} {rule.tool} for {where}, by {rule.made_by}"
        audit.record(tx, self._clock.now(), event, tx.caller, subject=rule.rule_id, detail=detail)

    def _boot(self) -> str:
        return self._clock.boot_id() or self._process
