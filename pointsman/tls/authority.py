"""The folder `tls` in the data directory: a private CA, this machine's certificate, and those of others."""

import os
import re
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pointsman.errors import ExitCode, Failure
from pointsman.secret_files import write_draft
from pointsman.tls.certificates import Facts, Signer, is_host, issue, names_of, new_authority, read

_CLIENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}\Z")  # it becomes the name of a file
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Pair:
    """The files of a certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """A private CA and what it has signed, in files for their owner alone."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "tls"
        self.ca = self.folder / "ca.pem"
        self.ca_key = self.folder / "authority" / "ca.key"  # apart, since nothing that runs needs it
        self.router = _pair(self.folder, "router")

    def begin(self, names: Sequence[str], days: int, now: datetime) -> Facts:
        """Make the CA and this machine's certificate, whole or not at all. Raises Failure where there is one."""
        if self.folder.exists() and any(self.folder.iterdir()):
            cure = "`pointsman tls renew` renews its certificates. To begin anew, move that folder away first."
            raise Failure(f"{self.folder} is there already", cure)
        ca = new_authority(f"Pointsman on {socket.gethostname()}", now)
        with _draft(self.folder) as draft:
            _write(draft / "ca.pem", ca.pem)
            (draft / "authority").mkdir(mode=0o700)
            _write(draft / "authority" / "ca.key", ca.key_pem)
            _keep(_pair(draft, "router"), issue(ca, names[0], names, now, days))
        return read(self.router.certificate)

    def client(self, name: str) -> Pair:
        """The files of a client's certificate. Raises Failure where no file can have that name."""
        if not _CLIENT.match(name):
            raise Failure(f"{name!r} is no name for a client", "Letters, digits and ._- will do.", ExitCode.USAGE)
        return _pair(self.folder / "clients", name)

    def add_client(self, name: str, days: int, now: datetime) -> Facts:
        """Make a client's certificate. Raises Failure where there is one of that name."""
        pair, ca = self.client(name), self._signer(now)
        if pair.certificate.exists() or pair.key.exists():
            cure = f"`pointsman tls renew {name}` replaces it."
            raise Failure(f"{name} has a certificate already: {pair.certificate}", cure)
        pair.key.parent.mkdir(mode=0o700, exist_ok=True)
        _keep(pair, issue(ca, name, (), now, days))
        return read(pair.certificate)

    def renew(self, pair: Pair, names: Sequence[str], days: int, now: datetime) -> Facts:
        """Replace a certificate and its key; it is for the same names and for these. Raises Failure."""
        ca = self._signer(now)
        try:
            old = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
        except (OSError, ValueError) as error:
            cure = "`pointsman tls show` lists what there is, `pointsman tls client NAME` makes one for a client."
            raise Failure(f"cannot read {pair.certificate}: {error}", cure, ExitCode.NOT_FOUND) from None
        kept = names_of(old)
        wanted = tuple(dict.fromkeys((*kept, *names))) if kept else ()
        _keep(pair, issue(ca, read(pair.certificate).name, wanted, now, days))
        return read(pair.certificate)

    def held(self) -> list[Facts]:
        """All that is here and can be read."""
        paths = [self.ca, self.router.certificate, *sorted((self.folder / "clients").glob("*.pem"))]
        return [read(path) for path in paths if path.is_file()]

    def _signer(self, now: datetime) -> Signer:
        if not self.ca.exists():
            raise Failure(f"there is no CA in {self.folder}", "`pointsman tls init` makes one.", ExitCode.NOT_FOUND)
        try:
            ca = x509.load_pem_x509_certificate(self.ca.read_bytes())
            key = load_pem_private_key(self.ca_key.read_bytes(), None)
        except (OSError, ValueError, TypeError) as error:
            raise Failure(f"cannot use the CA's key {self.ca_key}: {error}", "Put it back for this call.") from None
        if not isinstance(key, EllipticCurvePrivateKey) or key.public_key() != ca.public_key():
            raise Failure(f"{self.ca_key} is not the key of {self.ca}", "Put the right one back.")
        if ca.not_valid_after_utc <= now:
            cure = f"Move {self.folder} away, `pointsman tls init`, and give the new ca.pem to every machine."
            raise Failure(f"the CA was good until {ca.not_valid_after_utc:%Y-%m-%d}", cure)
        return Signer(ca, key)


def names_here(given: Sequence[str]) -> tuple[str, ...]:
    """What a certificate of this machine is for: those names, the host's name, its addresses. Raises Failure."""
    import psutil

    for name in given:
        if not is_host(name):
            cure = "Names such as router.example.org (others than ASCII as xn--…), addresses such as 192.0.2.1."
            raise Failure(f"{name!r} is no name or address of a machine", cure, ExitCode.USAGE)
    cards = psutil.net_if_addrs().values()
    addresses = [one.address for card in cards for one in card if one.family in (socket.AF_INET, socket.AF_INET6)]
    local = [address for address in addresses if "%" not in address]  # not those that mean something on one card alone
    host = [name for name in (socket.gethostname(),) if is_host(name)]
    return tuple(dict.fromkeys((*given, *host, *_LOCAL, *local)))


def _pair(folder: Path, name: str) -> Pair:
    return Pair(folder / f"{name}.pem", folder / f"{name}.key")


def _keep(pair: Pair, made: Signer) -> None:
    # The key first: who reads between the two finds that they are no pair, and goes on with what it had.
    _write(pair.key, made.key_pem)
    _write(pair.certificate, made.pem)


def _write(path: Path, content: bytes) -> None:
    try:
        write_draft(path, content).replace(path)
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}") from None


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """A folder that takes its place at the end of the block, where none is by then; it is gone where that fails."""
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(mode=0o700)
        yield draft
        draft.rename(folder)  # fails where there is one with something in it
    except OSError as error:
        raise Failure(f"cannot make {folder}: {error.strerror}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
