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
    done = cli(router, file, "notify", program.sibling, "x")

    assert done.returncode == 5
    assert f"no session '{program.sibling}'" in done.stderr


def test_what_it_sends_to_another_session_is_that_sessions_word(
    router: RouterUnderTest, program: Program, file: Path
) -> None:
    sent, asked = (cli(router, file, "send", to, "hello") for to in (program.sibling, program.foreign))
    [frame] = program.link.commands(1)

    assert (sent.returncode, sent.stdout.split()[1], sent.stderr) == (0, "sent", "")
    assert frame.action.input.text.startswith("⟦pointsman: session api on devbox says this")
    assert (asked.returncode, asked.stdout.split()[1]) == (0, "waiting")
    assert "The people of that session are asked first" in asked.stderr
    assert cli(router, file, "send", "nobody", "hello").returncode == 5
    assert cli(router, file, "send", program.sibling, "hello", "--wait").returncode == 2


def test_it_answers_what_came(router: RouterUnderTest, program: Program, file: Path) -> None:
    sibling = program.showing(program.machine.worker_token(program.sibling))
    said = sibling.SendToSession(pb.SendToSessionRequest(to=program.own, text="how many fail?")).message
    answered = cli(router, file, "send", "--reply", said.message_id, "three")
    texts = [frame.action.input.text for frame in program.link.commands(2)]

    assert (answered.returncode, answered.stderr) == (0, "")
    assert texts[1].endswith("three")


def test_in_a_session_a_key_of_the_folder_is_no_reason_to_speak_as_a_person(
    router: RouterUnderTest, program: Program, file: Path
) -> None:
    (file.parent / "none").mkdir(mode=0o700)
    key = file.parent / "none" / "api_key"
    key.write_text(router.config.api_key)
    key.chmod(0o600)
    sent = cli(router, file, "send", program.sibling, "hello")
    by_key = cli(router, file, "send", program.sibling, "hello", POINTSMAN_API_KEY=router.config.api_key)
    file.unlink()
    outside = cli(router, file, "send", program.sibling, "hello")
    assert [done.returncode for done in (sent, by_key, outside)] == [0, 0, 0], outside.stderr

    texts = [frame.action.input.text[:10] for frame in program.link.commands(3)]
    assert texts == ["⟦pointsman", "hello", "hello"]


def test_it_puts_off_for_itself(router: RouterUnderTest, program: Program, file: Path) -> None:
    kept = cli(router, file, "later", program.own, "in 10m", "look", POINTSMAN_SESSION_ID=program.own)
    listed = cli(router, file, "scheduled", POINTSMAN_SESSION_ID=program.own)
    refused = cli(router, file, "every", "2h", "look", "--session", program.own)

    assert (kept.returncode, kept.stderr) == (0, "")
    assert "look" in listed.stdout
    assert (refused.returncode, "again and again" in refused.stderr) == (4, True)


def test_people_see_and_end_what_they_agreed_to(router: RouterUnderTest, program: Program, file: Path) -> None:
    cli(router, file, "send", program.foreign, "hello")
    [asked] = router.control.ListPermissions(pb.ListPermissionsRequest()).permissions
    router.control.RespondPermission(
        pb.RespondPermissionRequest(
            permission_id=asked.permission_id, input_digest=asked.input_digest, option_id="allow"
        )
    )
    by_key = {"POINTSMAN_API_KEY": router.config.api_key}
    listed = cli(router, file, "consents", **by_key)
    ended = cli(router, file, "consents", asked.permission_id, "--end", **by_key)
    said = cli(router, file, "messages", **by_key)

    assert "given" in listed.stdout
    assert (ended.returncode, "ended" in ended.stdout) == (0, True)
    assert "hello" in said.stdout
    assert cli(router, file, "consents", "--end", **by_key).returncode == 2


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
