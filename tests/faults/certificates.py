"""Certificates for 127.0.0.1: bytes that are corrupted on the way are noticed by TLS, and by nothing below it."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

LIFE = datetime.timedelta(days=30)  # longer than any step of a clock
Pair = tuple[Path, Path]


def write(folder: Path) -> Pair:
    """A self-signed certificate, which may sign others, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "faults")])
    certificate = _certificate(name, key.public_key(), name, path_length=0).sign(key, hashes.SHA256())
    return _written(folder / "certificate.pem", certificate, folder / "key.pem", key)


def issue(folder: Path, word: str, authority: Pair) -> Pair:
    """A certificate that an authority signed, for a server or a client of that name, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.load_pem_x509_certificate(authority[0].read_bytes()).subject
    signs = load_pem_private_key(authority[1].read_bytes(), None)
    assert isinstance(signs, ec.EllipticCurvePrivateKey)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, word)])
    certificate = _certificate(name, key.public_key(), issuer, path_length=None).sign(signs, hashes.SHA256())
    return _written(folder / f"{word}.pem", certificate, folder / f"{word}-key.pem", key)


def _certificate(
    subject: x509.Name, key: ec.EllipticCurvePublicKey, issuer: x509.Name, path_length: int | None
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    constraints = x509.BasicConstraints(ca=path_length is not None, path_length=path_length)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - LIFE)
        .not_valid_after(now + LIFE)
        .add_extension(address, critical=False)
        .add_extension(constraints, critical=True)
    )


def _written(file: Path, certificate: x509.Certificate, key_file: Path, key: ec.EllipticCurvePrivateKey) -> Pair:
    file.write_bytes(certificate.public_bytes(Encoding.PEM))
    key_file.touch(mode=0o600)  # a key that others may read is refused
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file, key_file
