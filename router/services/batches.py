"""Many at once, in one transaction: each is bound to what was seen of it; what changed is left out, and told."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from router.domain.batch import Doing, Item, Outcome, Wanted, checked
from router.domain.command import DEAD_LETTERS, LIVE, Command, Origin
from router.domain.errors import IllegalTransition, Reason, Refusal
from router.domain.permission import Permission, PermissionKind, Verdict
from router.domain.permission_input import Answer
from router.domain.session import Session
from router.domain.wording import answers
from router.domain.wording import batches as wording
from router.services.delivery.dead_letters import DeadLetters
from router.services.delivery.engine import DeliveryEngine
from router.services.permissions import Permissions
from router.store import commands, permissions, sessions
from router.store.database import Transaction

Reached = Callable[[Session], bool]  # whether whoever asks may do this to a session
_VERDICTS = {Doing.ALLOW: Verdict.ALLOW, Doing.DENY: Verdict.DENY}
_LOOKED_AT = 1000  # of each kind


@dataclass(frozen=True, slots=True)
class Batches:
    """Each call is one step in a transaction."""

    _permissions: Permissions
    _delivery: DeliveryEngine
    _dead_letters: DeadLetters

    def find(self, tx: Transaction, doing: Doing, which: Wanted, reached: Reached) -> list[Item]:
        """What fits, and can be done so, oldest first."""
        known = {each.session_id: each for each in sessions.everyone(tx)}
        if doing.is_answer:
            return self._questions(tx, _VERDICTS[doing], which, known, reached)
        states = LIVE if doing is Doing.CANCEL else DEAD_LETTERS
        found = commands.page(tx, session_id="", states=list(states), limit=_LOOKED_AT, before="")
        living = [each for each in found if not each.dropped]
        return [_of_command(each, known) for each in reversed(living) if _fits(each.session_id, which, known, reached)]

    def do(
        self, tx: Transaction, doing: Doing, items: Iterable[Item], origin: Origin, *, reached: Reached, text: str = ""
    ) -> list[Outcome]:
        """Do it to each. Raises Refusal, having written nothing, where they are too many."""
        return [self._one(tx, doing, item, origin, reached, text) for item in checked(items)]

    def _one(self, tx: Transaction, doing: Doing, item: Item, origin: Origin, reached: Reached, text: str) -> Outcome:
        try:
            if doing.is_answer:
                self._answer(tx, doing, item, origin, reached, text)
            else:
                self._change(tx, doing, item, origin, reached)
        # Each refuses before it has written anything: the others are not touched.
        except Refusal as refusal:
            return Outcome(item, answers.refused(refusal), refusal.reason)
        except IllegalTransition:
            return Outcome(item, wording.CHANGED, Reason.ILLEGAL_STATE)
        return Outcome(item)

    def _answer(self, tx: Transaction, doing: Doing, item: Item, origin: Origin, reached: Reached, text: str) -> None:
        asked = permissions.get(tx, item.item_id)
        _check_reached(tx, asked.session_id, reached, permissions.unknown(item.item_id))
        option = next((each for each in asked.options if each.verdict is _VERDICTS[doing]), None)
        if option is None:
            raise Refusal(Reason.INVALID_ARGUMENT, wording.NO_SUCH_ANSWER)
        said = text if option.takes_text else ""
        # What waits for a consent is let one by one: to let a session write into another is no matter of routine.
        if asked.is_of_router and doing is Doing.ALLOW:
            raise Refusal(Reason.INVALID_ARGUMENT, wording.ONE_BY_ONE)
        self._permissions.respond(tx, item.item_id, item.seen, Answer(option.option_id, said), origin)

    def _change(self, tx: Transaction, doing: Doing, item: Item, origin: Origin, reached: Reached) -> None:
        command = commands.get(tx, item.item_id)
        _check_reached(tx, command.session_id, reached, commands.unknown(item.item_id))
        if command.state.value != item.seen or command.dropped:
            raise Refusal(Reason.ILLEGAL_STATE, wording.IS_NOW.format(state=command.state.value))
        match doing:
            case Doing.RETRY:
                self._dead_letters.redrive(tx, item.item_id, "", origin)
            case Doing.DROP:
                self._dead_letters.drop(tx, item.item_id, origin.actor)
            case _:
                self._delivery.cancel(tx, item.item_id, origin.actor or origin.source)

    def _questions(
        self, tx: Transaction, verdict: Verdict, which: Wanted, known: dict[str, Session], reached: Reached
    ) -> list[Item]:
        there = permissions.page(tx, session_id="", permission_id="", closed=False, limit=_LOOKED_AT)
        return [
            Item(each.permission_id, each.input_digest, _named(each, known))
            for each in reversed(there)
            if self._is_meant(each, verdict, which, known.get(each.session_id), reached)
        ]

    def _is_meant(
        self, asked: Permission, verdict: Verdict, which: Wanted, session: Session | None, reached: Reached
    ) -> bool:
        if asked.kind is not PermissionKind.TOOL or asked.is_of_router or session is None or not reached(session):
            return False
        offered = any(option.verdict is verdict for option in asked.options)
        return offered and which.has(session, asked.tool, self._permissions.risks_of(asked))


def _fits(session_id: str, which: Wanted, known: dict[str, Session], reached: Reached) -> bool:
    session = known.get(session_id)
    return session is not None and reached(session) and which.has(session)


def _check_reached(tx: Transaction, session_id: str, reached: Reached, unknown: Refusal) -> None:
    session = sessions.find(tx, session_id)
    if session is None or not reached(session):
        raise unknown


def _named(asked: Permission, known: dict[str, Session]) -> str:
    return wording.question(known[asked.session_id].name, asked)


def _of_command(command: Command, known: dict[str, Session]) -> Item:
    return Item(command.command_id, command.state.value, wording.command(known[command.session_id].name, command))
