"""The audit: what changed who may do what, by whom, in a chain of hashes that shows what was changed in it later.

    entry 1 ─hash─▶ entry 2 ─hash─▶ entry 3   each holds the hash of the one before it
    ▲ anchor: number and hash of the last entry that retention took away

A change of one row, its removal, a row put in between or two that changed places break the chain. What was cut off at
the newest end does not, nor a chain that was computed anew to its end: only a head that was noted elsewhere tells.
"""

import hashlib
import json
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import astuple, replace

from router.domain.identity import Caller

LONGEST = 500  # characters of a field: whoever is refused chooses some of them
NOTHING_BEFORE = "0" * 64
KEPT = 365 * 24 * 3600.0  # seconds, where the settings say nothing else


class AuditEvent(Enum):
    """What is told of."""

    KEY_CREATED = "key_created"
    KEY_REVOKED = "key_revoked"
    KEY_ROTATED = "key_rotated"  # has another secret
    SETTINGS_KEY_TAKEN = "settings_key_taken"  # the key of the settings became an admin's at a start
    JOIN_CREATED = "join_created"  # a right to enrol, for who has its token
    JOIN_REVOKED = "join_revoked"
    CALLBACK_CREATED = "callback_created"  # a right to report to a session, for who has its token
    MACHINE_ENROLLED = "machine_enrolled"
    MACHINE_REVOKED = "machine_revoked"
    MACHINE_KEY_WANTED = "machine_key_wanted"  # somebody asked a machine for another key
    MACHINE_KEY_REPLACED = "machine_key_replaced"
    POLICY_SET = "policy_set"  # what may be started on a machine
    BOUND = "bound"  # a machine works for a repository, and who may ask it to
    UNBOUND = "unbound"
    LOGIN = "login"
    LOGOUT = "logout"
    CODE_CREATED = "code_created"  # a pairing code
    PAIRED = "paired"
    UNPAIRED = "unpaired"
    JOINED = "joined"  # two persons, or a chat and a person, who are the same
    SECOND_FACTOR_SET = "second_factor_set"
    SECOND_FACTOR_REMOVED = "second_factor_removed"
    PASSKEY_ADDED = "passkey_added"
    PASSKEYS_REMOVED = "passkeys_removed"
    SUBSCRIBED = "subscribed"  # a browser takes pushes, and what sessions say goes there
    UNSUBSCRIBED = "unsubscribed"
    REFUSED = "refused"
    QUESTION_ANSWERED = "question_answered"
    RULE_MADE = "rule_made"  # that allows for a time
    RULE_ENDED = "rule_ended"
    CONSENT_DECIDED = "consent_decided"  # whether one session may send to another
    SESSION_STARTED = "session_started"  # from afar
    MODE_CHANGED = "mode_changed"  # of the program in a session: what it asks, and what it does unasked
    SESSION_STOPPED = "session_stopped"
    NOTE_KEPT = "note_kept"  # a person let sessions go by what one of them said
    NOTE_FORGOTTEN = "note_forgotten"
    BACKUP = "backup"
    CLEANUP = "cleanup"


class AuditEntry(Struct, frozen=True):
    """One entry as it is on disk: plain text, so that what somebody else wrote into it can still be read."""

    number: int
    at: float  # seconds since the epoch by the router's clock
    event: str
    kind: str  # of the identity that was authenticated
    identity: str
    label: str
    claimed: str
    peer: str
    subject: str
    detail: str
    previous: str  # the hash of the entry before
    digest: str = ""  # the hash of all of the above


class Head(NamedTuple):
    """An end of the chain: an entry's number and its hash."""

    number: int
    digest: str

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"


START = Head(0, NOTHING_BEFORE)


class Verification(Struct, frozen=True):
    """What a look at the whole chain found."""

    entries: int
    head: Head
    broken: int | None = None  # the first entry that is not as it was written
    problem: str = ""


def following(head: Head, at: float, event: AuditEvent, caller: Caller, subject: str, detail: str) -> AuditEntry:
    """The entry that comes after a head."""
    who = caller.identity
    entry = AuditEntry(
        head.number + 1, at, event.value, who.kind.value, who.identity[:LONGEST], who.label[:LONGEST],
        caller.claimed[:LONGEST], caller.peer[:LONGEST], subject[:LONGEST], detail[:LONGEST], head.digest,
    )  # fmt: skip
    return replace(entry, digest=digest(entry))


def digest(entry: AuditEntry) -> str:
    """SHA-256 of the entry's fields but this one: a JSON list in their order, UTF-8 without spaces, times in µs.

    Raises TypeError or ValueError where a field holds what never was one.
    """
    number, at, *texts = astuple(entry)[:-1]
    fields = json.dumps([number, round(at * 1e6), *texts], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(fields.encode()).hexdigest()


def verified(anchor: Head, entries: Iterable[AuditEntry], noted: Head | None = None) -> Verification:
    """Compute the chain anew from its anchor on, up to the first entry that does not fit.

    A head that was noted elsewhere must be part of it, unless retention has taken it away.
    """
    head, count = anchor, 0
    for entry in entries:
        if problem := _problem(head, entry):
            return Verification(count, head, head.number + 1, problem)
        head, count = Head(entry.number, entry.digest), count + 1
        if noted and noted.number == head.number and noted != head:
            return Verification(count - 1, head, head.number, f"entry {head.number} is another than was noted")
    if noted and noted.number > head.number:
        return Verification(count, head, head.number + 1, f"entry {noted.number} was noted, and was cut off")
    return Verification(count, head)


def _problem(head: Head, entry: AuditEntry) -> str:
    if entry.number != head.number + 1:
        return f"entry {head.number + 1} is missing"
    if entry.previous != head.digest:
        return f"entry {entry.number} does not follow the one before it"
    try:
        computed = digest(entry)
    except (TypeError, ValueError):
        computed = ""
    return "" if computed == entry.digest else f"entry {entry.number} was changed"
