"""`pointsman start` and `pointsman stop`: what they ask of the router, and what they print."""

import json

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.fakes.control_server import FakeControl
from tests.integration.pointsman.conftest import Run


def test_start_asks_for_a_session_and_prints_its_id(run: Run, control: FakeControl) -> None:
    options = ["--machine", "laptop", "--folder", "~/src/api", "--resume", "talk"]
    done = run("start", *options, "fix it")

    asked = control.requests[-1]
    assert (done.exit_code, done.stdout) == (0, "s1\n")
    assert (asked.machine_id, asked.folder, asked.conversation_id) == ("laptop", "~/src/api", "talk")
    assert (asked.prompt, asked.origin.source) == ("fix it", "cli")
    assert asked.request_id


def test_start_reads_its_prompt_from_standard_input(run: Run, control: FakeControl) -> None:
    run("start", "-", stdin="two\nlines")

    assert control.requests[-1].prompt == "two\nlines"


def test_a_start_that_is_waited_for_says_how_it_went(run: Run, control: FakeControl) -> None:
    control.ends_as, control.end_reason = types.COMMAND_STATE_FAILED, types.REASON_FOLDER_NOT_ALLOWED

    done = run("start", "--wait", "fix it")

    assert (done.exit_code, done.stdout) == (1, "s1\nstart failed (FOLDER_NOT_ALLOWED)\n")


def test_a_start_in_json_is_its_command(run: Run) -> None:
    told = json.loads(run("start", "--json", "fix it").stdout)

    assert (told["sessionId"], told["commandId"], told["text"]) == ("s1", "start", "fix it")


def test_a_start_that_is_refused_says_why(run: Run, control: FakeControl) -> None:
    control.failures["StartSession"] = (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", "On which machine?")

    done = run("start", "fix it")

    assert (done.exit_code, "On which machine?" in done.stderr) == (2, True)


@pytest.mark.parametrize("name", ["api", "s-1"])
def test_stop_ends_the_session_that_is_meant(run: Run, control: FakeControl, name: str) -> None:
    control.add_session("s-1", "api")

    done = run("stop", name)

    assert (done.exit_code, done.stdout) == (0, "stop queued\n")
    assert isinstance(control.requests[-1], pb.StopSessionRequest)
    assert control.requests[-1].session_id == "s-1"
