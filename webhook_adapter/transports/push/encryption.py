"""What is pushed, encrypted to the one browser that it is for: RFC 8291, in the coding aes128gcm of RFC 8188.

Ours, of what `cryptography` has: the libraries for it bring an HTTP client of their own along, and this is one screen.
"""

import os
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = ec.SECP256R1()
MAX_BODY = 4096  # bytes that every push service takes, RFC 8030 section 7.2
_RECORD = 4096  # bytes; all is one record
_SALT, _POINT, _TAG = 16, 65, 16
MAX_WORDS = MAX_BODY - (_SALT + 4 + 1 + _POINT) - 1 - _TAG  # bytes in the clear
_LAST = b"\x02"  # what ends the last record


def encrypt(
    words: bytes, p256dh: bytes, auth: bytes, key: ec.EllipticCurvePrivateKey | None = None, salt: bytes | None = None
) -> bytes:
    """The body of a push; key and salt are new for each.

    Raises ValueError for a browser's key that is none, or too many words.
    """
    if len(words) > MAX_WORDS:
        raise ValueError(f"{len(words)} bytes do not fit into a push, which has room for {MAX_WORDS}")
    key, salt = key or ec.generate_private_key(CURVE), salt or os.urandom(_SALT)
    ours = point_of(key)
    shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, p256dh))
    secret = _derived(shared, auth, b"WebPush: info\x00" + p256dh + ours, 32)
    content_key = _derived(secret, salt, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\x00", 12)
    head = salt + _RECORD.to_bytes(4, "big") + bytes([len(ours)]) + ours
    return head + AESGCM(content_key).encrypt(nonce, words + _LAST, None)


def point_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public half as browsers have it."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def digest(words: str) -> bytes:
    """What stands for words where they must not be told."""
    return sha256(words.encode()).digest()


def _derived(material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(material)
