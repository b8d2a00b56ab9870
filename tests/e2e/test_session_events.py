"""The real Claude Code, followed while it works: each thing it does comes once and in order, whatever is killed."""

from pathlib import Path

import grpc
import pytest
from agentlink.v1 import session_events_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.e2e.claude_desk import LONG, desk, startable
from tests.e2e.system import System, message
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

QUIET = ("status", "usage", "metadata")


def shown(event: pb.SessionEvent) -> str:
    """An event in a line."""
    match event.WhichOneof("event"):
        case "said":
            return f"{pb.Speaker.Name(event.said.by).removeprefix('SPEAKER_').lower()}: {event.said.text}"
        case "tool":
            return f"{event.tool.title or event.tool.output} {pb.WorkState.Name(event.tool.state).rpartition('_')[2]}"
    return str(event.WhichOneof("event"))


def told(system: System) -> list[pb.SessionEvent]:
    """All that is kept of the only session."""
    [session] = system.cli("sessions", "--json")
    return system.events(session["sessionId"])


def is_in(system: System, state: "types.SessionState.ValueType") -> bool:
    """Whether that was told last of its state: other events may come behind it."""
    return [one.status.state for one in told(system) if one.WhichOneof("event") == "status"][-1] == state


def words(system: System) -> list[str]:
    return [shown(one) for one in told(system) if one.WhichOneof("event") not in QUIET]


def is_there(system: System, line: str) -> bool:
    """Whether it is told; a router that was just killed is not back yet."""
    try:
        return line in words(system)
    except (grpc.RpcError, AssertionError):
        return False


def is_back(system: System) -> bool:
    """Whether the machine has its link again."""
    try:
        [session] = system.cli("sessions", "--json")
    except AssertionError:
        return False
    return bool(session["connected"])


def test_a_turn_is_told_once_and_in_order_though_all_of_us_are_killed_in_its_middle(tmp_path: Path) -> None:
    with desk(tmp_path) as here:
        here.type("hello there")
        wait_until(lambda: here.messages("echo: hello there"), LONG)
        wait_until(lambda: is_there(here.system, "assistant: echo: hello there"), LONG)
        here.type("%bash touch made")
        here.shows("Do you want to")
        wait_until(lambda: is_there(here.system, "touch made RUNNING"), LONG)
        wait_until(lambda: is_in(here.system, types.SESSION_STATE_WAITING), LONG)

        here.system.kill("agent")
        here.press("Enter")
        here.shows("tool said:")
        here.system.kill("router")
        wait_until(lambda: is_back(here.system), LONG)  # where a new talk is written, its hook tells
        here.type("/clear")
        here.type("and %this")

        wait_until(lambda: is_there(here.system, "user: and %this"), LONG)
        wait_until(lambda: words(here.system)[-1].startswith("assistant: "), LONG)
        wait_until(lambda: is_in(here.system, types.SESSION_STATE_IDLE), LONG)
        said = words(here.system)
        numbers = [one.seq for one in told(here.system)]

    assert numbers == list(range(1, len(numbers) + 1))
    [answer] = [line for line in said if line.startswith("assistant: tool said:")]
    last = said[-1]  # the stand-in repeats what the program adds behind /clear
    assert [line for line in said if not line.startswith("system: ")] == [
        "user: hello there",
        "assistant: echo: hello there",
        "user: %bash touch made",
        "touch made RUNNING",
        next(line for line in said if line.endswith(" DONE")),
        answer,
        "user: /clear",
        "user: and %this",
        last,
    ]
    assert last.startswith("assistant: echo: ")
    assert last.endswith("and %this")


def test_a_session_without_a_terminal_is_told_of_like_one_with_it(tmp_path: Path) -> None:
    with startable(tmp_path) as (system, _):
        system.webhook(message(80_001, "/new hello there"))
        wait_until(lambda: system.sessions(), LONG)
        wait_until(lambda: is_there(system, "assistant: echo: hello there"), LONG)
        wait_until(lambda: is_in(system, types.SESSION_STATE_IDLE), LONG)

        assert [line for line in words(system) if not line.startswith("system: ")] == [
            "user: hello there",
            "assistant: echo: hello there",
        ]
        [session] = system.cli("sessions", "--json")
        stream = system.rest("GET", f"/sessions/{session['sessionId']}/events").text
        assert stream.startswith("retry: ")
        assert '"text":"echo: hello there"' in stream


def test_what_subagents_do_what_it_cost_and_what_is_being_said_is_told(tmp_path: Path) -> None:
    with startable(tmp_path) as (system, _):
        system.webhook(message(80_002, "/new %agent %bash ls"))
        wait_until(lambda: system.sessions(), LONG)
        wait_until(lambda: [one for one in tools(system) if one.parent_id], LONG)
        wait_until(lambda: is_in(system, types.SESSION_STATE_IDLE), LONG)
        use, *_ = tools(system)
        within = [one for one in tools(system) if one.parent_id == use.id]
        ends = [one.state for one in tools(system) if one.id == use.id]
        about = [one.metadata for one in told(system) if one.metadata.commands]
        used = [one.usage for one in told(system) if one.usage.cost_usd]
        saying = system.saying("%slow 4 one two three four five six seven eight")

    assert [(one.name, one.state) for one in within] == [
        ("Bash", pb.WORK_STATE_RUNNING),
        ("", pb.WORK_STATE_DONE),
    ]
    assert ends == [pb.WORK_STATE_RUNNING, pb.WORK_STATE_DONE]
    assert "compact" in about[0].commands
    assert used[-1].context_size >= 200_000
    assert saying[0].startswith("one ")
    assert saying == sorted(saying, key=len)


def tools(system: System) -> list[pb.ToolUse]:
    return [one.tool for one in told(system) if one.WhichOneof("event") == "tool"]
