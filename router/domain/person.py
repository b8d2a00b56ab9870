"""A person who was let in by a code: what they may, where they write, and the code itself."""

import re
from base64 import b32encode
from collections.abc import Iterable
from enum import Enum

from msgspec import Struct

from router.domain.command import ChatRef
from router.domain.errors import Reason, Refusal
from router.domain.scope import Scope
from router.domain.session import Session

CODE_LIFETIME = 600.0  # seconds; time to walk to another device, not to leave the code lying about
CODE_BYTES = 8
_CODE_LETTERS = 12  # of 32: 60 bits, and five tries
_READ_AS = str.maketrans("01", "OI")  # no code has these two digits; who copies one by hand may
MAX_NAME = 64

# Without brackets: an actor is told as `telegram:4711 (Ada)`, and nobody may look like another.
_NAME = re.compile(rf"[\w .,'@+-]{{1,{MAX_NAME}}}")


class PersonRole(Enum):
    """What a person may do."""

    OPERATOR = "operator"
    APPROVER = "approver"
    VIEWER = "viewer"


class Deed(Enum):
    """What people do to a session."""

    LOOK = "look"
    ANSWER = "answer"  # a permission question
    TYPE = "type"  # and press, start, end, take back


_MAY = {
    PersonRole.OPERATOR: frozenset(Deed),
    PersonRole.APPROVER: frozenset({Deed.LOOK, Deed.ANSWER}),
    PersonRole.VIEWER: frozenset({Deed.LOOK}),
}


class Person(Struct, frozen=True):
    """Somebody by name. `machines` and `sessions` are patterns; none: all."""

    person_id: str
    name: str
    role: PersonRole
    machines: tuple[str, ...]
    sessions: tuple[str, ...]
    created_at: float
    ladder: str = ""  # how they are asked again; empty: as by default
    concerns: str = ""  # what else goes up it: names of Concern, with commas between them

    @property
    def is_limited(self) -> bool:
        """They reach some sessions only."""
        return self.scope.is_limited

    @property
    def scope(self) -> Scope:
        """What they reach."""
        return Scope(self.machines, self.sessions)

    def may(self, deed: Deed) -> bool:
        """Whether their role has this."""
        return deed in _MAY[self.role]

    def reaches(self, session: Session) -> bool:
        """Whether the session is one of theirs."""
        return self.scope.has(session)


class PairedChat(Struct, frozen=True):
    """Where a person may write, and as whom."""

    chat: ChatRef
    user_id: str
    person_id: str
    paired_at: float


class PairingCode(Struct, frozen=True):
    """A code, by its hash, and the person that it makes, or gives a further chat or browser."""

    code_hash: str
    name: str
    role: PersonRole
    machines: tuple[str, ...]
    sessions: tuple[str, ...]
    expires_at: float


def code_of(random_bytes: bytes) -> str:
    """A code to be read and typed: `K7QF-3M2X-PAWB`."""
    letters = b32encode(random_bytes).decode()[:_CODE_LETTERS]
    return "-".join(letters[at : at + 4] for at in range(0, _CODE_LETTERS, 4))


def as_typed(code: str) -> str:
    """What of a code counts."""
    return code.upper().replace("-", "").replace(" ", "").translate(_READ_AS)


def name_of(called: str) -> str:
    """What may be a name of what somebody calls themselves; empty where nothing may."""
    return "".join(_NAME.findall(called))[: MAX_NAME - 4].strip()


def checked_person(name: str, machines: Iterable[str], sessions: Iterable[str]) -> None:
    """Raises Refusal naming what is wrong."""
    if name and not _NAME.fullmatch(name):
        text = f"A person's name must have 1 to {MAX_NAME} letters, digits, spaces and . , ' @ + -"
        raise Refusal(Reason.INVALID_ARGUMENT, text)
    Scope(tuple(machines), tuple(sessions)).checked()
