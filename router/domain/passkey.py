"""Passkeys (WebAuthn), as the router judges them: what a browser says of a page, and what an authenticator signed.

Nothing is attested where one is added: its key counts because of the code of the machine that came with it. Of what is
signed everything has a fixed place (https://www.w3.org/TR/webauthn-3/#sctn-authenticator-data); no CBOR is read, so
extensions are not looked at. The order is that of sections 7.1 and 7.2 there.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from msgspec import Struct

from router.domain.errors import Reason, Refusal

CHALLENGE_BYTES = 32
CHALLENGE_LIFETIME = 120.0  # seconds
MAX_CREDENTIAL = 16 * 1024  # characters of what a browser hands over
MAX_PER_PERSON = 10
_PRESENT, _VERIFIED, _MAY_BE_BACKED_UP, _BACKED_UP, _HAS_KEY = 0x01, 0x04, 0x08, 0x10, 0x40  # flags
_HEAD, _BEFORE_ID = 37, 55  # bytes: hash, flags and counter; with them the model, and the length of the id
_LONGEST_ID = 1023  # bytes
_LEAST_RSA = 2048  # bits
_ALGORITHMS = (-7, -8, -257)  # ES256, EdDSA, RS256
_TIMEOUT = 60_000  # milliseconds that a browser waits for the person


class NotProven(Exception):
    """It is not what was asked for; the text is for people."""


class Passkey(Struct, frozen=True):
    """One that a person has, for the page of its origin. The key is a SubjectPublicKeyInfo, the id base64url."""

    credential_id: str
    person_id: str
    public_key: bytes
    origin: str
    sign_count: int
    created_at: float


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a person has to sign, once: about a question, or nothing where a passkey is added."""

    value: bytes
    about: str
    origin: str
    expires_at: float


def checked_origin(origin: str) -> str:
    """As browsers write it. Raises Refusal where a page there can have no passkey."""
    try:
        parts = urlsplit(origin)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    local = host == "localhost" or host.endswith(".localhost")
    if not host or _is_address(host) or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
        text = f"No page at {origin[:128]} can have a passkey: it takes https and a name, or http://localhost."
        raise Refusal(Reason.INVALID_ARGUMENT, text)
    usual = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, usual) else "")


def creation_options(challenge: Challenge, user: tuple[str, str], known: Sequence[str]) -> str:
    """JSON for a browser: make a passkey for a person (id and name) who has these already."""
    person_id, name = user
    return json.dumps({
        "rp": {"id": _host(challenge.origin), "name": "Pointsman"},
        "user": {"id": _text(person_id.encode()), "name": name, "displayName": name},
        "challenge": _text(challenge.value),
        "pubKeyCredParams": [{"type": "public-key", "alg": number} for number in _ALGORITHMS],
        "timeout": _TIMEOUT,
        "excludeCredentials": _named(known),
        "authenticatorSelection": {"residentKey": "preferred", "userVerification": "required"},
        "attestation": "none",
    })  # fmt: skip


def request_options(challenge: Challenge, known: Sequence[str]) -> str:
    """JSON for a browser: let one of these sign."""
    return json.dumps({
        "challenge": _text(challenge.value), "timeout": _TIMEOUT, "rpId": _host(challenge.origin),
        "allowCredentials": _named(known), "userVerification": "required",
    })  # fmt: skip


def added(credential: str, challenge: Challenge, person_id: str, now: float) -> Passkey:
    """The passkey that a browser made. Raises NotProven."""
    said = _Said(credential)
    said.check_page("webauthn.create", challenge)
    data = said.bytes("authenticatorData")
    count = _checked(data, challenge.origin)
    length = int.from_bytes(data[_BEFORE_ID - 2 : _BEFORE_ID])
    credential_id = data[_BEFORE_ID : _BEFORE_ID + length]
    is_named = 0 < len(credential_id) <= _LONGEST_ID and _text(credential_id) == said.credential_id
    if not data[32] & _HAS_KEY or not is_named:
        raise NotProven("It names another passkey than the one that was made.")
    key = said.bytes("publicKey")
    _verifier(key)
    return Passkey(said.credential_id, person_id, key, challenge.origin, count, now)


def named(credential: str) -> str:
    """The id of the passkey that a browser says it used. Raises NotProven."""
    return _Said(credential).credential_id


