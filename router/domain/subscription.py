"""Where a browser takes pushes, and what may be said of it. Rules only, no state.

A subscription is a chat of its own (transport "push"). What is told elsewhere with a sound comes there as well.
"""

import json
from base64 import b64decode, b64encode
from urllib.parse import urlsplit

from msgspec import Struct

from router.domain import quiet
from router.domain.command import ChatRef
from router.domain.errors import Reason, Refusal

PUSH = "push"  # the transport
MOST = 10  # of one person; the oldest goes for a new one
LOOKED = 30.0  # seconds for which somebody who looks is taken to look on
_LONGEST = 1024  # characters of an endpoint; those of the vendors have some 200 to 500
_POINT, _SECRET = 65, 16  # bytes, RFC 8291 section 2
_UNCOMPRESSED = 4


class Address(Struct, frozen=True):
    """What a push needs: its vendor's address, two keys of the browser, and the page that it subscribed at."""

    endpoint: str
    p256dh: bytes
    auth: bytes
    origin: str


class Subscription(Struct, frozen=True):
    """A browser that takes pushes. Its address lies sealed: whoever has it could write to the browser."""

    chat_id: str
    login_hash: str
    person_id: str  # empty for whoever has the key
    endpoint_hash: str
    sealed: str
    created_at: float
    expires_at: float  # when its browser's time is over
    quiet_hours: str = ""  # "22:00-07:00"; empty for never

    @property
    def chat(self) -> ChatRef:
        """It as a chat."""
        return ChatRef(PUSH, self.chat_id)


class Look(Struct, frozen=True):
    """Somebody sees a session's conversation in a browser, for all that is known `until` then (a monotonic clock)."""

    session_id: str
    person_id: str
    until: float


def checked(address: Address, quiet_hours: str) -> Address:
    """Raises Refusal naming what is wrong. Whether the endpoint may be called, decides who calls it."""
    _require(0 < len(address.endpoint) <= _LONGEST, f"endpoint must have 1 to {_LONGEST} characters")
    _require(_is_web(address.endpoint), "endpoint must be an address with https")
    _require(len(address.p256dh) == _POINT and address.p256dh[0] == _UNCOMPRESSED, f"p256dh must be {_POINT} bytes")
    _require(len(address.auth) == _SECRET, f"auth must have {_SECRET} bytes")
    _require(len(address.origin) <= _LONGEST and _is_web(address.origin), "origin must be that of a page")
    _require(not quiet_hours or quiet.read(quiet_hours) is not None, "quiet_hours must be as 22:00-07:00")
    return address


def as_text(address: Address) -> bytes:
    """An address as it is sealed."""
    keys = (b64encode(address.p256dh).decode(), b64encode(address.auth).decode())
    return json.dumps([address.endpoint, *keys, address.origin]).encode()


def of_text(text: bytes) -> Address:
    """The address again."""
    endpoint, p256dh, auth, origin = json.loads(text)
    return Address(endpoint, b64decode(p256dh), b64decode(auth), origin)


def _is_web(address: str) -> bool:
    try:
        url = urlsplit(address)
        return url.scheme in ("https", "http") and bool(url.hostname) and url.port != 0 and not url.username
    except ValueError:
        return False


def _require(holds: bool, words: str) -> None:  # noqa: FBT001 - it reads as a sentence
    if not holds:
        raise Refusal(Reason.INVALID_ARGUMENT, words)
