"""Machines, keys, and the router's data."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.pointsman.conftest import Run
from tests.rigs.scripted_control import FakeControl


def test_machines_are_listed_with_their_trouble(run: Run, control: FakeControl) -> None:
    control.machines = [types.Machine(machine_id="box", connected=True), types.Machine(machine_id="old", revoked=True)]

    rows = run("machines").stdout.splitlines()

    assert rows[1].split()[:2] == ["box", "yes"]
    assert rows[2].endswith("revoked")


def test_a_join_token_is_printed_alone(run: Run, control: FakeControl) -> None:
    done = run("machine", "token", "--machine", "box", "--ttl", "30m")

    assert done.stdout == "join-me\n"
    assert control.requests[-1].machine_id == "box"
    assert control.requests[-1].ttl.seconds == 1800


def test_a_join_token_in_json_has_its_end(run: Run) -> None:
    made = json.loads(run("machine", "token", "--json").stdout)

    assert made == {"joinToken": "join-me", "expiresAt": "2033-05-18T03:33:20.000Z", "tokenId": "join_1"}


def test_a_span_that_is_none_is_refused(run: Run) -> None:
    done = run("machine", "token", "--ttl", "soon")

    assert done.exit_code == 2
    assert "90s, 30m, 2h or 1d" in done.stderr


def test_revoking_a_machine_tells_what_it_cost(run: Run, control: FakeControl) -> None:
    control.machines = [types.Machine(machine_id="box")]

    assert json.loads(run("machine", "revoke", "box", "--json").stdout) == {"machineId": "box", "deadCommands": 2}


def test_a_new_key_is_printed_alone_on_standard_output(run: Run, control: FakeControl) -> None:
    done = run("apikey", "create", "--label", "ci", "--role", "viewer")

    assert done.stdout == "pmk_new\n"
    assert control.keys[0].role == pb.ROLE_VIEWER


def test_keys_are_listed_without_secrets(run: Run, control: FakeControl) -> None:
    control.keys = [pb.ApiKey(key_id="k1", label="ci", role=pb.ROLE_ADMIN)]

    listed = json.loads(run("apikey", "list", "--json").stdout)

    assert [(key["keyId"], key["role"], key["revoked"]) for key in listed] == [("k1", "ADMIN", False)]


def test_a_key_may_end_by_itself_and_says_when(run: Run, control: FakeControl) -> None:
    done = run("apikey", "create", "--label", "ci", "--expires", "90d")

    assert done.stdout == "pmk_new\n"
    assert control.requests[-1].ttl.seconds == 90 * 86400
    assert "good until 2033-05-18 03:33 UTC" in done.stderr


def test_a_key_may_be_limited(run: Run, control: FakeControl) -> None:
    run("apikey", "create", "--machine", "build-*", "--machine", "ci-?", "--session", "api-*")

    asked = control.requests[-1]
    assert (list(asked.machines), list(asked.sessions)) == (["build-*", "ci-?"], ["api-*"])
    assert "build-* ci-?" in run("apikey", "list").stdout


def test_a_key_gets_another_secret(run: Run, control: FakeControl) -> None:
    control.keys = [pb.ApiKey(key_id="k1", label="ci"), pb.ApiKey(key_id="k2", label="bench")]

    done = run("apikey", "rotate", "ci", "--overlap", "2h")

    assert done.stdout == "pmk_other\n"
    assert "stays good until 2:00:00 after this one was first used" in done.stderr
    asked = control.requests[-1]
    assert (asked.key_id, asked.overlap.seconds) == ("k1", 7200)


def test_the_one_before_may_end_at_once(run: Run, control: FakeControl) -> None:
    control.keys = [pb.ApiKey(key_id="k1", label="ci")]

    run("apikey", "rotate", "ci", "--now")

    assert control.requests[-1].HasField("overlap")
    assert control.requests[-1].overlap.ToTimedelta() == timedelta()


@pytest.mark.parametrize("words", [[], ["ci", "--own"], ["--own", "--now"], ["ci", "--now", "--overlap", "1h"]])
def test_what_is_to_be_rotated_is_said_in_one_way(run: Run, words: list[str]) -> None:
    done = run("apikey", "rotate", *words)

    assert done.exit_code == 2
    assert "--own for those that `pointsman up` made here" in done.stderr


def test_keys_that_nobody_made_here_are_rotated_where_they_come_from(run: Run, control: FakeControl) -> None:
    done = run("apikey", "rotate", "--own")

    assert done.exit_code == 1
    assert "POINTSMAN_API_KEY comes from POINTSMAN_API_KEY in the environment" in done.stderr
    assert not [request for request in control.requests if isinstance(request, pb.RotateApiKeyRequest)]


def test_the_list_tells_which_keys_are_over_and_when_they_were_used(run: Run, control: FakeControl) -> None:
    control.keys = [pb.ApiKey(key_id="k1", label="never"), pb.ApiKey(key_id="k2", label="old")]
    control.keys[1].expires_at.FromSeconds(1_700_000_000)
    control.keys[1].last_used_at.FromSeconds(1_600_000_000)

    [_, never, old] = run("apikey", "list").stdout.splitlines()
    listed = json.loads(run("apikey", "list", "--json").stdout)

    assert "expired" not in never
    assert old.split()[-4:] == ["2023-11-14", "-", "-", "expired"]
    assert [key["lastUsedAt"] for key in listed] == [None, "2020-09-13T12:26:40.000Z"]


def test_a_key_is_revoked(run: Run, control: FakeControl) -> None:
    control.keys = [pb.ApiKey(key_id="k1", label="ci"), pb.ApiKey(key_id="k2", label="bench")]

    done = run("apikey", "revoke", "bench")

    assert done.exit_code == 0
    assert control.requests[-1].key_id == "k2"


def test_a_machine_that_does_not_exist_is_not_revoked_but_one_like_it_is_told(run: Run, control: FakeControl) -> None:
    control.machines = [types.Machine(machine_id="devbox"), types.Machine(machine_id="laptop")]

    done = run("machine", "revoke", "devbx")

    assert done.exit_code == 5
    assert "Did you mean devbox?" in done.stderr
    assert not [request for request in control.requests if isinstance(request, pb.RevokeMachineRequest)]


def test_backup_asks_for_an_absolute_path(run: Run, control: FakeControl, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"

    done = run("backup", str(target), "--json")

    assert json.loads(done.stdout) == {"path": str(target), "bytes": 4096}
    assert control.requests[-1].path == str(target)


def test_cleanup_counts_what_it_removed(run: Run) -> None:
    assert json.loads(run("cleanup", "--json").stdout)["commands"] == 3
    assert "3 commands" in run("cleanup").stdout


def test_export_prints_every_record_as_a_line(run: Run, control: FakeControl) -> None:
    control.add_session("s-1", "api")
    control.add_command("c1", "s-1", types.COMMAND_STATE_DONE)
    control.notifications = [types.Notification(notification_id="n1", text="hi")]

    lines = [json.loads(line) for line in run("export").stdout.splitlines()]

    assert [line["type"] for line in lines] == ["session", "command", "notification"]


def test_export_pages_through_all_commands(run: Run, control: FakeControl) -> None:
    made = [control.add_command(f"c{number}", "s-1", types.COMMAND_STATE_DONE) for number in range(1500)]

    lines = run("export").stdout.splitlines()

    assert len(lines) == len(made)


def test_export_pages_through_all_notifications(run: Run, control: FakeControl) -> None:
    control.notifications = [types.Notification(notification_id=f"n{number}") for number in range(1500)]

    assert len(run("export").stdout.splitlines()) == 1500


def test_watch_resumes_without_a_gap(run: Run, control: FakeControl) -> None:
    step = pb.TraceStep(subject_id="c1", event="sent", from_state="QUEUED", to_state="SENT")
    control.events = [pb.WatchEventsResponse(event_id=number, step=step) for number in (1, 2, 3)]
    control.broken_streams = 2

    done = run("watch")

    assert [line.split()[0] for line in done.stdout.splitlines()] == ["1", "2", "3"]
    assert "trying again" in done.stderr


def test_watch_prints_events_with_the_number_to_resume(run: Run, control: FakeControl) -> None:
    control.add_session("s-1", "api")
    step = pb.TraceStep(subject_id="c1", event="sent", from_state="QUEUED", to_state="SENT")
    control.events = [pb.WatchEventsResponse(event_id=number, step=step, session_id="s-1") for number in (7, 8)]

    done = run("watch", "api", "--steps", "--after", "7", "--json")

    assert [json.loads(line)["eventId"] for line in done.stdout.splitlines()] == [8]
    assert done.exit_code == 4  # how the small router ends its stream
