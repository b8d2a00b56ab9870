"""Who pushes, told to the vendor of a browser with each push: VAPID, RFC 8292."""

from base64 import urlsafe_b64encode
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from webhook_adapter.transports.push.encryption import CURVE, point_of

LIFETIME = 12 * 3600.0  # seconds; RFC 8292 allows 24 hours, and clocks differ


class Vapid:
    """Signs for one key."""

    def __init__(self, private_key: bytes) -> None:
        self._key = ec.derive_private_key(int.from_bytes(private_key, "big"), CURVE)
        self.public_key = text_of(point_of(self._key))  # as a page gives it to its browser

    def header(self, endpoint: str, origin: str, now: float) -> str:
        """What stands in Authorization; `origin` is the page's, by which the vendor may reach who runs it."""
        url = urlsplit(endpoint)
        claims = {"aud": f"{url.scheme}://{url.netloc}", "exp": int(now + LIFETIME), "sub": _contact(origin)}
        return f"vapid t={jwt.encode(claims, self._key, algorithm='ES256')}, k={self.public_key}"


def text_of(data: bytes) -> str:
    """Bytes as they stand in headers and JSON."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _contact(origin: str) -> str:
    # An address with https or one of mail: of a page on this machine there is neither, and no vendor writes to it.
    return origin if origin.startswith("https://") else "mailto:nobody@pointsman.invalid"
