"""Codes that change with time (RFC 6238: HMAC-SHA-1, six digits, 30 seconds), as every authenticator app makes them."""

import hmac
from base64 import b32encode
from urllib.parse import quote

SECRET_BYTES = 20  # RFC 4226, 4: as long as the hash
STEP = 30.0  # seconds
_DIGITS = 6
_WINDOW = (-1, 0, 1)  # steps: a phone's clock may be off, and typing takes time


def code_at(secret: bytes, step: int) -> str:
    """RFC 4226, 5.3."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def step_of(secret: bytes, code: str, now: float, last: int) -> int | None:
    """The step that a code is of, so near to now, and behind the last one that was used; else None.

    Compares with every one in constant time.
    """
    steps = [int(now // STEP) + near for near in _WINDOW]
    good = [step for step in steps if hmac.compare_digest(code_at(secret, step), code)]
    return next((step for step in good if step > last), None)


def address(secret: bytes, name: str) -> str:
    """What an authenticator app reads, also from a QR code."""
    letters = b32encode(secret).decode()
    return f"otpauth://totp/Pointsman:{quote(name)}?secret={letters}&issuer=Pointsman"
