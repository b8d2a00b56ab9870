"""Who has the key of the private CA makes certificates that everybody believes, and is nobody's router for that."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import identity_pb2
from agentlink.v1.control_pb2_grpc import ControlStub
from agentlink.v1.identity_pb2_grpc import IdentityStub
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.domain.errors import EnrolRefused
from agent.link.channel import Endpoint
from agent.link.enrol import enrol
from pointsman.client.channel import open_channel
from pointsman.client.control import Control
from pointsman.client.errors import NOT_PROVEN, RouterError
from pointsman.tls.authority import Authority
from router.config import Tls
from router.domain.router_key import RouterKey
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.security.test_router_identity import Squatter, squatting


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path)
    made.begin(("localhost", "127.0.0.1"), 5, datetime.now(UTC))
    return made


@pytest.fixture
def router(authority: Authority, data_dir: Path) -> Iterator[RouterUnderTest]:
    """One that asks for certificates, and whose folder the thief has not."""
    tls = Tls(authority.router.certificate, authority.router.key, authority.ca)
    with serving(config(data_dir, tls=tls)) as router:
        yield router


@pytest.fixture
def forged(authority: Authority, tmp_path: Path, router: RouterUnderTest) -> Authority:
    """What the thief signs for themselves."""
    assert router
    stolen = Authority(tmp_path / "thief")
    (stolen.folder / "authority").mkdir(parents=True)
    for mine, theirs in ((authority.ca, stolen.ca), (authority.ca_key, stolen.ca_key)):
        theirs.write_bytes(mine.read_bytes())
    stolen.router.key.write_bytes(authority.router.key.read_bytes())
    stolen.router.certificate.write_bytes(authority.router.certificate.read_bytes())
    stolen.renew(stolen.router, (), 5, datetime.now(UTC))
    stolen.add_client("anybody", 5, datetime.now(UTC))
    return stolen


@pytest.fixture
def squatter(forged: Authority) -> Iterator[tuple[Squatter, str]]:
    """A program at another address that shows a certificate which every client believes."""
    pair = (forged.router.key.read_bytes(), forged.router.certificate.read_bytes())
    squatter = Squatter(RouterKey("x", Ed25519PrivateKey.generate()))
    with squatting(squatter, credentials=grpc.ssl_server_credentials([pair])) as address:
        yield squatter, address


def test_they_are_heard_by_the_router_and_let_in_by_nothing(router: RouterUnderTest, forged: Authority) -> None:
    pair = forged.client("anybody")
    with open_channel(router.address, forged.ca, pair.certificate, pair.key, is_local=False) as channel:
        heard = IdentityStub(channel).Prove(identity_pb2.ProveRequest(nonce=bytes(32)), timeout=30)
        with pytest.raises(grpc.RpcError) as refusal:
            ControlStub(channel).ListMachines(pb.ListMachinesRequest(), timeout=30)

    assert heard.router_id
    assert refusal.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_a_client_that_knows_its_router_tells_their_program_nothing(
    router: RouterUnderTest, squatter: tuple[Squatter, str], authority: Authority, data_dir: Path, tmp_path: Path
) -> None:
    thief, address = squatter
    fingerprint = (data_dir / "router.fingerprint").read_text().strip()
    channel = open_channel(address, authority.ca, is_local=False, fingerprint=fingerprint)
    with Control(channel, API_KEY) as control, pytest.raises(RouterError) as refusal:
        control.machines()
    with pytest.raises(EnrolRefused):
        enrol(Endpoint(address, authority.ca), f"pmj_token.{fingerprint}", "laptop", tmp_path / "laptop")

    assert router.address != address
    assert refusal.value.code == NOT_PROVEN
    assert (thief.credentials, thief.requests) == ([], [])


def test_one_that_was_told_no_fingerprint_believes_it(squatter: tuple[Squatter, str], authority: Authority) -> None:
    thief, address = squatter
    with open_channel(address, authority.ca, is_local=False) as channel:
        ControlStub(channel).ListMachines(pb.ListMachinesRequest(), metadata=(("x-api-key", API_KEY),), timeout=30)

    assert thief.credentials == [API_KEY]
