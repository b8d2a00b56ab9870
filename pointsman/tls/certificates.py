"""X.509 as `pointsman tls` makes and reads it. No file is written here, and the time is given."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = timedelta(days=3650)
_CLOCKS_DIFFER = timedelta(hours=1)  # so far behind may the clock of whoever looks at it be
_LONGEST_WORD = 64  # characters of a common name
_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_HOST = re.compile(rf"(?=.{{1,253}}\Z)(\*\.)?{_LABEL}(\.{_LABEL})*\Z")


@dataclass(frozen=True, slots=True)
class Signer:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True, slots=True)
class Facts:
    """What a certificate says: whose it is, for which names and addresses, and until when."""

    kind: str
    name: str
    names: tuple[str, ...]
    until: datetime
    path: str


def is_host(name: str) -> bool:
    """Whether a name or address can stand in a certificate."""
    try:
        return bool(ip_address(name))
    except ValueError:
        return _HOST.match(name) is not None


def new_authority(word: str, now: datetime) -> Signer:
    """A CA that may sign certificates of machines, and no other CA."""
    key, name = generate_private_key(SECP256R1()), _name(word)
    usage = _usage(signs=True)
    builder = _builder(name, name, key, now, now + AUTHORITY_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return Signer(builder.add_extension(usage, critical=True).sign(key, hashes.SHA256()), key)


def issue(authority: Signer, word: str, names: Sequence[str], now: datetime, days: int) -> Signer:
    """A certificate with a key of its own; with names for who is reached under them, without for a client."""
    key, until = generate_private_key(SECP256R1()), now + timedelta(days=days)
    until = min(until, authority.certificate.not_valid_after_utc)  # nobody believes it for longer
    # Commands on the router's machine that go by its port show its certificate, too: one setting is for both.
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if names else [])]
    signer = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _builder(_name(word), authority.certificate.subject, key, now, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signer), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(_general(names)), critical=False)
    return Signer(builder.sign(authority.key, hashes.SHA256()), key)


def read(path: Path) -> Facts:
    """What the first certificate of a file says, and of a list of CAs the one that is good for longest.

    Raises OSError or ValueError.
    """
    found = x509.load_pem_x509_certificates(path.read_bytes())
    ours = max(found, key=lambda one: one.not_valid_after_utc) if all(map(_is_authority, found)) else found[0]
    word = ", ".join(str(each.value) for each in ours.subject.get_attributes_for_oid(NameOID.COMMON_NAME))
    names = names_of(ours)
    kind = "CA" if _is_authority(ours) else "server" if names else "client"
    return Facts(kind, word, names, ours.not_valid_after_utc, str(path))


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names and addresses that it is good for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return (
        *found.get_values_for_type(x509.DNSName),
        *(str(address) for address in found.get_values_for_type(x509.IPAddress)),
    )


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _builder(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, now: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(word: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, word[:_LONGEST_WORD])])


def _general(names: Iterable[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
