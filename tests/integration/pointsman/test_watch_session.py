"""`pointsman watch SESSION`: what a session does, for people and for programs."""

import json
import re

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import session_events_pb2 as events_pb
from agentlink.v1 import types_pb2 as types
from google.protobuf.timestamp_pb2 import Timestamp

from tests.integration.pointsman.conftest import Run
from tests.rigs.scripted_control import FakeControl

SAID, TOOL, PLAN = events_pb.Said, events_pb.ToolUse, events_pb.Plan
EVENTS = [
    {"said": SAID(by=events_pb.SPEAKER_USER, text="fix the test")},
    {"said": SAID(by=events_pb.SPEAKER_ASSISTANT, text="I look.\nThen I fix \x1b[31mit.")},
    {"tool": TOOL(id="t", name="Bash", title="make test", state=events_pb.WORK_STATE_RUNNING)},
    {"tool": TOOL(id="t", output="1\n2\n3\n4\n5\n6", state=events_pb.WORK_STATE_FAILED)},
    {"plan": PLAN(entries=[events_pb.PlanEntry(text="Look", state=events_pb.WORK_STATE_DONE)])},
    {"usage": events_pb.Usage(output_tokens=7, context_tokens=1200)},
    {"status": events_pb.SessionStatus(state=types.SESSION_STATE_WAITING, waiting_for="permission prompt")},
    {"metadata": events_pb.SessionMetadata(model="opus", branch="main")},
    {"gap": events_pb.EventGap(why="They are not kept any more.", first_seq=9, last_seq=9)},
]


def telling(control: FakeControl) -> None:
    control.add_session("s-1", "api")
    control.session_events = [
        pb.WatchSessionResponse(event=events_pb.SessionEvent(seq=seq, generation=1, **event))  # type: ignore[arg-type]
        for seq, event in enumerate(EVENTS, 1)
    ]


def test_people_read_what_it_does(run: Run, control: FakeControl) -> None:
    telling(control)

    done = run("watch", "api")

    assert done.stdout.splitlines() == [
        "1  > fix the test",
        "2  ● I look.",
        "    Then I fix [31mit.",
        "3  … Bash make test",
        "4  ✗ 1",
        *("    2", "    3", "    4", "    5", "    …"),
        "5  plan",
        "    ✓ Look",
        "6  tokens: 7 written, 1200 in use",
        "7  waiting permission prompt",
        "8  model: opus, branch: main",
        "9  missing: They are not kept any more.",
    ]
    assert done.exit_code == 4  # how the small router ends its stream


def test_programs_read_json_and_resume(run: Run, control: FakeControl) -> None:
    telling(control)

    done = run("watch", "api", "--after", "7", "--json")

    first, second = map(json.loads, done.stdout.splitlines())
    assert first == {
        "seq": 8, "generation": 1, "at": None, "kind": "metadata", "content": {"model": "opus", "branch": "main"},
    }  # fmt: skip
    assert second["content"] == {"why": "They are not kept any more.", "firstSeq": 9, "lastSeq": 9}


def test_a_break_is_resumed_without_a_gap(run: Run, control: FakeControl) -> None:
    telling(control)
    control.broken_streams = 2

    done = run("watch", "s-1", "--json")

    assert [json.loads(line)["seq"] for line in done.stdout.splitlines()] == list(range(1, 10))
    assert "trying again" in done.stderr


def told(control: FakeControl, **event: object) -> None:
    control.add_session("s-1", "api")
    one = events_pb.SessionEvent(seq=1, generation=1, **event)  # type: ignore[arg-type]
    control.session_events = [pb.WatchSessionResponse(event=one)]


USE = events_pb.ToolUse(id="c", parent_id="t", name="Bash", title="ls", state=events_pb.WORK_STATE_RUNNING)
LIMITED = events_pb.SessionStatus(state=types.SESSION_STATE_IDLE, limited_until=Timestamp(seconds=1795974705))
FAILED = events_pb.Said(by=events_pb.SPEAKER_SYSTEM, text="API Error: 529", is_error=True)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ({"tool": USE}, "1  ↳ … Bash ls"),
        ({"status": events_pb.SessionStatus(state=types.SESSION_STATE_BUSY, by_screen=True)}, "1  busy by its screen"),
        ({"said": FAILED}, "1  ✗ API Error: 529"),
        (
            {"usage": events_pb.Usage(context_tokens=1200, context_size=200_000, cost_usd=0.254)},
            "1  tokens: 0 written, 1200 of 200000 in use, 0.25 USD so far",
        ),
        (
            {"metadata": events_pb.SessionMetadata(mode="plan", commands=["clear", "compact"])},
            "1  mode: plan, commands: 2",
        ),
    ],
)
def test_a_line_says_what_a_person_wants_of_it(
    run: Run, control: FakeControl, event: dict[str, object], line: str
) -> None:
    told(control, **event)

    assert run("watch", "api").stdout.splitlines() == [line]


def test_a_limit_says_until_when(run: Run, control: FakeControl) -> None:
    told(control, status=LIMITED)

    assert re.fullmatch(r"1  idle at a limit until \d\d:\d\d", run("watch", "api").stdout.strip())
    [shown] = [json.loads(line) for line in run("watch", "api", "--json").stdout.splitlines()]
    assert shown["content"] == {"state": "IDLE", "limitedUntil": "2026-11-29T17:51:45.000Z"}


def test_what_is_being_said_is_shown_to_who_asks_for_it(run: Run, control: FakeControl) -> None:
    told(control, said=SAID(by=events_pb.SPEAKER_ASSISTANT, text="I look at it."))
    delta = events_pb.SaidDelta(answer_id="m1.0", before=7, text="at ")
    control.session_events.insert(0, pb.WatchSessionResponse(delta=delta))

    with_it = [json.loads(line) for line in run("watch", "api", "--live", "--json").stdout.splitlines()]
    without = run("watch", "api").stdout.splitlines()

    assert with_it[0] == {"answerId": "m1.0", "before": 7, "text": "at "}
    assert [one["seq"] for one in with_it[1:]] == [1]
    assert without == ["1  ● I look at it."]
