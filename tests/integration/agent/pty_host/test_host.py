"""`pointsman run`: the program cannot tell, and neither can the person."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.agent.backends.stages import ended_record, recorder
from tests.integration.agent.backends.terminal import Terminal, host
from tests.waiting import wait_until

Open = Callable[..., Terminal]


@pytest.fixture
def open_terminal() -> Iterator[Open]:
    opened: list[Terminal] = []

    def terminal(*command: str, rows: int = 24, columns: int = 80) -> Terminal:
        opened.append(Terminal(host(*command), rows, columns))
        return opened[-1]

    yield terminal
    for one in opened:
        one.close()


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


RAW = "import os, sys, tty; tty.setraw(0); "


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("true", 0),
        ("exit 3", 3),
        ("exit 255", 255),
        ("kill -TERM $$", 128 + 15),
        ("kill -KILL $$", 128 + 9),
        ("kill -INT $$", 128 + 2),
    ],
)
def test_the_exit_code_is_the_program_s(open_terminal: Open, line: str, code: int) -> None:
    assert open_terminal("sh", "-c", line).exit_code() == code


@pytest.mark.parametrize("command", ["nosuchprogram", "nosuch=program", "/"])
def test_what_cannot_be_started_is_told_as_a_shell_tells_it(open_terminal: Open, command: str) -> None:
    terminal = open_terminal(command)

    assert terminal.exit_code() in (126, 127)
    assert command.encode() in terminal.screen


def test_a_program_with_an_equals_sign_in_its_name_is_started(open_terminal: Open, data_dir: Path) -> None:
    program = data_dir / "a=b"
    program.write_text("#!/bin/sh\necho started $1\n")
    program.chmod(0o700)

    terminal = open_terminal(str(program), "well")

    assert (terminal.exit_code(), terminal.screen) == (0, b"started well\r\n")


def test_every_byte_of_output_comes_unchanged(open_terminal: Open) -> None:
    terminal = open_terminal(*python(RAW + "os.write(1, bytes(range(256)) + b'\\x1b[31mred\\x1b[0m\\x1b[?2004h')"))

    assert terminal.exit_code() == 0
    assert terminal.screen == bytes(range(256)) + b"\x1b[31mred\x1b[0m\x1b[?2004h"


def test_every_byte_of_input_goes_unchanged(open_terminal: Open, data_dir: Path) -> None:
    terminal = open_terminal(*recorder(data_dir / "record"))
    terminal.shows(b"READY")
    keys = bytes(byte for byte in range(256) if byte != 4) + b"\x1b[A\x1b[200~x\x1b[201~\x04"

    terminal.type(keys)

    assert terminal.exit_code() == 0
    assert ended_record(data_dir / "record") == keys


DIGITS = "import os\nfor _ in range(1000): os.write(1, b'0123456789' * 100)\n"


@pytest.mark.parametrize(("ending", "code"), [("", 0), ("os.kill(os.getpid(), 9)", 137)], ids=["exits", "is killed"])
def test_nothing_of_much_output_is_lost_when_the_program(open_terminal: Open, ending: str, code: int) -> None:
    terminal = open_terminal(*python(DIGITS + ending))

    assert terminal.exit_code() == code
    assert terminal.screen == b"0123456789" * 100_000


def test_the_size_is_the_outer_one_from_the_start(open_terminal: Open) -> None:
    terminal = open_terminal("stty", "size", rows=41, columns=133)

    assert (terminal.exit_code(), terminal.screen) == (0, b"41 133\r\n")


def test_a_change_of_size_is_told_to_the_program(open_terminal: Open) -> None:
    terminal = open_terminal("sh", "-c", "trap 'stty size; exit' WINCH; echo up; while :; do sleep 0.01; done")
    terminal.shows(b"up")

    terminal.resize(50, 200)

    assert terminal.exit_code() == 0
    assert terminal.screen == b"up\r\n50 200\r\n"


def test_ctrl_c_is_the_program_s_own(open_terminal: Open) -> None:
    terminal = open_terminal("sh", "-c", "trap 'echo caught; exit 5' INT; echo up; while :; do sleep 0.01; done")
    terminal.shows(b"up")

    terminal.type(b"\x03")

    assert terminal.exit_code() == 5
    assert b"caught" in terminal.screen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1])
def test_signals_go_on_to_the_program(open_terminal: Open, number: signal.Signals) -> None:
    terminal = open_terminal("sh", "-c", f"trap 'exit 42' {number.value}; echo up; while :; do sleep 0.01; done")
    terminal.shows(b"up")

    terminal.signal(number)

    assert terminal.exit_code() == 42


def test_a_closed_window_hangs_up_on_the_program(open_terminal: Open, data_dir: Path) -> None:
    gone = data_dir / "gone"
    terminal = open_terminal("sh", "-c", f"trap 'touch {gone}; exit' HUP; echo up; while :; do sleep 0.01; done")
    terminal.shows(b"up")

    terminal.hang_up()

    assert wait_until(gone.exists)


def test_a_program_whose_host_is_killed_is_hung_up_on(open_terminal: Open, data_dir: Path) -> None:
    gone = data_dir / "gone"
    terminal = open_terminal("sh", "-c", f"trap 'touch {gone}; exit' HUP; echo up; while :; do sleep 0.01; done")
    terminal.shows(b"up")

    terminal.signal(signal.SIGKILL)

    assert wait_until(gone.exists)


@pytest.mark.parametrize(
    "line", ["true", "exit 3", "kill -9 $$", "stty raw -echo", "stty -icrnl; kill -TERM $PPID; kill -TERM $$"]
)
def test_the_terminal_s_modes_are_as_before(open_terminal: Open, line: str) -> None:
    terminal = open_terminal("sh", "-c", line)

    terminal.exit_code()

    assert terminal.modes() == terminal.modes_before


def test_modes_of_the_terminal_are_taken_over(open_terminal: Open) -> None:
    terminal = open_terminal("stty", "-g")
    terminal.exit_code()

    with Path(os.ttyname(terminal.slave)).open() as outer:
        modes = subprocess.run(["stty", "-g"], stdin=outer, capture_output=True).stdout

    assert terminal.screen.split() == modes.split()


def test_what_runs_on_in_the_background_does_not_hold_up_the_end(open_terminal: Open, data_dir: Path) -> None:
    pid = data_dir / "pid"
    terminal = open_terminal("sh", "-c", f"sleep 60 & echo $! > {pid}; echo done")

    assert (terminal.exit_code(), terminal.screen) == (0, b"done\r\n")
    os.kill(int(pid.read_text()), signal.SIGKILL)  # still there: it was not hung up on


def test_the_program_knows_its_session(open_terminal: Open) -> None:
    terminal = open_terminal("sh", "-c", "echo $POINTSMAN_SESSION_ID")

    terminal.exit_code()

    assert terminal.screen == b"s1\r\n"


def test_without_a_session_id_one_is_made_up() -> None:
    command = host("sh", "-c", "echo ${#POINTSMAN_SESSION_ID}", session_id="")

    assert subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL).stdout == b"36\n"


def job_control(folder: Path) -> Terminal:
    rc = folder / "rc"
    rc.write_text("PS1='READY$ '; HISTFILE=; bind 'set enable-bracketed-paste off'\n")
    return Terminal(["bash", "--noprofile", "--rcfile", str(rc), "-i"])


def test_ctrl_z_suspends_and_fg_resumes(data_dir: Path) -> None:
    shell = job_control(data_dir)
    shell.shows(b"READY$")
    shell.type(" ".join(host("cat")).encode() + b"; echo rc=$?\r")
    shell.type(b"hello\r")
    shell.shows(b"hello\r\nhello\r\n")

    shell.type(b"\x1a")
    shell.shows(b"Stopped")
    shell.shows(b"READY$", times=2)
    shell.type(b"stty -a | grep -o ' icanon'; fg; echo end=$?\r")
    shell.shows(b" icanon")
    shell.type(b"again\r")
    shell.shows(b"again\r\nagain\r\n")
    shell.type(b"\x04")

    shell.shows(b"end=0")
    shell.close()


def piped(*command: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(host(*command), input=stdin, capture_output=True, timeout=60)


@pytest.mark.parametrize("stdin", [b"", b"line\n", b"no newline", b"a\nb\n\nc", "žluťoučký\n".encode() * 50_000])
def test_input_from_a_pipe_passes_through_to_its_end(stdin: bytes) -> None:
    ended = piped("cat", stdin=stdin)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, stdin, b"")


def test_without_a_terminal_the_size_is_80_by_24() -> None:
    assert piped("stty", "size").stdout == b"24 80\n"


def test_output_to_a_pipe_is_as_the_program_wrote_it() -> None:
    ended = piped("sh", "-c", "seq 1 100000; exit 7")

    assert ended.stdout == b"".join(b"%d\n" % number for number in range(1, 100_001))
    assert ended.returncode == 7


def test_a_reader_that_goes_away_ends_the_program() -> None:
    with subprocess.Popen(host("yes"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.read(10)
        running.stdout.close()

        assert running.wait(20) == 128 + signal.SIGPIPE


def test_input_from_a_file_and_output_to_one(data_dir: Path) -> None:
    source, result = data_dir / "in", data_dir / "out"
    source.write_bytes(b"a line\n" * 1000)

    with source.open("rb") as stdin, result.open("wb") as stdout:
        code = subprocess.run(host("cat"), stdin=stdin, stdout=stdout, stderr=subprocess.STDOUT, timeout=60).returncode

    assert (code, result.read_bytes()) == (0, b"a line\n" * 1000)