def signed(credential: str, passkey: Passkey, challenge: Challenge) -> int:
    """How often the passkey has signed, where it has signed the challenge. Raises NotProven."""
    said = _Said(credential)
    if passkey.origin != challenge.origin or not said.may_be_of(passkey.person_id):
        raise NotProven("It is another passkey than one of those that were asked for.")
    said.check_page("webauthn.get", challenge)
    data = said.bytes("authenticatorData")
    count = _checked(data, passkey.origin)
    whole = data + hashlib.sha256(said.bytes("clientDataJSON")).digest()
    try:
        _verify(passkey.public_key, said.bytes("signature"), whole)
    except InvalidSignature:
        raise NotProven("The signature is not that of this passkey.") from None
    # Both 0: it does not count. Else a second one has the same key.
    if (count or passkey.sign_count) and count <= passkey.sign_count:
        raise NotProven("This passkey has counted back: somebody has a copy of it. Take it away, and add another.")
    return count


class _Said:
    """What a browser handed over, as its `toJSON` makes it. Every method raises NotProven for what is none."""

    def __init__(self, credential: str) -> None:
        read = _json(credential)
        self.credential_id = self._word(read.get("id"))
        response = read.get("response")
        self._response = response if isinstance(response, dict) else {}

    def bytes(self, name: str) -> bytes:
        return _bytes(self._word(self._response.get(name)))

    def may_be_of(self, person_id: str) -> bool:
        """Whether an authenticator that knows whose it is says so; those that keep no list do not know."""
        return self._response.get("userHandle") is None or self.bytes("userHandle") == person_id.encode()

    def check_page(self, kind: str, challenge: Challenge) -> None:
        """What the browser says of the page that asked; the authenticator signs its hash."""
        page = _json(_utf8(self.bytes("clientDataJSON")))
        if page.get("type") != kind:
            raise NotProven("It was made for something else.")
        if not hmac.compare_digest(_bytes(self._word(page.get("challenge"))), challenge.value):
            raise NotProven("It answers another question.")
        is_framed = page.get("crossOrigin", False) is not False or "topOrigin" in page
        if page.get("origin") != challenge.origin or is_framed:
            raise NotProven(f"It is of another page than {challenge.origin}.")

    def _word(self, value: object) -> str:
        if not isinstance(value, str):
            raise NotProven("The browser left something out.")
        return value


def _checked(data: bytes, origin: str) -> int:
    """The counter in authenticator data that is for this origin and says that its person was there."""
    if len(data) < _HEAD or not hmac.compare_digest(data[:32], hashlib.sha256(_host(origin).encode()).digest()):
        raise NotProven("The passkey is of another site.")
    if not data[32] & _PRESENT or not data[32] & _VERIFIED:
        raise NotProven("The passkey has not looked who used it. Set a PIN or a fingerprint for it.")
    if data[32] & _BACKED_UP and not data[32] & _MAY_BE_BACKED_UP:
        raise NotProven("The passkey contradicts itself: it is backed up, and cannot be.")
    return int.from_bytes(data[33:_HEAD])


def _verify(public_key: bytes, signature: bytes, data: bytes) -> None:
    match _verifier(public_key):
        case ec.EllipticCurvePublicKey() as key:
            key.verify(signature, data, ec.ECDSA(SHA256()))
        case ed25519.Ed25519PublicKey() as key:
            key.verify(signature, data)
        case rsa.RSAPublicKey() as key:
            key.verify(signature, data, padding.PKCS1v15(), SHA256())


def _verifier(public_key: bytes) -> ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey:
    """A key of one of the kinds that were asked for. Raises NotProven."""
    try:
        key = load_der_public_key(public_key)
    except (ValueError, UnsupportedAlgorithm):
        raise NotProven("Its key cannot be read.") from None
    match key:
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()) | ed25519.Ed25519PublicKey():
            return key
        case rsa.RSAPublicKey() if key.key_size >= _LEAST_RSA:
            return key
    raise NotProven("Its key is of a kind that was not asked for.")


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotProven("The browser's answer cannot be read.") from None


def _json(text: str) -> dict[str, object]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise NotProven("The browser's answer cannot be read.")
    return read


def _named(credential_ids: Sequence[str]) -> list[dict[str, str]]:
    return [{"type": "public-key", "id": each} for each in credential_ids]


def _host(origin: str) -> str:
    return urlsplit(origin).hostname or ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
    except (NotBase64, ValueError):
        raise NotProven("The browser's answer cannot be read.") from None
