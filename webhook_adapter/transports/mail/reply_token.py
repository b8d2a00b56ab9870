"""The address that answers to one mail come to. Its token proves to whom we wrote, about what, and until when.

NAME+TOKEN@HOST. The token is 28 bytes in base 32, as mail systems may change the case of letters: the notification's
UUID, the day on which it ends, and a MAC over both and the person's address. A From can be written by anybody; a token
is known to who can read the mail that it came with.
"""

import base64
import binascii
import hashlib
import hmac
import re
import uuid
from dataclasses import dataclass

LIFETIME_DAYS = 30

_DAY = 24 * 3600.0
_MAC = 10  # bytes: 80 bits, of which each guess is a mail
_LENGTH = 16 + 2 + _MAC
_LETTERS = 45  # of _LENGTH bytes
_PURPOSE = b"pointsman reply 1"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a token proves. `is_over`: it did once."""

    identity: str  # of the notification
    is_over: bool = False


def identity(notification_id: str) -> str:
    """A notification's UUID; of an id that is none, which an agent may choose, one that is made from it."""
    try:
        return str(uuid.UUID(notification_id))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, notification_id))


class ReplyTokens:
    """Makes the addresses and reads them. Nothing of them is stored."""

    def __init__(self, key: bytes, address: str) -> None:
        self._key = key
        self._local, _, self._domain = address.rpartition("@")
        self._pattern = re.compile(
            rf"{re.escape(self._local)}\+([a-z2-7]{{{_LETTERS}}})@{re.escape(self._domain)}", re.IGNORECASE
        )

    def address(self, notification_id: str, person: str, now: float) -> str:
        """Where this person answers this notification; `now` in seconds since the epoch."""
        day = int(now // _DAY) + LIFETIME_DAYS
        body = uuid.UUID(identity(notification_id)).bytes + day.to_bytes(2, "big")
        token = base64.b32encode(body + self._mac(body, person)).decode().rstrip("=").lower()
        return f"{self._local}+{token}@{self._domain}"

    def read(self, address: str, person: str, now: float) -> Claim | None:
        """What the address proves of that person; None for nothing."""
        found = self._pattern.fullmatch(address.strip())
        if found is None:
            return None
        try:
            raw = base64.b32decode(f"{found[1].upper()}===")
        except binascii.Error:
            return None
        body, mac = raw[:-_MAC], raw[-_MAC:]
        if len(raw) != _LENGTH or not hmac.compare_digest(mac, self._mac(body, person)):
            return None
        over = int.from_bytes(body[16:], "big") < now // _DAY
        return Claim(str(uuid.UUID(bytes=body[:16])), over)

    def _mac(self, body: bytes, person: str) -> bytes:
        said = b"\0".join((_PURPOSE, body, person.lower().encode()))
        return hmac.new(self._key, said, hashlib.sha256).digest()[:_MAC]
