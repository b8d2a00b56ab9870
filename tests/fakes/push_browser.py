"""A browser that takes pushes: its keys, and what it reads of a push. Written from RFC 8291, beside the product's own.

Nothing of it is shared with webhook_adapter.transports.push: what one misunderstands, the other one shows.
"""

import hashlib
import hmac
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from agentlink.v1 import chat_link_pb2 as chat_pb
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_CURVE = ec.SECP256R1()


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def raw(words: str) -> bytes:
    return urlsafe_b64decode(words + "=" * (-len(words) % 4))


class Browser:
    """One subscription of one browser."""

    def __init__(
        self, endpoint: str = "https://push.example.net/send/1", key: bytes | None = None, auth: bytes | None = None
    ) -> None:
        scalar = int.from_bytes(key, "big") if key else 0
        self._key = ec.derive_private_key(scalar, _CURVE) if key else ec.generate_private_key(_CURVE)
        self.endpoint = endpoint
        self.auth = auth or os.urandom(16)
        self.p256dh = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def subscription(self, login_id: str, **changes: Any) -> chat_pb.SubscribeRequest:
        """As the router is asked to keep it."""
        said = {"endpoint": self.endpoint, "p256dh": self.p256dh, "auth": self.auth, "origin": "https://pm.example.net"}
        return chat_pb.SubscribeRequest(login_id=login_id, **(said | changes))

    def as_json(self) -> dict[str, Any]:
        """As PushSubscription.toJSON() has it."""
        return {"endpoint": self.endpoint, "keys": {"p256dh": text(self.p256dh), "auth": text(self.auth)}}

    def told(self, body: bytes) -> dict[str, Any]:
        """What its service worker is given."""
        return dict(json.loads(self.decrypted(body)))

    def decrypted(self, body: bytes) -> bytes:
        """RFC 8291 section 3.4, with RFC 8188 sections 2.1 to 2.3 for one record. Raises ValueError or InvalidTag."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, record = body[21 : 21 + length], body[21 + length :]
        if length != 65 or len(record) > size:
            raise ValueError("no single record with a key of P-256")
        secret = self._key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, sender))
        key_info = b"WebPush: info\x00" + self.p256dh + sender
        material = _expanded(_extracted(self.auth, secret), key_info, 32)
        pseudo = _extracted(salt, material)
        content_key = _expanded(pseudo, b"Content-Encoding: aes128gcm\x00", 16)
        nonce = _expanded(pseudo, b"Content-Encoding: nonce\x00", 12)
        cipher = Cipher(algorithms.AES(content_key), modes.GCM(nonce, record[-16:])).decryptor()
        padded = cipher.update(record[:-16]) + cipher.finalize()
        words, delimiter = padded.rstrip(b"\x00")[:-1], padded.rstrip(b"\x00")[-1:]
        if delimiter != b"\x02":
            raise ValueError("the last record does not end as one")
        return words


def _extracted(salt: bytes, material: bytes) -> bytes:
    return hmac.new(salt, material, hashlib.sha256).digest()


def _expanded(key: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869, for no more than one block."""
    return hmac.new(key, info + b"\x01", hashlib.sha256).digest()[:length]
