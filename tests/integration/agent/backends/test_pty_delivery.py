"""Deliveries into `pointsman run`: beside the person, and with an agent that comes and goes."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.domain.command import Ending, Input, KeyPress, Outcome, Reason
from tests.integration.agent.backends.local_agent import LocalAgent
from tests.integration.agent.backends.stages import ended_record, recorder, split
from tests.integration.agent.backends.terminal import Terminal, host
from tests.waiting import wait_until

Listen = Callable[[], LocalAgent]
Run = Callable[..., Terminal]


@pytest.fixture
def socket(data_dir: Path) -> Path:
    return data_dir / "sock"


@pytest.fixture
def listen(socket: Path) -> Iterator[Listen]:
    agents: list[LocalAgent] = []

    def agent() -> LocalAgent:
        socket.unlink(missing_ok=True)
        agents.append(LocalAgent(socket))
        return agents[-1]

    yield agent
    for one in agents:
        one.close()


@pytest.fixture
def run(socket: Path) -> Iterator[Run]:
    terminals: list[Terminal] = []

    def terminal(*command: str) -> Terminal:
        terminals.append(Terminal(host(*command, socket=str(socket))))
        return terminals[-1]

    yield terminal
    for one in terminals:
        one.close()


def test_a_host_introduces_itself(listen: Listen, run: Run) -> None:
    agent = listen()
    terminal = run("sh", "-c", "echo pid=$$; cat")

    hello = agent.attached()

    assert hello == {
        "op": "attach_pty",
        "session_id": "s1",
        "label": "test",
        "cwd": str(Path.cwd()),
        "pid": hello["pid"],
    }
    assert terminal.shows(b"pid=%d\r\n" % hello["pid"])


def test_a_text_waits_for_the_person_s_half_typed_line(listen: Listen, run: Run, data_dir: Path) -> None:
    agent = listen()
    terminal = run(*recorder(data_dir / "record"))
    terminal.shows(b"READY")
    agent.attached()
    terminal.type(b"half a l")
    wait_until(lambda: (data_dir / "record").read_bytes() == b"half a l")

    delivery = agent.begin(Input("from afar"))
    agent.deliver(KeyPress("esc"))  # keys do not wait; this one also shows that the text had its chance
    terminal.type(b"ine\r")
    assert delivery.result(10) == Outcome.done()
    terminal.type(b"\x04")

    assert split(ended_record(data_dir / "record")) == [b"half a l\x1bine", b"from afar"]


@pytest.mark.parametrize("report", [b"\x1b[I", b"\x1b[?62;22c", b"\x1b[<0;3;4M"], ids=["focus", "answer", "mouse"])
def test_what_a_terminal_says_by_itself_holds_up_nothing(
    listen: Listen, run: Run, data_dir: Path, report: bytes
) -> None:
    agent = listen()
    terminal = run(*recorder(data_dir / "record"))
    terminal.shows(b"READY")
    agent.attached()
    terminal.type(report)
    wait_until(lambda: (data_dir / "record").read_bytes() == report)

    assert agent.deliver(Input("text")) == Outcome.done()


def test_a_person_who_types_meanwhile_does_not_get_into_the_text(listen: Listen, run: Run, data_dir: Path) -> None:
    agent = listen()
    terminal = run(*recorder(data_dir / "record"))
    terminal.shows(b"READY")
    agent.attached()

    delivery = agent.begin(Input("x" * 4000))
    wait_until(lambda: len((data_dir / "record").read_bytes()) >= 400)
    terminal.type(b"mine\r")
    wait_until(delivery.done)
    terminal.type(b"\x04")

    assert split(ended_record(data_dir / "record")) == [b"x" * 4000, b"mine"]


def test_the_exit_code_is_reported(listen: Listen, run: Run) -> None:
    agent = listen()
    terminal = run("sh", "-c", "read line; exit 9")
    agent.attached()

    agent.deliver(Input(""))

    assert terminal.exit_code() == 9
    wait_until(lambda: agent.exits == [9])


def test_a_text_held_back_when_the_program_ends_has_failed(listen: Listen, run: Run, data_dir: Path) -> None:
    agent = listen()
    terminal = run(*recorder(data_dir / "record"))
    terminal.shows(b"READY")
    agent.attached()
    terminal.type(b"half")
    wait_until(lambda: (data_dir / "record").read_bytes() == b"half")

    delivery = agent.begin(Input("from afar"))
    agent.deliver(KeyPress("ctrl-d"))
    outcome = delivery.result(10)

    assert (outcome.ending, outcome.reason) == (Ending.FAILED, Reason.TARGET_GONE)
    assert terminal.exit_code() == 0


def test_an_agent_that_comes_later_finds_the_session(listen: Listen, run: Run, data_dir: Path) -> None:
    terminal = run(*recorder(data_dir / "record"))
    terminal.shows(b"READY")

    agent = listen()
    agent.attached()

    assert agent.deliver(Input("hello")) == Outcome.done()
    assert terminal.screen == b"READY"


def test_an_agent_that_restarts_finds_it_again(listen: Listen, run: Run, data_dir: Path) -> None:
    first = listen()
    terminal = run(*recorder(data_dir / "record"))
    terminal.shows(b"READY")
    before = first.attached()
    first.deliver(Input("first"))
    first.stop()

    second = listen()
    after = second.attached()
    second.deliver(Input("second"))
    second.deliver(KeyPress("ctrl-d"))

    assert before == after
    assert split(ended_record(data_dir / "record")) == [b"first", b"second"]
    assert terminal.exit_code() == 0
    assert terminal.screen == b"READY"


def test_a_text_held_back_when_the_agent_goes_is_never_typed(listen: Listen, run: Run, data_dir: Path) -> None:
    first = listen()
    terminal = run(*recorder(data_dir / "record"))
    terminal.shows(b"READY")
    first.attached()
    terminal.type(b"half")
    wait_until(lambda: (data_dir / "record").read_bytes() == b"half")
    delivery = first.begin(Input("lost"))
    first.deliver(KeyPress("esc"))

    first.stop()
    outcome = delivery.result(10)
    second = listen()
    second.attached()
    terminal.type(b"\r")
    second.deliver(Input("next"))
    second.deliver(KeyPress("ctrl-d"))

    assert outcome.ending is Ending.UNCERTAIN
    assert split(ended_record(data_dir / "record")) == [b"half\x1b", b"next"]


def test_a_suspended_program_is_not_typed_into(listen: Listen, socket: Path, data_dir: Path) -> None:
    rc = data_dir / "rc"
    rc.write_text("PS1='READY$ '; HISTFILE=\n")
    shell = Terminal(["bash", "--noprofile", "--rcfile", str(rc), "-i"])
    agent = listen()
    shell.shows(b"READY$")
    shell.type(" ".join(host("cat", socket=str(socket))).encode() + b"\r")
    agent.attached()
    shell.type(b"\x1a")
    shell.shows(b"Stopped")
    agent.detached()

    asleep = agent.deliver(Input("asleep"))
    shell.type(b"fg\r")
    agent.attached()
    awake = agent.deliver(Input("awake"))
    screen = shell.shows(b"awake\r\n", times=2)
    shell.close()

    assert (asleep.ending, asleep.reason) == (Ending.FAILED, Reason.TARGET_GONE)
    assert awake == Outcome.done()
    assert b"asleep" not in screen


STRANGER = """
import socket
server = socket.socket(socket.AF_UNIX)
server.bind({path!r})
server.listen()
print("up", flush=True)
connection, _ = server.accept()
connection.sendall({answer!r})
connection.close()
print("asked", flush=True)
"""


@pytest.mark.parametrize("answer", [b"nonsense\n", b'{"ok": false, "reason": "SESSION_ENDED"}\n', b"[]\n", b""])
def test_a_socket_that_is_no_agent_s_goes_unnoticed(run: Run, socket: Path, answer: bytes) -> None:
    program = STRANGER.format(path=str(socket), answer=answer)
    with subprocess.Popen([sys.executable, "-I", "-c", program], stdout=subprocess.PIPE) as stranger:
        assert stranger.stdout is not None
        assert stranger.stdout.readline() == b"up\n"
        terminal = run("sh", "-c", "echo here; read line; echo $line")

        terminal.shows(b"here")
        assert stranger.stdout.readline() == b"asked\n"
        terminal.type(b"still\r")

    assert terminal.exit_code() == 0
    assert terminal.screen == b"here\r\nstill\r\nstill\r\n"
