"""TLS at the router: 1.2 and 1.3 with modern ciphers alone, and where it asks for certificates, nobody without one."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.config import Tls
from tests.faults import certificates
from tests.faults.certificates import Pair
from tests.integration.router.harness import RouterUnderTest, config, serving

Version = ssl.TLSVersion
CLOSED = (ssl.SSLError, ConnectionError)
OLD_CIPHERS = ("AES128-SHA", "AES256-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Pair:
    return certificates.write(folder)


@pytest.fixture(scope="module")
def router(folder: Path, authority: Pair) -> Iterator[RouterUnderTest]:
    certificate, key = certificates.issue(folder, "router", authority)
    with serving(config(folder, tls=Tls(certificate, key, None))) as router:
        yield router


@pytest.fixture(scope="module")
def strict(folder: Path, authority: Pair) -> Iterator[RouterUnderTest]:
    """A router that asks for certificates."""
    certificate, key = certificates.issue(folder, "strict", authority)
    place = folder / "strict"
    place.mkdir()
    with serving(config(place, tls=Tls(certificate, key, authority[0]))) as router:
        yield router


def shaken(router: RouterUnderTest, context: ssl.SSLContext) -> tuple[str, str]:
    """Version and cipher of a handshake, after which the other side still speaks. Raises OSError."""
    host, _, port = router.address.rpartition(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as wrapped,
    ):
        # TLS 1.3 tells of a missing certificate behind the handshake: only what can be read is sure.
        wrapped.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        if not wrapped.recv(1):
            raise ConnectionResetError("closed without a word")
        return str(wrapped.version()), wrapped.cipher()[0]  # type: ignore[index]


def client(authority: Pair, lowest: Version, highest: Version, ciphers: str = "") -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority[0]))
    context.check_hostname = False
    context.set_alpn_protocols(["h2"])
    context.set_ciphers(ciphers or "ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = lowest, highest
    return context


@pytest.mark.parametrize(("version", "name"), [(Version.TLSv1_2, "TLSv1.2"), (Version.TLSv1_3, "TLSv1.3")])
def test_these_versions_are_spoken_with_authenticated_ciphers(
    router: RouterUnderTest, authority: Pair, version: Version, name: str
) -> None:
    spoken, cipher = shaken(router, client(authority, version, version))

    assert spoken == name
    assert "GCM" in cipher or "CHACHA20" in cipher


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [Version.TLSv1, Version.TLSv1_1])
def test_older_versions_are_not(router: RouterUnderTest, authority: Pair, version: Version) -> None:
    with pytest.raises(CLOSED):
        shaken(router, client(authority, version, version))


@pytest.mark.parametrize("cipher", OLD_CIPHERS)
def test_nor_are_older_ciphers(router: RouterUnderTest, authority: Pair, cipher: str) -> None:
    with pytest.raises(CLOSED):
        shaken(router, client(authority, Version.TLSv1_2, Version.TLSv1_2, f"{cipher}:@SECLEVEL=0"))


def test_plain_text_is_heard_by_nobody(router: RouterUnderTest) -> None:
    host, _, port = router.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as plain:
        plain.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
        said = plain.recv(64)

    assert not said.startswith(b"\x00\x00")  # no frame of HTTP/2


def test_who_has_no_certificate_is_not_heard_where_one_is_asked_for(strict: RouterUnderTest, authority: Pair) -> None:
    with pytest.raises(CLOSED):
        shaken(strict, client(authority, Version.TLSv1_2, Version.TLSv1_3))


def test_nor_is_who_has_one_of_another_authority(strict: RouterUnderTest, authority: Pair, folder: Path) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    certificate, key = certificates.issue(elsewhere, "stranger", certificates.write(elsewhere))
    context = client(authority, Version.TLSv1_2, Version.TLSv1_3)
    context.load_cert_chain(certificate, key)

    with pytest.raises(CLOSED):
        shaken(strict, context)


def test_who_has_one_is(strict: RouterUnderTest, authority: Pair, folder: Path) -> None:
    certificate, key = certificates.issue(folder, "laptop", authority)
    context = client(authority, Version.TLSv1_2, Version.TLSv1_3)
    context.load_cert_chain(certificate, key)

    assert shaken(strict, context)[0] == "TLSv1.3"
