"""A request may come a minute after its caller was let in by the headers: what became of them meanwhile counts.

So it does where a call waits for something. Of API keys see `test_revoked_keys`.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from router.api.body_limits import Bodies, Context
from router.api.worker_tokens import LOOK
from router.domain.worker import CLOCK_LEEWAY
from router.store import files
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.rigs.session_program import Program, running, sends, told

LINK, CONTROL = "/agentlink.v1.AgentLink", "/agentlink.v1.Control"


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def program(router: RouterUnderTest) -> Iterator[Program]:
    with running(router) as program:
        yield program


@pytest.fixture
def let_in(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once the router waits for the request of a caller whom it has let in."""
    waits, known = threading.Event(), Bodies.known

    async def waited_for(bodies: Bodies, context: Context) -> bytes:
        waits.set()
        return await known(bodies, context)

    monkeypatch.setattr(Bodies, "known", waited_for)
    return waits


def refused(
    program: Program, token: str, call: tuple[str, Message], let_in: threading.Event, happen: Callable[[], object]
) -> str:
    """Why a call is refused whose request is kept back until something has happened."""
    (method, request), happened = call, threading.Event()

    def kept_back() -> Iterator[bytes]:
        happened.wait(timeout=30)
        yield request.SerializeToString()

    let_in.clear()
    with grpc.insecure_channel(program.address) as channel:
        answers = channel.stream_stream(method, None, None)(
            kept_back(), metadata=(("authorization", f"Bearer {token}"),), timeout=30
        )
        assert let_in.wait(timeout=30)
        happen()
        happened.set()
        return told(lambda: list(answers))


def revoked(router: RouterUnderTest, _: Program) -> None:
    router.control.RevokeMachine(pb.RevokeMachineRequest(machine_id="devbox"))


def replaced(_: RouterUnderTest, program: Program) -> None:
    program.machine.rotate(Ed25519PrivateKey.generate())


def ended(router: RouterUnderTest, program: Program) -> None:
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=program.own))


Happens = Callable[[RouterUnderTest, Program], None]
OF_MACHINES = [pytest.param(revoked, "MACHINE_REVOKED"), pytest.param(replaced, "KEY_REPLACED")]
OF_WORKERS = [*OF_MACHINES, pytest.param(ended, "WORKER_SESSION_OVER")]


def by_the_machine(program: Program, method: str) -> Message:
    note = link_pb.Notify(notification_id="n", session_id=program.own, text="I am still here")
    return {
        "PutPart": link_pb.PutPartRequest(file_id="f", number=0, data=b"x"),
        "NotifyWithFiles": link_pb.NotifyWithFilesRequest(notify=note),
        "GetPart": link_pb.GetCommandPartRequest(command_id="c"),
    }[method]


@pytest.mark.parametrize(("happen", "reason"), OF_MACHINES)
@pytest.mark.parametrize("method", ["PutPart", "NotifyWithFiles", "GetPart"])
def test_of_a_machine(
    router: RouterUnderTest, program: Program, let_in: threading.Event, method: str, happen: Happens, reason: str
) -> None:
    call, token = (f"{LINK}/{method}", by_the_machine(program, method)), program.machine.token()

    assert refused(program, token, call, let_in, lambda: happen(router, program)) == reason
    assert router.notifications(program.own) == []
    assert router.read(lambda connection: files.part(connection, "devbox f", 0)) == b""


def by_the_worker(program: Program, method: str) -> Message:
    return {
        "ListSessions": pb.ListSessionsRequest(),
        "GetCommand": pb.GetCommandRequest(command_id="c"),
        "SendCommand": sends(program.own),
        "Notify": pb.NotifyRequest(session_id=program.own, text="I am still here"),
        "Ask": pb.AskRequest(session_id=program.own, text="Which?", options=["this"]),
        "WatchEvents": pb.WatchEventsRequest(session_id=program.own, from_now_on=True),
    }[method]


@pytest.mark.parametrize(("happen", "reason"), OF_WORKERS)
@pytest.mark.parametrize("method", ["ListSessions", "GetCommand", "SendCommand", "Notify", "Ask", "WatchEvents"])
def test_of_a_worker(
    router: RouterUnderTest, program: Program, let_in: threading.Event, method: str, happen: Happens, reason: str
) -> None:
    call, token = (f"{CONTROL}/{method}", by_the_worker(program, method)), program.machine.worker_token(program.own)

    assert refused(program, token, call, let_in, lambda: happen(router, program)) == reason
    assert program.link.waiting() == 0
    assert router.notifications(program.own) == []


def test_what_a_worker_waits_for_ends_with_the_key_that_signed_its_token(
    router: RouterUnderTest, program: Program, let_in: threading.Event
) -> None:
    def happen() -> None:
        replaced(router, program)
        router.advance(LOOK)

    assert waited(program, program.machine.worker_token(program.own), let_in, happen) == "KEY_REPLACED"


def test_what_a_worker_waits_for_ends_with_its_time(
    router: RouterUnderTest, program: Program, let_in: threading.Event
) -> None:
    token = program.machine.worker_token(program.own, exp=program.machine.now() + 2)

    assert waited(program, token, let_in, lambda: router.advance(2 + CLOCK_LEEWAY + 1)) == "WORKER_EXPIRED"


def waited(program: Program, token: str, let_in: threading.Event, happen: Callable[[], object]) -> str:
    """Why a call is refused that waits for the end of a command while something happens."""
    doors = program.showing(token)
    sent = doors.SendCommand(sends(program.own)).command.command_id
    let_in.clear()
    with ThreadPoolExecutor(1) as pool:
        asked = pb.GetCommandRequest(command_id=sent, wait=Duration(seconds=3600))
        why = pool.submit(told, lambda: doors.GetCommand(asked))
        assert let_in.wait(timeout=30)
        happen()
        return why.result(timeout=30)
