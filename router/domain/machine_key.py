"""How another key takes the place of a machine's: both sign for it.

The one that goes, so that a credential that leaked replaces no key; the one that comes, so that nobody gives a machine
a key that it does not have.
"""

from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct
from msgspec.structs import replace

from router.domain.credentials import text_of
from router.domain.errors import Reason, Refusal
from router.domain.machine import Machine

KEY_BYTES = 32
LEAST_AGE = 60.0  # seconds of a key that took another's place: each change is an entry in the audit
OVER = (
    "The key of this machine was replaced, and this is the old one. Where it was enrolled anew or put back from an old"
    " copy: enrol it again, or restart its agent. Where nobody did that, somebody else has its key: revoke the machine,"
    " and enrol it again."
)
_PURPOSE = b"pointsman machine key v1"  # what is signed for this is good for nothing else


class Replacement(Struct, frozen=True):
    """A new public key, with the signatures of it and of the one it replaces."""

    public_key: bytes
    new_signature: bytes
    old_signature: bytes


def check(machine: Machine | None, public_key: bytes) -> None:
    """Raise Refusal where a key that a machine was let in with opens nothing any more."""
    if machine is None or machine.revoked:
        raise Refusal(Reason.MACHINE_REVOKED, "This machine was revoked. Enrol it again.")
    if machine.public_key != public_key:
        raise Refusal(Reason.KEY_REPLACED, OVER)


def replaced(machine: Machine, offered: Replacement, router_id: str, now: float) -> Machine:
    """The machine with its new key. Raises Refusal where either key has not signed."""
    if len(offered.public_key) != KEY_BYTES:
        raise Refusal(Reason.INVALID_ARGUMENT, "public_key must be the 32 raw bytes of an Ed25519 key")
    said = b"\0".join((_PURPOSE, router_id.encode(), machine.machine_id.encode(), offered.public_key))
    if not _has_signed(offered.public_key, offered.new_signature, said):
        raise Refusal(Reason.INVALID_ARGUMENT, "new_signature must be by the new key, over what the protocol names")
    if not _has_signed(machine.public_key, offered.old_signature, said):
        raise Refusal(Reason.UNAUTHENTICATED, "old_signature must be by the key that this machine has now.")
    if machine.former_key and (wait := machine.key_made_at + LEAST_AGE - now) > 0:
        raise Refusal(Reason.BUSY, "The key of this machine was replaced a moment ago. Wait.", retry_after=wait)
    return replace(
        machine, public_key=offered.public_key, former_key=machine.public_key, key_made_at=now, key_wanted=False
    )


def fingerprint(public_key: bytes) -> str:
    """Enough of it to tell keys apart."""
    return text_of(sha256(public_key).digest())[:12]


def _has_signed(public_key: bytes, signature: bytes, said: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, said)
    except (InvalidSignature, ValueError):
        return False
    return True
