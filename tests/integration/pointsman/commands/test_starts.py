"""`pointsman start` and `pointsman stop`: what they ask of the router, and what they print."""

import json

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.pointsman.conftest import Run
from tests.rigs.scripted_control import FakeControl


def test_start_asks_for_a_session_and_prints_its_id(run: Run, control: FakeControl) -> None:
    control.machines = [types.Machine(machine_id="laptop", connected=True)]
    options = ["--machine", "lapt", "--folder", "~/src/api", "--resume", "talk", "--ttl", "2h"]
    done = run("start", *options, "fix it")

    (asked,) = (each for each in control.requests if isinstance(each, pb.StartSessionRequest))
    assert (done.exit_code, done.stdout) == (0, "s1\n")
    assert (asked.machine_id, asked.folder, asked.conversation_id) == ("laptop", "~/src/api", "talk")
    assert (asked.prompt, asked.origin.source) == ("fix it", "cli")
    assert asked.request_id
    assert asked.ttl.seconds == 7200


@pytest.mark.parametrize(("options", "keep"), [([], False), (["--keep"], True)])
def test_a_start_may_ask_for_a_session_that_is_kept(
    run: Run, control: FakeControl, options: list[str], keep: bool
) -> None:
    run("start", *options, "fix it")

    (asked,) = (each for each in control.requests if isinstance(each, pb.StartSessionRequest))
    assert asked.keep is keep


@pytest.mark.parametrize(("options", "agent"), [([], ""), (["--agent", "gemini"], "gemini")])
def test_a_start_may_name_a_coding_agent(run: Run, control: FakeControl, options: list[str], agent: str) -> None:
    run("start", *options, "fix it")

    (asked,) = (each for each in control.requests if isinstance(each, pb.StartSessionRequest))
    assert asked.agent == agent


def test_keep_asks_for_it(run: Run, control: FakeControl) -> None:
    control.add_session("s1", "api")
    control.machines = [types.Machine(machine_id="box", connected=True)]
    control.ends_as = types.COMMAND_STATE_DONE
    done = run("keep", "api")

    (asked,) = (each for each in control.requests if isinstance(each, pb.SendCommandRequest))
    assert done.exit_code == 0
    assert (asked.session_id, asked.action.WhichOneof("kind")) == ("s1", "keep_session")
    assert asked.request_id


def test_start_reads_its_prompt_from_standard_input(run: Run, control: FakeControl) -> None:
    run("start", "-", stdin="two\nlines")

    (asked,) = (each for each in control.requests if isinstance(each, pb.StartSessionRequest))
    assert asked.prompt == "two\nlines"


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

    (asked,) = (each for each in control.requests if isinstance(each, pb.StopSessionRequest))
    assert (done.exit_code, done.stdout) == (0, "stop queued\n")
    assert asked.session_id == "s-1"


@pytest.mark.parametrize("command", [("start", "fix it"), ("stop", "s-1")], ids=["start", "stop"])
def test_what_is_refused_at_once_is_no_success(run: Run, control: FakeControl, command: tuple[str, str]) -> None:
    control.machines = [types.Machine(machine_id="box", connected=True)]
    control.add_session("s-1")
    control.ends_as, control.end_reason = types.COMMAND_STATE_FAILED, types.REASON_UNSUPPORTED

    done = run(*command)

    assert done.exit_code == 1
    assert "failed (UNSUPPORTED)" in done.stdout


@pytest.mark.parametrize("command", [("start", "fix it"), ("stop", "s-1")], ids=["start", "stop"])
def test_of_a_machine_that_is_away_nothing_is_waited_for(
    run: Run, control: FakeControl, command: tuple[str, str]
) -> None:
    control.machines = [types.Machine(machine_id="box", connected=False)]
    control.add_session("s-1")
    control.ends_as = types.COMMAND_STATE_FAILED

    done = run(*command)

    assert done.exit_code == 0
    assert "box is away: it is queued" in done.stderr


def test_a_start_that_goes_on_after_five_seconds_is_a_success(run: Run, control: FakeControl) -> None:
    control.machines = [types.Machine(machine_id="box", connected=True)]
    control.ends_as = types.COMMAND_STATE_RECEIVED

    assert run("start", "fix it").exit_code == 0


def test_stop_of_what_has_not_begun_takes_it_back(run: Run, control: FakeControl) -> None:
    control.machines = [types.Machine(machine_id="box", connected=True)]
    control.add_session("s-1")
    control.ends_as = types.COMMAND_STATE_CANCELLED

    done = run("stop", "s-1")

    assert (done.exit_code, done.stdout) == (0, "stop cancelled\n")
