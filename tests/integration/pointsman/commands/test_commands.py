"""Commands about commands: what they ask of the router, print, and leave as exit code."""

import json

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.pointsman.conftest import Run
from tests.rigs.scripted_control import FakeControl


def test_send_types_text_and_enter_and_prints_the_command(run: Run, control: FakeControl) -> None:
    control.add_session("s-1", "api")

    done = run("send", "s-1", "hello there")

    assert (done.exit_code, done.stdout) == (0, "c1 queued\n")
    assert control.commands[0].action.input == types.Input(text="hello there", submit=True)
    assert control.commands[0].origin.source == "cli"


def test_each_send_has_a_request_id_of_its_own(run: Run, control: FakeControl) -> None:
    control.add_session("s-1")

    run("send", "s-1", "one")
    run("send", "s-1", "one")

    ids = {request.request_id for request in control.requests if hasattr(request, "action")}
    assert len(ids) == 2


@pytest.mark.parametrize("text", ["- one\n- two", "--verbose is wrong", "-1"])
def test_a_text_may_begin_with_a_dash(run: Run, control: FakeControl, text: str) -> None:
    control.add_session("s-1")

    assert run("send", "s-1", text).exit_code == 0
    assert control.commands[0].action.input.text == text


def test_send_reads_standard_input_for_a_dash(run: Run, control: FakeControl) -> None:
    control.add_session("s-1")

    run("send", "s-1", "-", stdin="two\nlines")

    assert control.commands[0].action.input.text == "two\nlines"


@pytest.mark.parametrize("name", ["api-refactor", "API-Refactor", "0192aaaa", "0192aaaa-1111"])
def test_a_session_may_be_named_by_label_or_beginning_of_its_id(run: Run, control: FakeControl, name: str) -> None:
    control.add_session("0192aaaa-1111", "api-refactor")
    control.add_session("0192bbbb-2222", "docs")

    done = run("send", name, "hello")

    assert done.exit_code == 0
    assert control.commands[0].session_id == "0192aaaa-1111"


def test_a_name_that_fits_two_sessions_is_refused_with_both(run: Run, control: FakeControl) -> None:
    control.add_session("s-1", "api", "box")
    control.add_session("s-2", "api", "laptop")

    done = run("send", "api", "hello")

    assert done.exit_code == 2
    assert "api (s-1) on box, api (s-2) on laptop" in done.stderr
    assert not control.commands


def test_a_session_that_ended_is_not_taken_for_one_whose_id_begins_alike(run: Run, control: FakeControl) -> None:
    control.add_session("build").state = types.SESSION_STATE_ENDED
    control.add_session("build-2")
    refused = "Session build has ended."
    control.failures["SendCommand"] = (grpc.StatusCode.FAILED_PRECONDITION, "SESSION_ENDED", refused)

    done = run("send", "build", "hello")

    assert refused in done.stderr
    assert control.requests[-1].session_id == "build"


def test_a_slip_in_a_session_s_name_is_told_what_it_may_mean(run: Run, control: FakeControl) -> None:
    control.add_session("s-1", "api-refactor")

    done = run("send", "api-refctor", "hello")

    assert done.exit_code == 5
    assert "Did you mean api-refactor?" in done.stderr


def test_send_may_be_given_a_time_to_live(run: Run, control: FakeControl) -> None:
    control.add_session("s-1")

    done = run("send", "s-1", "hello", "--ttl", "30m")

    assert done.exit_code == 0
    assert control.requests[-1].ttl.seconds == 1800


@pytest.mark.parametrize("more", [(), ("--wait",)], ids=["plain", "wait"])
def test_send_says_that_the_machine_is_away(run: Run, control: FakeControl, more: tuple[str, ...]) -> None:
    control.add_session("s-1").connected = False

    done = run("send", "s-1", "hello", *more)

    assert done.exit_code == 0
    assert "box is away" in done.stderr


