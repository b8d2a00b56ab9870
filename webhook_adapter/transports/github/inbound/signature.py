"""Whether a delivery is GitHub's: it signs the bytes of the body with the secret of its hook."""

import hashlib
import hmac

LEAST_SECRET = 16  # characters; a shorter one is guessed
_BEFORE = b"sha256="


def sign(secret: str, body: bytes) -> str:
    """What `X-Hub-Signature-256` has to be."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def is_signed(secret: str, body: bytes, header: str) -> bool:
    """Whether the header is the signature of that very body, as it came; in constant time.

    Without a secret nothing is: GitHub sends no signature then, and anybody could send what it does.
    """
    # As bytes: of a text with anything beyond ASCII in it compare_digest makes an error.
    shown = header.encode(errors="surrogateescape")
    if len(secret) < LEAST_SECRET or not shown.startswith(_BEFORE):
        return False
    return hmac.compare_digest(shown, sign(secret, body).encode())
