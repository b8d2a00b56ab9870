"""What a person sees in a terminal of 80 columns, and in narrower ones."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from google.protobuf.timestamp_pb2 import Timestamp
from rich.cells import cell_len

from tests.rigs.scripted_control import API_KEY, FakeControl

Show = Callable[..., list[str]]
NUMBERS = "0192aaaa-1111-7000-8000-0000{:08x}"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def show(control: FakeControl, data_dir: Path) -> Show:
    """Runs one command in a terminal of so many columns; the lines that it shows there."""
    environ = {
        **os.environ,
        "POINTSMAN_ROUTER": control.address,
        "POINTSMAN_API_KEY": API_KEY,
        "POINTSMAN_DATA_DIR": str(data_dir),
        "TERM": "xterm",
    }
    environ.pop("COLUMNS", None)

    def run(*arguments: str, columns: int = 80) -> list[str]:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with subprocess.Popen(
            [sys.executable, "-I", "-m", "pointsman", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environ,
        ):
            os.close(theirs)
            shown = _all_of(ours)
        return [_COLOUR.sub("", line) for line in shown.decode().splitlines()]

    return run


def _all_of(terminal: int) -> bytes:
    shown = b""
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
    except OSError:  # the program has ended
        return shown
    finally:
        os.close(terminal)
    return shown


@pytest.fixture
def full(control: FakeControl) -> FakeControl:
    """A router with long names in everything."""
    now = Timestamp()
    now.GetCurrentTime()
    for number in range(3):
        identity = NUMBERS.format(number)
        session = control.add_session(f"session_{identity}", f"a-long-label-of-a-refactoring-{number}", "m" * 40)
        session.cwd, session.backend = "/srv/src/a/deep/folder/of/a/project", "headless"
        session.state, session.waiting_for = types.SESSION_STATE_WAITING, "permission: mcp__something__long"
        control.add_command(identity, session.session_id, types.COMMAND_STATE_DEAD, "words " * 40)
        control.notifications.append(
            types.Notification(
                notification_id=identity, session_id=session.session_id, text="words " * 40, detail="why " * 20,
                chat=types.ChatRef(transport="telegram", chat_id="-1001234567890"), created_at=now,
                state=types.NOTIFICATION_STATE_DELIVERED,
            )
        )  # fmt: skip
        control.permissions.append(
            types.Permission(permission_id=identity, session_id=session.session_id, tool="Bash", input="words " * 40)
        )
        control.machines.append(types.Machine(machine_id=f"{number}" * 40, agent_version="0.1.0", created_at=now))
        control.keys.append(pb.ApiKey(key_id=identity, label="label " * 20, role=pb.ROLE_OPERATOR, created_at=now))
        control.steps.append(
            pb.TraceStep(
                subject_id=identity, event="Accepted", to_state="QUEUED", actor="somebody@machine", detail="why " * 20,
                at=now,
            )
        )  # fmt: skip
    return control


TABLES = [
    ("sessions",), ("commands",), ("dead",), ("notifications",), ("permissions",), ("machines",), ("apikey", "list"),
    ("trace", "x"), ("doctor", "--settings"),
]  # fmt: skip


@pytest.mark.parametrize("columns", [80, 60])
@pytest.mark.parametrize("command", TABLES, ids=" ".join)
def test_every_row_of_a_table_is_one_line_that_fits(
    show: Show, full: FakeControl, command: tuple[str, ...], columns: int
) -> None:
    assert full.sessions

    lines = show(*command, columns=columns)

    table = [line for line in lines if not line.startswith(("command ", "  words"))]
    assert max(map(cell_len, table)) <= columns
    assert len([line for line in table if line]) == (1 + 3 if command[0] != "doctor" else len(table))


@pytest.mark.parametrize("command", [("sessions",), ("commands",), ("notifications",), ("permissions",)], ids=" ".join)
def test_the_label_comes_first_and_the_id_is_its_last_eight_characters(
    show: Show, full: FakeControl, command: tuple[str, ...]
) -> None:
    assert full.sessions

    heading, *rows = show(*command)

    assert heading.split()[0] in ("label", "session")
    assert all(row.startswith("a-long-label") for row in rows)
    assert {row.split()[1] for row in rows} == {"00000000", "00000001", "00000002"}


def test_an_id_as_it_is_shown_is_taken(show: Show, full: FakeControl) -> None:
    assert show("cancel", "00000001") == ["00000001 cancelled"]
    assert full.requests[-1].command_id == NUMBERS.format(1)


def test_what_doctor_finds_is_broken_between_words(show: Show, data_dir: Path) -> None:
    lines = show("doctor")

    margin = next(line.index("settings") for line in lines if "settings" in line) + len("data directory  ")
    broken = [line for line in lines if line.startswith(" " * margin)]
    assert broken
    assert not [line for line in lines if cell_len(line) > 80 and str(data_dir) not in line]


def test_wide_letters_count_twice(show: Show, control: FakeControl) -> None:
    control.add_session("s-1", "日本語" * 30)

    assert max(map(cell_len, show("sessions"))) <= 80
