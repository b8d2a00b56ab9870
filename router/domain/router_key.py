"""How the router shows that it is itself: a key of its own, whose fingerprint those who come have pinned."""

import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from router.domain.credentials import text_of
from router.domain.errors import Reason, Refusal

NONCE_BYTES = 32
_PURPOSE = b"pointsman router proof v1"  # what is signed for this is good for nothing else


@dataclass(frozen=True, slots=True)
class RouterKey:
    """The router's identity: the id that its database got, and the key that proves it."""

    router_id: str
    private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> bytes:
        """The raw 32 bytes."""
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def fingerprint(self) -> str:
        """What others pin: 43 characters that need no quoting."""
        return text_of(hashlib.sha256(self.public).digest())

    def prove(self, nonce: bytes) -> bytes:
        """The signature over a challenge. Raises Refusal where it is none."""
        # Of one length: nobody gets a text of their own choice signed.
        if len(nonce) != NONCE_BYTES:
            raise Refusal(Reason.INVALID_ARGUMENT, f"nonce must be {NONCE_BYTES} random bytes")
        return self.private.sign(b"\0".join((_PURPOSE, self.router_id.encode(), nonce)))