def test_a_command_is_named_by_a_part_of_its_id_and_changed_by_the_whole(run: Run, control: FakeControl) -> None:
    control.add_command("0192aaaa-1111-7000-8000-00000000beef", "s-1", types.COMMAND_STATE_DEAD)

    for verb in ("retry", "drop", "cancel"):
        assert run(verb, "0000beef").exit_code == 0
        assert control.requests[-1].command_id == "0192aaaa-1111-7000-8000-00000000beef"


@pytest.mark.parametrize("name", ["nobody", "no such label"])
def test_a_session_that_does_not_exist_is_not_found(run: Run, name: str) -> None:
    done = run("send", name, "hello")

    assert done.exit_code == 5


def test_send_wait_ends_well_when_it_was_typed(run: Run, control: FakeControl) -> None:
    control.add_session("s-1")

    done = run("send", "s-1", "hello", "--wait", "--json")

    assert done.exit_code == 0
    assert json.loads(done.stdout)["state"] == "DONE"


def test_send_wait_fails_with_the_reason_when_it_was_not_typed(run: Run, control: FakeControl) -> None:
    control.add_session("s-1")
    control.ends_as, control.end_reason = types.COMMAND_STATE_FAILED, types.REASON_TARGET_GONE

    done = run("send", "s-1", "hello", "--wait")

    assert (done.exit_code, done.stdout) == (1, "c1 failed (TARGET_GONE)\n")


def test_send_wait_sits_out_a_router_that_restarts(run: Run, control: FakeControl) -> None:
    control.add_session("s-1")
    control.absences["GetCommand"] = 2

    done = run("send", "s-1", "hello", "--wait")

    assert (done.exit_code, done.stdout) == (0, "c1 done\n")


def test_key_presses_a_key(run: Run, control: FakeControl) -> None:
    control.add_session("s-1")

    done = run("key", "s-1", "esc")

    assert done.exit_code == 0
    assert control.commands[0].action.key.name == "esc"


def test_commands_are_listed_by_session_and_state(run: Run, control: FakeControl) -> None:
    control.add_session("s-1")
    control.add_command("old", "s-1", types.COMMAND_STATE_DONE)
    control.add_command("other", "s-2", types.COMMAND_STATE_QUEUED)
    control.add_command("new", "s-1", types.COMMAND_STATE_QUEUED)

    done = run("commands", "--session", "s-1", "--state", "QUEUED", "--json")

    assert [command["commandId"] for command in json.loads(done.stdout)] == ["new"]


def test_commands_in_a_pipe_are_whole_columns(run: Run, control: FakeControl) -> None:
    control.add_command("0192-a-long-command-id-that-must-not-be-cut", "s-1", types.COMMAND_STATE_DONE, "x" * 100)

    heading, row = run("commands").stdout.splitlines()

    assert heading.split() == ["session", "id", "state", "accepted", "why", "what"]
    assert row.startswith("s-1      0192-a-long-command-id-that-must-not-be-cut  done")


def test_what_a_session_said_cannot_move_the_cursor(run: Run, control: FakeControl) -> None:
    control.add_command("c", "s-1", types.COMMAND_STATE_DONE, "\x1b[2Jgone\r\nnew line")

    done = run("commands")

    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == 2


def test_dead_letters_are_listed(run: Run, control: FakeControl) -> None:
    control.add_command("fine", "s-1", types.COMMAND_STATE_DONE)
    control.add_command("lost", "s-1", types.COMMAND_STATE_DEAD)

    done = run("dead", "--json")

    assert [command["commandId"] for command in json.loads(done.stdout)] == ["lost"]


def test_messages_that_did_not_arrive_are_told_beside_them_with_the_reason(run: Run, control: FakeControl) -> None:
    chat = types.ChatRef(transport="telegram", chat_id="4711")
    dead = types.NOTIFICATION_STATE_DEAD
    control.notifications.append(types.Notification(notification_id="n-7", chat=chat, state=dead, detail="set aside"))

    done = run("dead")

    assert "A message to 4711 did not arrive: set aside (pointsman trace n-7)" in done.stdout


def test_retry_makes_a_new_command(run: Run, control: FakeControl) -> None:
    control.add_command("lost", "s-1", types.COMMAND_STATE_DEAD)

    done = run("retry", "lost", "--json")

    command = json.loads(done.stdout)
    assert (command["commandId"], command["redriveOf"], command["sessionId"]) == ("c-new", "lost", "s-1")


