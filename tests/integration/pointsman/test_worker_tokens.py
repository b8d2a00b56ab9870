"""The client and the command line with the token of a session, where there is no API key."""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1 import control_pb2 as pb

from pointsman.client import RouterError, connect
from pointsman.client.channel import open_channel
from pointsman.client.control import Control
from pointsman.client.credential import Metadata, TokenFile
from pointsman.client.records import Event
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.rigs.session_program import Program, running
from tests.waiting import PATIENCE

HOUR = 3600.0


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def program(router: RouterUnderTest) -> Iterator[Program]:
    with running(router) as program:
        yield program


@pytest.fixture
def file(tmp_path: Path, program: Program) -> Path:
    path = tmp_path / "token"
    path.write_text(program.machine.worker_token(program.own) + "\n")
    return path


@pytest.fixture
def client(router: RouterUnderTest, file: Path) -> Iterator[Control]:
    with Control(open_channel(router.address, is_local=True), TokenFile(file)) as client:
        yield client


def cli(router: RouterUnderTest, file: Path, *argv: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """As in a container: no data directory, no socket, no key."""
    environ = {
        "PATH": os.environ["PATH"], "HOME": str(file.parent), "POINTSMAN_DATA_DIR": str(file.parent / "none"),
        "POINTSMAN_ROUTER": router.address, "POINTSMAN_WORKER_TOKEN_FILE": str(file),
    }  # fmt: skip
    argv = (sys.executable, "-I", "-m", "pointsman", *argv)
    return subprocess.run(argv, env=environ | more, capture_output=True, text=True, cwd="/", timeout=60)


def test_it_notifies_and_sends_by_the_sessions_label_and_waits(
    router: RouterUnderTest, program: Program, file: Path
) -> None:
    with router.courier("test", "1") as courier:
        told = cli(router, file, "notify", "api", "done")
        assert courier.brought("100").notification.text == "done"
    sending = threading.Thread(target=lambda: sent.append(cli(router, file, "send", "api", "go on", "--wait")))
    sent: list[subprocess.CompletedProcess[str]] = []
    sending.start()
    [frame] = program.link.commands(1)
    program.link.receipt(frame.command_id)
    program.link.result(1, frame.command_id)
    sending.join(PATIENCE)

    assert (told.returncode, told.stderr) == (0, "")
    assert (sent[0].returncode, sent[0].stdout.split()[1]) == (0, "done")
    assert frame.action.input.text == "go on"


def test_of_another_session_it_is_told_nothing(router: RouterUnderTest, program: Program, file: Path) -> None:
    done = cli(router, file, "send", program.sibling, "x")

    assert done.returncode == 5
    assert f"no session '{program.sibling}'" in done.stderr


def test_what_it_may_not_is_said(router: RouterUnderTest, file: Path) -> None:
    done = cli(router, file, "machines")

    assert (done.returncode, "A worker token may not call ListMachines" in done.stderr) == (4, True)


def test_without_its_file_it_says_who_writes_it(router: RouterUnderTest, file: Path) -> None:
    file.unlink()

    done = cli(router, file, "sessions")

    assert done.returncode == 4
    assert "there is no worker token" in done.stderr
    assert f"The agent of this machine writes {file}" in done.stderr


def test_an_api_key_goes_before_it(router: RouterUnderTest, program: Program, file: Path) -> None:
    done = cli(router, file, "sessions", POINTSMAN_API_KEY=router.config.api_key)

    assert program.sibling in done.stdout


def test_scripts_use_it_as_well(
    router: RouterUnderTest, program: Program, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POINTSMAN_WORKER_TOKEN_FILE", str(file))
    monkeypatch.setenv("POINTSMAN_DATA_DIR", str(file.parent / "none"))

    with connect(router.address) as client:
        assert [each.session_id for each in client.sessions()] == [program.own]


def test_the_file_is_read_for_each_call(router: RouterUnderTest, program: Program, file: Path, client: Control) -> None:
    client.sessions()
    router.advance(HOUR + 60)
    with pytest.raises(RouterError, match="WORKER_EXPIRED"):
        client.sessions()

    file.write_text(program.machine.worker_token(program.own))

    assert [each.session_id for each in client.sessions()] == [program.own]


class Renewed:
    """A file that is written anew between the first look and the second."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)

    def shown(self) -> Metadata:
        return (("authorization", f"Bearer {self.tokens.pop(0) if self.tokens[1:] else self.tokens[0]}"),)


def test_after_a_refusal_it_is_read_once_more(router: RouterUnderTest, program: Program) -> None:
    old, new = program.machine.worker_token(program.own, 0), program.machine.worker_token(program.own)

    with Control(open_channel(router.address, is_local=True), Renewed(old, new)) as client:
        assert client.send_text(program.own, "go on").session_id == program.own
    with (
        Control(open_channel(router.address, is_local=True), Renewed(old, old + "x", new)) as client,
        pytest.raises(RouterError, match="UNAUTHENTICATED"),
    ):
        client.sessions()


def test_who_watches_goes_on_with_the_next_token(
    router: RouterUnderTest, program: Program, file: Path, client: Control
) -> None:
    seen: queue.SimpleQueue[Event | RouterError] = queue.SimpleQueue()

    def watch() -> None:
        try:
            for event in client.watch(program.own, after=0):
                seen.put(event)
        except RouterError as error:
            seen.put(error)

    watching = threading.Thread(target=watch)
    watching.start()
    first = seen.get(timeout=PATIENCE)
    router.advance(HOUR / 2)
    file.write_text(program.machine.worker_token(program.own))
    router.advance(HOUR / 2 + 60)  # the stream of the first one is over
    sent = router.send(program.own, "go on")
    while isinstance(event := seen.get(timeout=PATIENCE), Event) and event.step.subject_id != sent.command_id:
        pass
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=program.own))
    while isinstance(last := seen.get(timeout=PATIENCE), Event):
        pass
    watching.join(PATIENCE)

    assert isinstance(first, Event)
    assert isinstance(event, Event)
    assert last.code == "WORKER_SESSION_OVER"
