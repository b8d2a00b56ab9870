"""`pointsman screen SESSION`: what its terminal shows."""

import json

import grpc

from pointsman.render import coloured
from tests.integration.pointsman.conftest import Run
from tests.rigs.scripted_control import FakeControl


def test_it_is_shown_without_colours_where_no_terminal_reads_them(run: Run, control: FakeControl) -> None:
    control.add_session("s-1", "api")
    control.screen = "$ \x1b[31mls\n\na.txt\x1b[2J"

    assert run("screen", "api").stdout == "$ ls\n\na.txt[2J\n"
    assert json.loads(run("screen", "api", "--json").stdout) == {"text": control.screen}


def test_on_a_terminal_only_colours_pass() -> None:
    assert coloured("\x1b[1;31mred\x1b]0;title\x07\n\x1b[2J\r\x9bA") == "\x1b[1;31mred]0;title\n[2JA\x1b[0m"


def test_why_it_cannot_be_seen_is_told(run: Run, control: FakeControl) -> None:
    control.add_session("s-1", "api")
    control.failures["Screen"] = (grpc.StatusCode.UNAVAILABLE, "MACHINE_AWAY", "Machine box is away.")

    done = run("screen", "api")

    assert done.exit_code != 0
    assert "Machine box is away." in done.stderr
