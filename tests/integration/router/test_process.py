"""The router as a process: it stops when told to, and what it answered is there after it was killed."""

import _sqlite3
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from agentlink.v1.control_pb2_grpc import ControlStub

from tests.integration.router.harness import API_KEY, Caller
from tests.integration.router.process import RouterProcess, started
from tests.ports import free_port
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, session

DOORS = 8  # threads that send at once


@contextmanager
def calling(address: str) -> Iterator[ControlStub]:
    with closing(Caller(address, API_KEY)) as caller:
        yield caller.control


def enrolled(address: str, control: ControlStub) -> ThinAgent:
    agent = ThinAgent(address, "devbox")
    agent.enrol(control.CreateJoinToken(pb.CreateJoinTokenRequest()).join_token)
    return agent


def sent(control: ControlStub, request_id: str) -> str:
    """The id of the command that a request became."""
    action = types.Action(input=types.Input(text=request_id))
    request = pb.SendCommandRequest(session_id="s-1", action=action, request_id=request_id)
    return control.SendCommand(request).command.command_id


def stored(control: ControlStub) -> dict[str, str]:
    """All commands: id to text."""
    found = control.ListCommands(pb.ListCommandsRequest(limit=1000)).commands
    return {command.command_id: command.action.input.text for command in found}


class Doors:
    """Many threads that hand in requests until the router is gone."""

    def __init__(self, address: str, first: int) -> None:
        self.answered: dict[str, str] = {}  # request id -> command id
        self.tried: set[str] = set()
        self._address = address
        self._first = first
        self._enough = threading.Event()

    def until_killed(self, process: RouterProcess, answers: int) -> None:
        """Kill the router once so many were answered; comes back when every door has noticed."""
        with calling(self._address) as control, ThreadPoolExecutor(DOORS) as pool:
            doors = [pool.submit(self._hand_in, control, n, answers) for n in range(DOORS)]
            assert self._enough.wait(20)
            process.tell(signal.SIGKILL)
            for door in doors:
                door.result()

    def _hand_in(self, control: ControlStub, door: int, answers: int) -> None:
        number = 0
        try:
            while True:
                request_id = f"r-{self._first}-{door}-{number}"
                self.tried.add(request_id)
                self.answered[request_id] = sent(control, request_id)
                number += 1
                if len(self.answered) >= answers:
                    self._enough.set()
        except grpc.RpcError:
            return


def test_a_router_says_where_it_serves_and_ends_cleanly_when_told_to(data_dir: Path) -> None:
    with started(data_dir) as process:
        with calling(process.address()) as control:
            control.ListSessions(pb.ListSessionsRequest())
        process.tell(signal.SIGTERM)

        assert process.code() == 0


def test_a_router_that_is_told_to_stop_asks_its_agents_to_leave_first(data_dir: Path) -> None:
    with started(data_dir) as process:
        address = process.address()
        with calling(address) as control, closing(enrolled(address, control)) as agent:
            link = agent.dial()
            link.welcome()
            process.tell(signal.SIGTERM)
            drain = link.take("drain")
            link.goodbye()

            assert drain.deadline.seconds > 0
            assert link.ended()[0] is grpc.StatusCode.OK
        assert process.code() == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"POINTSMAN_DATA_DIR": ""}, "POINTSMAN_DATA_DIR"),
        ({"POINTSMAN_ROUTER_LISTEN": "0.0.0.0:0"}, "--insecure-listen"),
        ({"POINTSMAN_DATABASE": "mysql://x"}, "POINTSMAN_DATABASE"),
    ],
    ids=["no folder", "open to everyone", "database"],
)
def test_wrong_settings_end_it_with_two_and_a_word(data_dir: Path, settings: dict[str, str], words: str) -> None:
    with started(data_dir, **settings) as process:
        assert process.code() == 2
        assert words in process.log.read_text()
        assert "Traceback" not in process.log.read_text()


def test_a_second_router_ends_with_two_and_a_word(data_dir: Path) -> None:
    with started(data_dir) as first:
        first.address()
        with started(data_dir) as second:
            assert second.code() == 2
            assert "another router uses" in second.log.read_text()


