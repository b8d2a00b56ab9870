"""Renewed TLS files serve without a restart; broken ones change nothing and are told of once, with the cure."""

import logging
import shutil
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1.control_pb2_grpc import ControlStub
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from router.config import SettingsError, Tls
from router.private_keys import trouble_with_mode
from tests.faults import certificates
from tests.faults.certificates import Pair
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving

KEY = (("x-api-key", API_KEY),)


@pytest.fixture
def authority(tmp_path: Path) -> Pair:
    return certificates.write(tmp_path)


@pytest.fixture
def files(tmp_path: Path, authority: Pair) -> Pair:
    return certificates.issue(tmp_path, "router", authority)


@pytest.fixture
def router(data_dir: Path, files: Pair) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir, tls=Tls(*files))) as router:
        yield router


def shown(router: RouterUnderTest) -> int:
    """Serial number of the certificate that a new connection gets."""
    host, _, port = router.address.rpartition(":")
    return serial(ssl.get_server_certificate((host, int(port)), timeout=10).encode())


def serial(pem: bytes) -> int:
    return x509.load_pem_x509_certificate(pem).serial_number


@contextmanager
def client(router: RouterUnderTest, authority: Pair, own: Pair | None = None) -> Iterator[ControlStub]:
    """A client that trusts this authority, on a connection of its own."""
    key, chain = (own[1].read_bytes(), own[0].read_bytes()) if own else (None, None)
    credentials = grpc.ssl_channel_credentials(authority[0].read_bytes(), key, chain)
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.secure_channel(router.address, credentials, options=options) as channel:
        yield ControlStub(channel)


def answers(control: ControlStub) -> bool:
    try:
        control.ListMachines(pb.ListMachinesRequest(), metadata=KEY, timeout=10)
    except grpc.RpcError as error:
        return error.code() is not grpc.StatusCode.UNAVAILABLE
    return True


def renew(files: Pair, authority: Pair, folder: Path) -> int:
    """Put another certificate and key in their places, as a renewal does; its serial number."""
    place = folder / "renewed"
    place.mkdir(exist_ok=True)
    certificate, key = certificates.issue(place, "router", authority)
    number = serial(certificate.read_bytes())
    key.replace(files[1])
    certificate.replace(files[0])
    return number


def test_a_client_that_had_the_ca_connects_after_a_renewal_and_open_links_stay(
    router: RouterUnderTest, files: Pair, authority: Pair, tmp_path: Path
) -> None:
    with client(router, authority) as before:
        watched = before.WatchEvents(pb.WatchEventsRequest(from_now_on=True), metadata=KEY)
        assert answers(before)

        number = renew(files, authority, tmp_path)

        with client(router, authority) as after:
            assert answers(after)
        assert shown(router) == number
        assert answers(before)
        assert watched.is_active()
        watched.cancel()


def test_links_that_change_their_target_are_followed(data_dir: Path, tmp_path: Path, authority: Pair) -> None:
    """As certbot does it: live/fullchain.pem leads to archive/fullchain1.pem, then to archive/fullchain2.pem."""
    archive, live = tmp_path / "archive", tmp_path / "live"
    for folder in (archive, live):
        folder.mkdir()
    numbers = []
    for issue in (1, 2):
        certificate, key = certificates.issue(tmp_path, "acme", authority)
        shutil.copy(certificate, archive / f"fullchain{issue}.pem")
        shutil.copy(key, archive / f"privkey{issue}.pem")
        numbers.append(serial(certificate.read_bytes()))

    def flip(issue: int) -> None:
        for name in ("fullchain", "privkey"):
            (live / f"{name}.new").symlink_to(f"../archive/{name}{issue}.pem")
            (live / f"{name}.new").rename(live / f"{name}.pem")

    flip(1)
    tls = Tls(live / "fullchain.pem", live / "privkey.pem")
    with serving(config(data_dir, tls=tls)) as router, client(router, authority) as early:
        seen = [shown(router)]
        flip(2)
        seen.append(shown(router))
        with client(router, authority) as late:
            assert answers(early)
            assert answers(late)

    assert seen == numbers


def _garbage(files: Pair) -> None:
    files[0].write_text("no certificate")


def _emptied(files: Pair) -> None:
    files[0].write_bytes(b"")


def _gone(files: Pair) -> None:
    files[1].unlink()


def _of_another_key(files: Pair) -> None:
    authority = certificates.write(files[0].parent / "elsewhere")
    shutil.copy(certificates.issue(files[0].parent / "elsewhere", "other", authority)[0], files[0])


def _locked(files: Pair) -> None:
    key = load_pem_private_key(files[1].read_bytes(), None)
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")))


def _readable(files: Pair) -> None:
    files[1].chmod(0o644)


BREAKS = {
    _garbage: "POINTSMAN_TLS_CERT",
    _emptied: "POINTSMAN_TLS_CERT",
    _gone: "POINTSMAN_TLS_KEY",
    _of_another_key: "they come as a pair",
    _locked: "openssl pkey",
    _readable: "chmod 600",
}


@pytest.fixture(params=BREAKS, ids=lambda one: one.__name__.strip("_"))
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Pair], None]:
    (tmp_path / "elsewhere").mkdir()
    made: Callable[[Pair], None] = request.param
    return made


def test_broken_files_change_nothing_and_are_told_of_once(
    router: RouterUnderTest,
    files: Pair,
    authority: Pair,
    tmp_path: Path,
    broken: Callable[[Pair], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = shown(router)
    broken(files)

    assert [shown(router) for _ in range(3)] == [before] * 3

    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(told) == 1
    assert BREAKS[broken] in told[0]
    assert "PRIVATE KEY" not in told[0]
    number = renew(files, authority, tmp_path)
    assert shown(router) == number


def test_it_starts_with_none_of_them(data_dir: Path, files: Pair, broken: Callable[[Pair], None]) -> None:
    broken(files)

    with pytest.raises(SettingsError, match=BREAKS[broken]), serving(config(data_dir, tls=Tls(*files))):
        pass


def test_another_ca_for_clients_counts_from_the_next_connection_on(
    data_dir: Path, files: Pair, authority: Pair, tmp_path: Path
) -> None:
    others = tmp_path / "others"
    others.mkdir()
    other = certificates.write(others)
    ours, theirs = certificates.issue(tmp_path, "laptop", authority), certificates.issue(others, "laptop", other)
    trusted = tmp_path / "clients.pem"
    shutil.copy(authority[0], trusted)
    with serving(config(data_dir, tls=Tls(*files, trusted))) as router:

        def let_in() -> tuple[bool, bool]:
            with client(router, authority, ours) as first, client(router, authority, theirs) as second:
                return answers(first), answers(second)

        assert let_in() == (True, False)
        shutil.copy(other[0], trusted)

        assert let_in() == (False, True)


@pytest.mark.parametrize(
    ("owner", "mode", "is_taken"),
    [
        (1000, 0o600, True),
        (1000, 0o400, True),
        (1000, 0o640, False),
        (1000, 0o604, False),
        (1000, 0o620, False),
        (0, 0o600, True),
        (0, 0o640, True),  # root:ssl-cert
        (0, 0o660, False),
        (0, 0o644, False),
        (1001, 0o600, False),
    ],
)
def test_whose_a_private_key_must_be(owner: int, mode: int, *, is_taken: bool) -> None:
    trouble = trouble_with_mode(Path("/etc/ssl/private/key.pem"), owner, mode, us=1000)

    assert (trouble == "") is is_taken
    assert is_taken or "/etc/ssl/private/key.pem" in trouble
