"""Whoever takes the router's address gets nothing: the router proves its key before anybody shows theirs."""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import ref

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import identity_pb2 as pb
from agentlink.v1.agent_link_pb2_grpc import AgentLinkStub
from agentlink.v1.identity_pb2_grpc import IdentityStub
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.domain.errors import EnrolRefused
from agent.link import identity
from agent.link.channel import Endpoint
from agent.link.enrol import enrol
from agent.link.router_proof import PROVE
from pointsman.client.channel import open_channel
from pointsman.client.control import Control
from pointsman.client.errors import NOT_PROVEN, RouterError
from pointsman.client.records import Chat
from pointsman.client.router_proof import Prover, watch
from pointsman.errors import ExitCode
from router.domain.router_key import RouterKey
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.agent_thread import running
from tests.rigs.rpc_errors import reason_of
from tests.waiting import PATIENCE, wait_until
from webhook_adapter.config import AdapterConfig
from webhook_adapter.model import Submission
from webhook_adapter.router.client import RouterClient

COMMAND = (sys.executable, "-I", "-m", "pointsman", "sessions")
OUTPUT: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 60, "check": False}


class Squatter(grpc.GenericRpcHandler):  # type: ignore[type-arg]
    """A program that took the router's address. It answers every call, and keeps what it is shown."""

    def __init__(self, key: RouterKey | None) -> None:
        self._key = key  # what it proves with; None answers to no challenge
        self.methods: list[str] = []
        self.credentials: list[str] = []
        self.requests: list[bytes] = []

    def service(self, details: "grpc.HandlerCallDetails") -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        self.methods.append(details.method)
        metadata = dict(details.invocation_metadata or ())
        self.credentials += [str(metadata[name]) for name in ("authorization", "x-api-key") if name in metadata]
        if details.method != PROVE:
            return grpc.stream_stream_rpc_method_handler(self._listen)
        return grpc.unary_unary_rpc_method_handler(self._prove) if self._key else None

    def _prove(self, request: bytes, _context: grpc.ServicerContext) -> bytes:
        assert self._key is not None
        signature = self._key.prove(pb.ProveRequest.FromString(request).nonce)
        answer = pb.ProveResponse(router_id=self._key.router_id, public_key=self._key.public, signature=signature)
        return bytes(answer.SerializeToString())

    def _listen(self, requests: Iterator[bytes], _context: grpc.ServicerContext) -> Iterator[bytes]:
        self.requests += requests
        return iter(())


class Silent(Squatter):
    """One that lets everybody wait for its proof."""

    def __init__(self, crowd: int) -> None:
        super().__init__(RouterKey("x", Ed25519PrivateKey.generate()))
        self.all_wait = threading.Barrier(crowd + 1)
        self.over = threading.Event()

    def _prove(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        context.add_callback(self.over.set)  # once the asker is gone
        self.all_wait.wait(timeout=30)
        self.over.wait(timeout=30)
        return super()._prove(request, context)


@contextmanager
def squatting(
    squatter: Squatter, at: str = "127.0.0.1:0", credentials: grpc.ServerCredentials | None = None
) -> Iterator[str]:
    """Its address."""
    with ThreadPoolExecutor(8) as threads:
        server = grpc.server(threads)
        server.add_generic_rpc_handlers((squatter,))
        port = wait_until(lambda: bound(server, at, credentials))
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(grace=None).wait()


def bound(server: grpc.Server, at: str, credentials: grpc.ServerCredentials | None) -> int:
    """Its port; 0 while somebody's connection goes out by that one: a port that a router has left is anybody's."""
    try:
        return server.add_secure_port(at, credentials) if credentials else server.add_insecure_port(at)
    except RuntimeError:
        return 0


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir / "router")) as router:
        yield router


@pytest.fixture(params=["no key", "another key", "another key, and the router's id"])
def squatter(request: pytest.FixtureRequest, router: RouterUnderTest) -> Squatter:
    if request.param == "no key":
        return Squatter(None)
    with grpc.insecure_channel(router.address) as channel:
        router_id = IdentityStub(channel).Prove(pb.ProveRequest(nonce=bytes(32)), timeout=30).router_id
    return Squatter(RouterKey(router_id if "id" in request.param else "x", Ed25519PrivateKey.generate()))


def test_a_join_token_goes_to_the_router_that_made_it_alone(
    router: RouterUnderTest, squatter: Squatter, data_dir: Path
) -> None:
    token = router.join_token()

    with squatting(squatter) as address, pytest.raises(EnrolRefused, match="not the router that made this token"):
        enrol(Endpoint(address), token, "devbox", data_dir)

    assert squatter.methods == [PROVE]
    assert enrol(Endpoint(router.address), token, "devbox", data_dir) == "devbox"


