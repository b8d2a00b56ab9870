"""Passkeys of persons: added in a browser with a code of the machine, and asked to sign where a rule says so.

What is asked for is kept in memory, one thing for each person: after a start of the router the page asks anew.
"""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from router.clock import Clock
from router.domain import passkey
from router.domain.audit import AuditEvent
from router.domain.credentials import hashed, matches
from router.domain.errors import Reason, Refusal
from router.domain.passkey import CHALLENGE_BYTES, CHALLENGE_LIFETIME, MAX_PER_PERSON, Challenge, NotProven
from router.domain.person import CODE_BYTES, CODE_LIFETIME, Person, as_typed, code_of
from router.domain.wording import people as wording
from router.store import audit, browsers, passkeys, people
from router.store.database import Transaction

TRIES = 5  # wrong codes, after which the good one is none any more
_NOBODYS = "A passkey is a person's, and nobody knows who sits here. `pointsman pair` lets a browser in as somebody."
_NO_CODE = "This code is wrong, over or used. `pointsman passkey` makes a new one."
_OUT = "This browser is not let in any more. Log in again."
_TOO_MANY = f"A person has {MAX_PER_PERSON} passkeys at most. `pointsman passkey --remove` takes them away."


@dataclass(slots=True)
class _Code:
    """The right to add one, at a page of this origin."""

    code_hash: str
    origin: str
    expires_at: float
    tries: int = 0


class Passkeys:
    """Each call is one step inside one transaction, on the writer's thread."""

    def __init__(self, clock: Clock, random_bytes: Callable[[int], bytes]) -> None:
        self._clock = clock
        self._random_bytes = random_bytes
        self._codes: dict[str, _Code] = {}  # by person, as the next
        self._challenges: dict[str, Challenge] = {}

    def create_code(self, tx: Transaction, person_id: str, origin: str) -> tuple[str, float]:
        """A code with which a person adds a passkey at this address, and when it is over. Raises Refusal."""
        person, origin = self._person(tx, person_id), passkey.checked_origin(origin)
        code, expires_at = code_of(self._random_bytes(CODE_BYTES)), self._clock.now() + CODE_LIFETIME
        tx.put(self._codes, person_id, _Code(hashed(as_typed(code)), origin, expires_at))
        self._note(tx, AuditEvent.CODE_CREATED, person, f"for a passkey of {person.name} at {origin}")
        return code, expires_at

    def take_all(self, tx: Transaction, person_id: str) -> None:
        """Take a person's away. Raises Refusal."""
        person = self._person(tx, person_id)
        tx.pop(self._codes, person_id)
        if passkeys.delete_all_of(tx, person_id):
            self._note(tx, AuditEvent.PASSKEYS_REMOVED, person, person.name)

    def begin_adding(self, tx: Transaction, login_id: str, code: str) -> str:
        """What the browser is told to make, as JSON. Raises Refusal."""
        person = self.holder(tx, login_id)
        known = [each.credential_id for each in passkeys.all_of(tx, person.person_id)]
        challenge = self._challenge(tx, person, "", self._good(person, code).origin)
        return passkey.creation_options(challenge, (person.person_id, person.name), known)

    def add(self, tx: Transaction, login_id: str, code: str, credential: str) -> None:
        """Take the passkey that the browser made; the code is used up. Raises Refusal."""
        person = self.holder(tx, login_id)
        self._good(person, code)
        if len(passkeys.all_of(tx, person.person_id)) >= MAX_PER_PERSON:
            raise Refusal(Reason.ILLEGAL_STATE, _TOO_MANY)
        try:
            made = passkey.added(credential, self._asked(tx, person, ""), person.person_id, self._clock.now())
        except NotProven as error:
            raise Refusal(Reason.INVALID_ARGUMENT, str(error)) from None
        if passkeys.is_anybodys(tx, made.credential_id):  # written, it would take another's away
            raise Refusal(Reason.ILLEGAL_STATE, "This passkey is here already. Use it, or make another.")
        tx.pop(self._codes, person.person_id)
        passkeys.write(tx, made)
        self._note(tx, AuditEvent.PASSKEY_ADDED, person, f"{person.name} at {made.origin}")

    def begin_proof(self, tx: Transaction, person: Person, permission_id: str) -> str:
        """What a passkey has to sign to allow this question, as JSON. Raises Refusal."""
        known = passkeys.all_of(tx, person.person_id)
        if not known:
            raise Refusal(Reason.ILLEGAL_STATE, wording.NO_PASSKEY.format(name=person.name))
        # Those of the page that was set up last: a browser asks for none of another.
        origin = known[-1].origin
        challenge = self._challenge(tx, person, permission_id, origin)
        return passkey.request_options(challenge, [each.credential_id for each in known if each.origin == origin])

    def prove(self, tx: Transaction, person: Person | None, permission_id: str, credential: str) -> str:
        """Use a challenge up: empty where their passkey has signed it, else why not, for them to read."""
        if person is None:
            return wording.NO_SECOND_FACTOR
        try:
            challenge = self._asked(tx, person, permission_id)
            used = passkeys.find(tx, person.person_id, passkey.named(credential))
            count = passkey.signed(credential, used, challenge) if used else 0
        except NotProven as error:
            return str(error)
        if used is None:
            return wording.NO_PASSKEY.format(name=person.name)
        passkeys.write(tx, replace(used, sign_count=count))
        return ""

    def holder(self, tx: Transaction, login_id: str) -> Person:
        """Whose browser it is. Raises Refusal where it is nobody's."""
        browser = browsers.find(tx, hashed(login_id))
        if browser is None or not browser.is_open(self._clock.now()):
            raise Refusal(Reason.ILLEGAL_STATE, _OUT)
        if (person := people.find(tx, browser.person_id)) is None:
            raise Refusal(Reason.ILLEGAL_STATE, _NOBODYS)
        return person

    def _good(self, person: Person, code: str) -> _Code:
        known = self._codes.get(person.person_id)
        if known is None or known.expires_at <= self._clock.now() or known.tries >= TRIES:
            raise Refusal(Reason.PAIRING_CODE_INVALID, _NO_CODE)
        if not matches(hashed(as_typed(code)), known.code_hash):
            known.tries += 1  # also where this is undone: a try is a try
            raise Refusal(Reason.PAIRING_CODE_INVALID, _NO_CODE)
        return known

    def _challenge(self, tx: Transaction, person: Person, about: str, origin: str) -> Challenge:
        made = Challenge(self._random_bytes(CHALLENGE_BYTES), about, origin, self._clock.now() + CHALLENGE_LIFETIME)
        tx.put(self._challenges, person.person_id, made)  # in place of the one before
        return made

    def _asked(self, tx: Transaction, person: Person, about: str) -> Challenge:
        """What a person was asked to sign, once. Raises NotProven."""
        challenge = tx.pop(self._challenges, person.person_id)
        if challenge is None or challenge.expires_at <= self._clock.now():
            raise NotProven(wording.ASK_ANEW)
        if challenge.about != about:
            raise NotProven("It answers another question.")
        return challenge

    def _person(self, tx: Transaction, person_id: str) -> Person:
        if person := people.find(tx, person_id):
            return person
        raise Refusal(Reason.NOT_FOUND, f"There is no person {person_id[:128]}. `pointsman people` lists them.")

    def _note(self, tx: Transaction, event: AuditEvent, person: Person, detail: str) -> None:
        audit.record(tx, self._clock.now(), event, tx.caller, subject=person.person_id, detail=detail)
