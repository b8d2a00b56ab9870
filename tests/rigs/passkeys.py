"""An authenticator in software, with the browser before it: what it says can be changed in every part."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PRESENT, VERIFIED, MAY_BE_BACKED_UP, BACKED_UP, HAS_KEY, HAS_EXTENSIONS = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
ORIGIN = "https://console.example.org"
Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def raw(words: str) -> bytes:
    return urlsafe_b64decode(words + "=" * (-len(words) % 4))


class Authenticator:
    """One passkey."""

    def __init__(self, key: Key | None = None, credential_id: bytes = b"a passkey of these") -> None:
        self.key: Key = key or ec.generate_private_key(ec.SECP256R1())
        self.credential_id = credential_id
        self.count = 0

    def create(self, options: str, **said: Any) -> str:
        """What a browser hands over once it was made."""
        read = json.loads(options)
        head = self._head(read["rp"]["id"], **({"flags": PRESENT | VERIFIED | HAS_KEY} | said))
        length = len(self.credential_id).to_bytes(2)
        data = head + bytes(16) + length + self.credential_id + b"a COSE key that nobody reads"
        public_key = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        page = self._page("webauthn.create", read["challenge"], **said)
        return self._handed(
            said, clientDataJSON=page, authenticatorData=data, publicKey=said.get("public_key", public_key)
        )

    def get(self, options: str, **said: Any) -> str:
        """What a browser hands over once it has signed."""
        read = json.loads(options)
        self.count += 1
        data = self._head(read["rpId"], **said) + said.get("extensions", b"")
        page = self._page("webauthn.get", read["challenge"], **said)
        signature = self._sign(data + sha256(page).digest())
        handle = {"userHandle": said["user_handle"]} if "user_handle" in said else {}
        return self._handed(
            said, clientDataJSON=page, authenticatorData=data, signature=said.get("signature", signature), **handle
        )

    def _head(self, its: str, /, **said: Any) -> bytes:
        flags, count = said.get("flags", PRESENT | VERIFIED), said.get("count", self.count)
        return sha256(said.get("rp_id", its).encode()).digest() + bytes([flags]) + count.to_bytes(4)

    def _page(self, its: str, given: str, /, **said: Any) -> bytes:
        told = {
            "type": said.get("kind", its), "challenge": said.get("challenge", given),
            "origin": said.get("origin", ORIGIN), "crossOrigin": said.get("cross_origin", False),
        }  # fmt: skip
        top = {"topOrigin": said["top_origin"]} if "top_origin" in said else {}
        return json.dumps(told | top).encode(said.get("encoding", "utf-8"))

    def _handed(self, said: dict[str, Any], **response: bytes) -> str:
        name = text(said.get("credential_id", self.credential_id))
        parts = {field: text(value) for field, value in response.items() if field != said.get("without")}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": parts})

    def _sign(self, data: bytes) -> bytes:
        match self.key:
            case ec.EllipticCurvePrivateKey() as key:
                return key.sign(data, ec.ECDSA(SHA256()))
            case ed25519.Ed25519PrivateKey() as key:
                return key.sign(data)
            case rsa.RSAPrivateKey() as key:
                return key.sign(data, padding.PKCS1v15(), SHA256())