def test_an_agent_shows_its_credential_to_its_router_alone(
    router: RouterUnderTest, squatter: Squatter, data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    enrol(Endpoint(router.address), router.join_token(), "devbox", data_dir)
    known = identity.load(data_dir / "agent")
    with squatting(squatter) as address:
        identity.save(data_dir / "agent", "devbox", known.router_id, address, known.router_fingerprint)
        with running(data_dir) as agent:
            wait_until(lambda: "end=refused" in caplog.text)

            assert not agent.client.status.connected
    assert set(squatter.methods) == {PROVE}
    assert not squatter.credentials
    assert not squatter.requests
    assert "nothing was sent to it" in caplog.text


def test_who_never_proves_itself_holds_up_no_stop(
    router: RouterUnderTest, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.link.client.PROOF_TIMEOUT", 2 * PATIENCE)
    enrol(Endpoint(router.address), router.join_token(), "devbox", data_dir)
    known, silent, stopped = identity.load(data_dir / "agent"), Silent(1), threading.Event()

    def stop_it() -> None:
        with running(data_dir):
            silent.all_wait.wait(timeout=30)
        stopped.set()

    with squatting(silent) as address:
        identity.save(data_dir / "agent", "devbox", known.router_id, address, known.router_fingerprint)
        threading.Thread(target=stop_it).start()

        assert stopped.wait(timeout=PATIENCE)


def test_to_its_own_router_it_links(router: RouterUnderTest, data_dir: Path) -> None:
    enrol(Endpoint(router.address), router.join_token(), "devbox", data_dir)

    with running(data_dir) as agent:
        wait_until(lambda: agent.client.status.connected)


def test_a_router_is_the_same_after_a_restart(router: RouterUnderTest) -> None:
    _, _, before = router.join_token().partition(".")
    router.restart()
    _, _, after = router.join_token().partition(".")

    assert before
    assert after == before


def told(router: RouterUnderTest, token: str) -> str:
    """Why a call with this JWT is refused; NOT_FOUND is what a machine that was let in is told of no such file."""
    metadata = [("authorization", f"Bearer {token}")]
    with grpc.insecure_channel(router.address) as channel, pytest.raises(grpc.RpcError) as refused:
        AgentLinkStub(channel).GetPart(link_pb.GetCommandPartRequest(command_id="c"), metadata=metadata, timeout=30)
    return reason_of(refused.value)


def test_what_a_machine_shows_another_router_is_no_use_here(router: RouterUnderTest) -> None:
    machine = router.machine("devbox")

    assert told(router, machine.token(aud="another router's id")) == "UNAUTHENTICATED"


def test_a_machine_that_named_its_router_once_does_so_always(router: RouterUnderTest) -> None:
    machine = router.stranger("devbox")
    router_id = machine.enrol(router.join_token()).router_id

    assert told(router, machine.token(aud="pointsman")) == "NOT_FOUND"
    assert told(router, machine.token(aud=router_id)) == "NOT_FOUND"
    assert told(router, machine.token(aud="pointsman")) == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    "nonce", [b"", b"short", bytes(33), b"a text of somebody else's choice, and longer than it may be"]
)
def test_the_routers_key_signs_nothing_but_challenges(router: RouterUnderTest, nonce: bytes) -> None:
    with grpc.insecure_channel(router.address) as channel, pytest.raises(grpc.RpcError) as refused:
        IdentityStub(channel).Prove(pb.ProveRequest(nonce=nonce), timeout=30)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.usefixtures("router")
def test_its_key_is_its_owners_alone_and_in_no_database(data_dir: Path) -> None:
    folder = data_dir / "router"
    pem = (folder / "router.key").read_bytes()
    private = b"".join(pem.splitlines()[1:-1])

    assert (folder / "router.key").stat().st_mode & 0o777 == 0o600
    assert not [path for path in folder.glob("router.db*") if private in path.read_bytes()]


def test_a_damaged_key_is_no_reason_to_make_another_one(data_dir: Path) -> None:
    settings: Any = config(data_dir)
    (data_dir / "router.key").write_text("damaged")

    with pytest.raises(Exception, match="no Ed25519 key: restore it"), serving(settings):
        pass
    assert (data_dir / "router.key").read_text() == "damaged"


def test_a_command_shows_its_key_to_its_router_alone(
    router: RouterUnderTest, squatter: Squatter, data_dir: Path
) -> None:
    (data_dir / "router.fingerprint").write_text((data_dir / "router" / "router.fingerprint").read_text())
    settings = {"POINTSMAN_DATA_DIR": str(data_dir), "POINTSMAN_API_KEY": API_KEY}

    with squatting(squatter) as address:
        squatted = subprocess.run(COMMAND, env={**settings, "POINTSMAN_ROUTER_LISTEN": address}, **OUTPUT)
    ours = subprocess.run(COMMAND, env={**settings, "POINTSMAN_ROUTER_LISTEN": router.address}, **OUTPUT)

    assert squatted.returncode == ExitCode.NOT_REACHABLE
    assert "is not the router that is pinned here, and was told nothing" in squatted.stderr
    assert squatter.methods == [PROVE]
    assert not squatter.credentials
    assert ours.returncode == 0, ours.stderr


def test_who_takes_the_address_of_a_router_that_stopped_is_told_nothing_by_its_clients(
    squatter: Squatter, data_dir: Path
) -> None:
    with serving(config(data_dir / "first")) as router:
        pin, address = router.join_token().partition(".")[2], router.address
        client = Control(open_channel(address, is_local=True, fingerprint=pin), API_KEY)
        assert client.sessions() == []
    with client, squatting(squatter, address), pytest.raises(RouterError) as refused:
        # Until the lost connection is noticed, calls end by that alone.
        wait_until(lambda: not_proven(client))

    assert refused.value.code == NOT_PROVEN
    assert set(squatter.methods) == {PROVE}
    assert not squatter.credentials


def test_nothing_is_told_before_it_is_noticed_that_a_connection_was_lost(
    squatter: Squatter, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where the thread that waits for it gets no turn: by then the next call has a connection to whoever is there.
    monkeypatch.setattr("pointsman.client.router_proof.watch", lambda *_: None)

    test_who_takes_the_address_of_a_router_that_stopped_is_told_nothing_by_its_clients(squatter, data_dir)


def test_a_channel_may_be_closed_while_it_is_watched_for_what_happens_to_it(router: RouterUnderTest) -> None:
    """Where that raised, in a thread of its own, a command ended with a traceback."""
    with grpc.insecure_channel(router.address) as channel, ThreadPoolExecutor(1) as threads:
        prover = Prover(channel, "pin", router.address)
        at_work = threads.submit(watch, channel._channel, ref(prover))  # type: ignore[attr-defined]
        channel.close()

        at_work.result(timeout=30)
        watch(channel._channel, ref(prover))  # type: ignore[attr-defined]


def test_who_waits_for_a_proof_does_not_wait_for_those_who_asked_before(
    router: RouterUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pointsman.client.router_proof._PATIENCE", 2 * PATIENCE)
    pin, silent = router.join_token().partition(".")[2], Silent(3)

    with (
        squatting(silent) as address,
        ThreadPoolExecutor(3) as threads,
        Control(open_channel(address, is_local=True, fingerprint=pin), API_KEY, patience=2 * PATIENCE) as control,
    ):
        asked = [threads.submit(control.sessions) for _ in range(3)]
        silent.all_wait.wait(timeout=PATIENCE)  # all three are at it at once: none has been given up
        silent.over.set()
        assert all(isinstance(each.exception(timeout=30), RouterError) for each in asked)


def not_proven(client: Control) -> bool:
    """Whether calls are answered. Raises RouterError once somebody answers who has no proof."""
    try:
        return bool(client.sessions())
    except RouterError as error:
        if error.code == NOT_PROVEN:
            raise
        return False


def test_what_a_person_writes_goes_to_the_router_alone(
    router: RouterUnderTest, squatter: Squatter, data_dir: Path
) -> None:
    pin = router.join_token().partition(".")[2]
    message = Submission("1", Chat("telegram", "5"), "ada", "the password is swordfish")

    with squatting(squatter) as address:
        environ = {"POINTSMAN_ROUTER": address, "POINTSMAN_API_KEY": API_KEY, "POINTSMAN_ROUTER_FINGERPRINT": pin}
        client = RouterClient(AdapterConfig.from_environ({**environ, "POINTSMAN_DATA_DIR": str(data_dir)}))
        with pytest.raises(RouterError) as refused:
            client.submit(message)
        client.close()

    assert refused.value.may_pass  # it comes again, and is not lost
    assert set(squatter.methods) == {PROVE}
    assert not squatter.credentials
    assert not squatter.requests
