"""Who this machine is: its Ed25519 key, its name at the router, and the short-lived tokens that prove both."""

import json
import os
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from agent.domain.errors import NotEnrolled

AUDIENCE = "pointsman"
TOKEN_LIFE = 240.0  # seconds; the router allows 300, the rest is for clocks that differ a little
KEY, NEXT_KEY, FORMER_KEY = "machine.key", "machine.key.next", "machine.key.former"
WORKER_LIFE = 3600.0  # seconds; the longest that the router allows
NOT_ENROLLED = "This machine is not enrolled yet. Run `pointsman enroll ROUTER TOKEN`."


@dataclass(frozen=True, slots=True)
class Identity:
    """A machine, as the router knows it."""

    machine_id: str
    router_id: str
    router: str
    key: Ed25519PrivateKey
    router_fingerprint: str = (
        ""  # the fingerprint that the router has to prove; empty for machines enrolled before there was one
    )
    next_key: Ed25519PrivateKey | None = None  # that is to take the key's place; the router may know it already
    former_key: Ed25519PrivateKey | None = None  # whose place it took; a router that is put back may know that alone

    def token(self, now: float, key: Ed25519PrivateKey | None = None) -> str:
        """A JWT for one call, by another of our keys where it is given.

        `now` is the router's time as far as we know it, in seconds since the epoch.
        """
        # For the router that was proven alone: no other one can show it in our name.
        audience = self.router_id if self.router_fingerprint else AUDIENCE
        claims = {"sub": self.machine_id, "aud": audience, "iat": int(now), "exp": int(now + TOKEN_LIFE)}
        return jwt.encode(claims, key or self.key, algorithm="EdDSA")

    def worker_token(self, session_id: str, generation: int, now: float) -> str:
        """A JWT for the program of one session of this machine; `now` as of `token`."""
        claims = {
            "iss": self.machine_id,
            "sub": self.machine_id,
            "aud": self.router_id,
            "role": "worker",
            "session": session_id,
            "generation": generation,
            "iat": int(now),
            "exp": int(now) + int(WORKER_LIFE),
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode(claims, self.key, algorithm="EdDSA")


def load(folder: Path) -> Identity:
    """The identity in an agent's folder. Raises NotEnrolled when there is none, or it cannot be read."""
    try:
        facts = json.loads((folder / "machine.json").read_text())
        key = _key_in((folder / KEY).read_bytes())
        return Identity(
            str(facts["machine_id"]),
            str(facts["router_id"]),
            str(facts["router"]),
            key,
            str(facts.get("router_fingerprint", "")),
            _key_beside(folder / NEXT_KEY),
            _key_beside(folder / FORMER_KEY),
        )
    except FileNotFoundError:
        raise NotEnrolled(NOT_ENROLLED) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotEnrolled(f"The identity in {folder} cannot be read ({error}). {NOT_ENROLLED}") from error


def key_of(folder: Path) -> Ed25519PrivateKey:
    """The machine's key; made, and on disk, if there was none. A key that cannot be read raises NotEnrolled."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    path = folder / KEY
    try:
        return _key_in(path.read_bytes())
    except FileNotFoundError:
        return new_key_of(folder)  # before the token is used up: the same key may ask again for a lost answer
    except (OSError, ValueError) as error:
        raise NotEnrolled(f"{path} cannot be read ({error}). Move it away to enrol with a new key.") from error


def new_key_of(folder: Path, name: str = KEY) -> Ed25519PrivateKey:
    """Another key for the machine, on disk in place of the one of that name."""
    key = Ed25519PrivateKey.generate()
    _write_key(folder / name, key)
    return key


def with_next_key(folder: Path, known: Identity) -> Identity:
    """With a key that is to take the place of the one it has: on disk beside it. Raises OSError."""
    return replace(known, next_key=known.next_key or new_key_of(folder, NEXT_KEY))


def with_key_changed(known: Identity) -> Identity:
    """With the next key in the place of the one it had, which is kept as the former."""
    assert known.next_key is not None  # noqa: S101 -- of whom it was made
    return replace(known, key=known.next_key, next_key=None, former_key=known.key)


def change_files(folder: Path, changed: Identity) -> None:
    """Let the files follow `with_key_changed`. Raises OSError: then the next key still lies there, and is used."""
    assert changed.former_key is not None  # noqa: S101
    _write_key(folder / FORMER_KEY, changed.former_key)  # first: else a crash here would leave no copy of it
    (folder / NEXT_KEY).replace(folder / KEY)
    _sync(folder)


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The raw 32 bytes that the router keeps."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def save(folder: Path, machine_id: str, router_id: str, router: str, router_fingerprint: str) -> None:
    """Write machine.json; after this returned, a power cut cannot undo it."""
    facts = {
        "machine_id": machine_id,
        "router_id": router_id,
        "router": router,
        "router_fingerprint": router_fingerprint,
    }
    write_durably(folder / "machine.json", (json.dumps(facts, indent=2) + "\n").encode())


def pin(folder: Path, router_fingerprint: str) -> None:
    """Let a machine that was enrolled before routers had keys know its router's. Raises NotEnrolled.

    The fingerprint must come from where nobody else can write: the router's own folder.
    """
    known = load(folder)
    if not known.router_fingerprint:
        save(folder, known.machine_id, known.router_id, known.router, router_fingerprint)


def write_durably(path: Path, content: bytes) -> None:
    """Put a file in place whole, mode 0600, with fsync of the file and of its folder."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)  # of a process that died while it wrote
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # before it is in its place: else a power cut may leave an empty file there
    draft.replace(path)  # whole or not at all
    _sync(path.parent)  # and the name itself


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_key(path: Path, key: Ed25519PrivateKey) -> None:
    write_durably(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _key_beside(path: Path) -> Ed25519PrivateKey | None:
    """A key that there need not be."""
    try:
        return _key_in(path.read_bytes())
    except FileNotFoundError:
        return None


def _key_in(pem: bytes) -> Ed25519PrivateKey:
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 key")  # noqa: TRY004 -- the file's content is wrong, not a type
    return key
