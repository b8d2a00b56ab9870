"""A second factor, asked for where a rule says so: codes of a person's authenticator app, or in its place a passkey."""

from collections.abc import Callable

from msgspec.structs import replace

from router.clock import Clock
from router.domain import totp
from router.domain.audit import AuditEvent
from router.domain.errors import Reason, Refusal
from router.domain.person import Person
from router.domain.wording import people as wording
from router.seal import Seal
from router.services.people.passkeys import Passkeys
from router.store import audit, people, second_factors
from router.store.database import Transaction
from router.store.second_factors import SealedFactor

TRIES, WINDOW = 5, 600.0  # wrong codes of one person, and seconds for which they count


class SecondFactors:
    """Each call is one step inside one transaction, on the writer's thread."""

    def __init__(self, seal: Seal, clock: Clock, random_bytes: Callable[[int], bytes], passkeys: Passkeys) -> None:
        self._seal = seal
        self._clock = clock
        self._random_bytes = random_bytes
        self.passkeys = passkeys
        self._wrong: dict[str, list[float]] = {}  # by person, when

    def give(self, tx: Transaction, person_id: str) -> str:
        """Give a person a new secret in place of an old one; the address for their app. Raises Refusal."""
        person = self._person(tx, person_id)
        secret = self._random_bytes(totp.SECRET_BYTES)
        second_factors.write(tx, SealedFactor(person_id, self._seal.close(secret)))
        self._note(tx, AuditEvent.SECOND_FACTOR_SET, person)
        return totp.address(secret, person.name)

    def take(self, tx: Transaction, person_id: str) -> None:
        """Take it away. Raises Refusal."""
        person = self._person(tx, person_id)
        if second_factors.delete(tx, person_id):
            self._note(tx, AuditEvent.SECOND_FACTOR_REMOVED, person)

    def prove(self, tx: Transaction, person: Person | None, code: str) -> str:
        """Use a code up: empty where it is theirs, else why not, for them to read."""
        factor = second_factors.find(tx, person.person_id) if person else None
        secret = self._seal.open(factor.sealed) if factor else None
        if person is None or factor is None or secret is None:
            return wording.NO_SECOND_FACTOR
        now = self._clock.now()
        recent = [at for at in self._wrong.get(person.person_id, []) if abs(now - at) < WINDOW]
        if len(recent) >= TRIES:
            return wording.TOO_MANY_CODES
        step = totp.step_of(secret, code, now, factor.last_step)
        if step is None:
            self._wrong[person.person_id] = [*recent, now]
            return wording.WRONG_CODE
        self._wrong.pop(person.person_id, None)
        second_factors.write(tx, replace(factor, last_step=step))
        return ""

    def _person(self, tx: Transaction, person_id: str) -> Person:
        if person := people.find(tx, person_id):
            return person
        raise Refusal(Reason.NOT_FOUND, f"There is no person {person_id}. `pointsman people` lists them.")

    def _note(self, tx: Transaction, event: AuditEvent, person: Person) -> None:
        audit.record(tx, self._clock.now(), event, tx.caller, subject=person.person_id, detail=person.name)
