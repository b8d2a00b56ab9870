"""The router's TLS files: read at its start, and again at the first handshake after one of them changed.

So renewed files, of `pointsman tls renew` or of an ACME client, serve without a restart; links that are open stay.
"""

import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from router.config import SettingsError, Tls
from router.private_keys import trouble_with_key

logger = logging.getLogger(__name__)
Stamp = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """What the files hold, as PEM: known to fit together."""

    key: bytes = field(repr=False)
    chain: bytes
    client_ca: bytes | None


class Certificates:
    """The files that the settings name. gRPC asks for them at each handshake, in threads of its own."""

    def __init__(self, tls: Tls) -> None:
        """Raises SettingsError where the files cannot be used."""
        self._tls = tls
        self._lock = threading.Lock()
        self._seen = _stamp(tls)
        self.first = read(tls)

    def changed(self) -> Identity | None:
        """What the files hold by now; None where they are as before, or of no use: then the old ones go on."""
        with self._lock:
            if (stamp := _stamp(self._tls)) == self._seen:
                return None
            self._seen = stamp  # before they are read: whatever changes meanwhile is read at the next handshake
            try:
                identity = read(self._tls)
            except SettingsError as error:
                # Once for each state of the files: between its two renames every renewal looks like this.
                logger.warning("the certificate of before goes on, as the new files cannot be used: %s", error)
                return None
        logger.info("the certificate was read anew")
        return identity


def read(tls: Tls) -> Identity:
    """The files, looked through. Raises SettingsError: gRPC would only say that a handshake failed."""
    chain = _content("POINTSMAN_TLS_CERT", tls.certificate)
    key = _content("POINTSMAN_TLS_KEY", tls.key)
    if trouble := trouble_with_key(tls.key):
        raise SettingsError(f"POINTSMAN_TLS_KEY: {trouble}")
    leaf = _certificate("POINTSMAN_TLS_CERT", tls.certificate, chain)
    if _public_key(tls.key, key) != leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo):
        raise SettingsError(f"{tls.key} is not the key of the certificate in {tls.certificate}: they come as a pair")
    if tls.client_ca is None:
        return Identity(key, chain, None)
    ca = _content("POINTSMAN_TLS_CLIENT_CA", tls.client_ca)
    _certificate("POINTSMAN_TLS_CLIENT_CA", tls.client_ca, ca)
    return Identity(key, chain, ca)


def _stamp(tls: Tls) -> Stamp:
    """Changes whenever a file does, or another one is in its place, or its owner or mode were set."""
    looks = []
    for path in (tls.certificate, tls.key, tls.client_ca):
        try:
            look = path.stat() if path else None
        except OSError:
            look = None
        looks.append((look.st_dev, look.st_ino, look.st_ctime_ns, look.st_size) if look else ())
    return tuple(looks)


def _content(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{name}: cannot read {path}: {error.strerror}") from None


def _certificate(name: str, path: Path, pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(pem)[0]
    except ValueError:
        raise SettingsError(f"{name}: {path} holds no certificate in PEM form") from None


def _public_key(path: Path, pem: bytes) -> bytes:
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        cure = f"openssl pkey -in {path} -out PLAIN-FILE"
        raise SettingsError(f"POINTSMAN_TLS_KEY: {path} is locked with a password: {cure}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise SettingsError(f"POINTSMAN_TLS_KEY: {path} holds no private key in PEM form") from None
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