def test_no_secret_and_no_text_is_logged(data_dir: Path) -> None:
    with started(data_dir) as process:
        address = process.address()
        with calling(address) as control, closing(enrolled(address, control)) as agent:
            token = control.CreateJoinToken(pb.CreateJoinTokenRequest()).join_token
            with agent.connected(sessions=[session("s-1")]) as link:
                sent(control, "secret-words")
                link.commands(1)
        process.tell(signal.SIGTERM)
        process.code()
        log = process.log.read_text()

    assert "link opened" in log
    assert not [secret for secret in (API_KEY, token, "secret-words") if secret in log]


@pytest.mark.faults
def test_every_answered_command_survives_a_kill_and_every_request_is_one_command(data_dir: Path) -> None:
    rounds: list[Doors] = []
    for first in range(3):
        with started(data_dir) as process:
            address = process.address()
            with calling(address) as control:
                known(address, control)
            doors = Doors(address, first)
            doors.until_killed(process, answers=60)
            rounds.append(doors)
    answered = {request: command for doors in rounds for request, command in doors.answered.items()}
    tried = {request for doors in rounds for request in doors.tried}

    with started(data_dir) as process, calling(process.address()) as control:
        survived = stored(control)
        repeated = {request: sent(control, request) for request in sorted(tried)}
        after = stored(control)

    assert len(answered) >= 180
    assert {command: request for request, command in answered.items()}.items() <= survived.items()
    assert {request: repeated[request] for request in answered} == answered
    assert sorted(after.values()) == sorted(tried)


def known(address: str, control: ControlStub) -> None:
    """Make the machine and its session known, once."""
    if control.ListSessions(pb.ListSessionsRequest()).sessions:
        return
    with closing(enrolled(address, control)):
        control.RegisterSession(pb.RegisterSessionRequest(session_id="s-1", machine_id="devbox"))


@pytest.mark.faults
def test_what_a_machine_was_acknowledged_survives_a_kill(data_dir: Path) -> None:
    with started(data_dir) as process:
        address = process.address()
        with calling(address) as control, closing(enrolled(address, control)) as agent:
            link = agent.dial(sessions=[session("s-1")])
            link.welcome()
            done, sent_, waiting = (sent(control, name) for name in ("done", "sent", "also sent"))
            link.commands(3)
            link.receipt(done)
            link.result(1, done)
            link.acked(1)
            process.tell(signal.SIGKILL)
            link.ended()
            link.lose()

    with started(data_dir) as process:
        address = process.address()
        with calling(address) as control, closing(ThinAgent(address, "devbox", agent.key)) as again:
            again.inbox_id, again.outbox_id = agent.inbox_id, agent.outbox_id
            link = again.dial(last_link_epoch=link.epoch)
            acked = link.welcome().upstream_acked_seq
            frames = link.commands(2)
            state = control.GetCommand(pb.GetCommandRequest(command_id=done)).command.state
            link.goodbye()

    assert acked == 1
    assert state == types.COMMAND_STATE_DONE
    assert [(frame.command_id, frame.attempt) for frame in frames] == [(sent_, 2), (waiting, 2)]


@pytest.mark.faults
def test_a_port_of_a_killed_router_is_free_again(data_dir: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with started(data_dir, POINTSMAN_ROUTER_LISTEN=address) as process:
        assert process.address() == address
        process.tell(signal.SIGKILL)
        process.code()

    with started(data_dir, POINTSMAN_ROUTER_LISTEN=address) as again:
        assert again.address() == address


def test_a_call_while_it_stops_is_told_to_come_again(data_dir: Path) -> None:
    with started(data_dir) as process, calling(process.address()) as control:
        waiting = control.WatchEvents(pb.WatchEventsRequest(from_now_on=True))
        waiting.initial_metadata()
        process.tell(signal.SIGTERM)
        with pytest.raises(grpc.RpcError) as ended:
            next(waiting)

        assert ended.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
        assert reason_of(ended.value) in ("", "DRAINING")
        assert process.code() == 0


@pytest.mark.skipif(not hasattr(_sqlite3, "__file__"), reason="SQLite is part of Python here")
def test_sqlite_counts_no_memory() -> None:
    script = (
        "import _sqlite3, ctypes, sqlite3, router.cli; router.cli._uncounted_memory(); sqlite3.connect(':memory:')"
        ".execute('CREATE TABLE t (a)'); print(ctypes.CDLL(_sqlite3.__file__).sqlite3_memory_used())"
    )

    assert subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, check=True).stdout == b"0\n"