def test_redirect_takes_another_session_by_its_label(run: Run, control: FakeControl) -> None:
    control.add_session("s-2", "docs")
    control.add_command("lost", "s-1", types.COMMAND_STATE_DEAD)

    done = run("redirect", "lost", "docs")

    assert (done.exit_code, done.stdout) == (0, "c-new queued\n")
    assert control.commands[0].session_id == "s-2"


def test_cancel_prints_what_came_of_it(run: Run, control: FakeControl) -> None:
    control.add_command("c", "s-1", types.COMMAND_STATE_QUEUED)

    assert run("cancel", "c").stdout == "c cancelled\n"


def test_drop_takes_a_dead_letter_off_the_list(run: Run, control: FakeControl) -> None:
    control.add_command("c", "s-1", types.COMMAND_STATE_DEAD)

    assert json.loads(run("drop", "c", "--json").stdout)["dropped"] is True


@pytest.mark.parametrize("command", ["cancel", "retry", "drop"])
def test_an_unknown_command_is_not_found(run: Run, command: str) -> None:
    done = run(command, "nope")

    assert done.exit_code == 5
    assert "There is no command nope." in done.stderr


@pytest.mark.parametrize(
    ("code", "reason", "exit_code"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED", 4),
        (grpc.StatusCode.NOT_FOUND, "NOT_FOUND", 5),
        (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", 2),
        (grpc.StatusCode.FAILED_PRECONDITION, "SESSION_ENDED", 1),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL", 1),
        (grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE", 1),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_what_the_router_refuses_becomes_an_exit_code_and_its_words(
    run: Run, control: FakeControl, code: grpc.StatusCode, reason: str, exit_code: int
) -> None:
    control.add_session("s-1")
    control.failures["SendCommand"] = (code, reason, "These are the words.")

    done = run("send", "s-1", "hello")

    assert done.exit_code == exit_code
    assert "error: These are the words." in done.stderr


def test_a_wrong_key_is_not_allowed_and_says_the_cure(run: Run) -> None:
    done = run("sessions", POINTSMAN_API_KEY="pmk_wrong")

    assert done.exit_code == 4
    assert "POINTSMAN_API_KEY" in done.stderr
    assert "pmk_wrong" not in done.stderr


def test_no_router_is_not_reachable_and_says_the_cure(run: Run, unused_address: str) -> None:
    done = run("sessions", POINTSMAN_ROUTER=unused_address)

    assert done.exit_code == 3
    assert unused_address in done.stderr
    assert "pointsman up" in done.stderr


def test_trace_shows_what_it_is_and_every_step(run: Run, control: FakeControl) -> None:
    control.add_session("s-1", "api")
    control.add_command("c1", "s-1", types.COMMAND_STATE_SENT, "fix the test")
    control.steps = [
        pb.TraceStep(subject_id="c1", event="accepted", to_state="QUEUED", actor="cli"),
        pb.TraceStep(subject_id="c1", event="sent", from_state="QUEUED", to_state="SENT", detail="epoch 4"),
    ]

    rows = run("trace", "c1").stdout.splitlines()

    assert rows[:2] == ["command c1: api, sent", "  fix the test"]
    assert "QUEUED → SENT" in rows[-1]
    assert "epoch 4" in rows[-1]


def test_trace_shows_what_a_redirect_became(run: Run, control: FakeControl) -> None:
    control.add_session("s-1", "api")
    control.add_session("s-2", "docs")
    control.add_command("c1", "s-1", types.COMMAND_STATE_DEAD, "fix the test")
    control.add_command("c2", "s-2", types.COMMAND_STATE_DONE, "fix the test").redrive_of = "c1"
    control.steps = [pb.TraceStep(subject_id=name, event="accepted", to_state="QUEUED") for name in ("c1", "c2")]

    shown = run("trace", "c1").stdout

    assert "command c1: api, dead" in shown
    assert "command c2, made from c1: docs, done" in shown
