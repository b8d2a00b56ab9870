"""The router's key on disk: made at the first start, beside the database and never in it.

So a copy of the database, or a backup, does not let its thief pretend to be the router.
"""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from router.config import SettingsError
from router.domain.router_key import RouterKey
from router.secret_file import write_durably

NAME = "router.key"
FINGERPRINT_NAME = "router.fingerprint"  # for programs of this account, which pin it


def load(folder: Path, router_id: str) -> RouterKey:
    """The router's identity; its key is made, and on disk, if there was none. Raises SettingsError.

    Whoever calls holds the folder's lock.
    """
    path = folder / NAME
    try:
        pem = path.read_bytes()
    except FileNotFoundError:
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_durably(path, pem)  # before anybody pins it
    except OSError as error:
        raise SettingsError(f"cannot read the router's key {path}: {error.strerror}") from None
    key = RouterKey(router_id, _key_in(pem, path))
    write_durably(folder / FINGERPRINT_NAME, f"{key.fingerprint}\n".encode())
    return key


def _key_in(pem: bytes, path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        # Not made anew: every machine would take the router for another one.
        raise SettingsError(f"{path} is no Ed25519 key: restore it, or move it away and enrol every machine anew")
    return key
