"""Version 2 of ACP, line by line: what we say in it, and what its lines are in the words of version 1."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from agent.backends.acp import asks, json_rpc
from agent.backends.acp.json_rpc import Answers, Asks, Message, Tells
from agent.backends.acp.start import PROTOCOL, ways_back
from agent.backends.acp.table import KNOWN
from agent.backends.acp.v2 import V2

Json = dict[str, Any]
GREETED: Json = {
    "protocolVersion": 2,
    "info": {"name": "codex-acp", "version": "2.6.0"},
    "capabilities": {"session": {}},
}
OPTIONS = [
    {"configId": "approvals", "name": "Approvals", "category": "mode", "type": "select", "currentValue": "agent",
     "options": [{"value": "read-only", "name": "Read only"}]},
]  # fmt: skip


def heard(v2: V2, **message: object) -> list[Message]:
    parsed = json_rpc.parse(json.dumps({"jsonrpc": "2.0", **message}).encode())
    assert parsed is not None
    return list(v2.heard(parsed))


def updated(v2: V2, **update: object) -> list[Json]:
    found = heard(v2, method="session/update", params={"sessionId": "s", "update": update})
    assert all(isinstance(one, Tells) and one.params["sessionId"] == "s" for one in found)
    return [dict(one.params["update"]) for one in found if isinstance(one, Tells)]  # type: ignore[call-overload]


@pytest.fixture
def v2() -> V2:
    """One that was greeted, has a conversation, and was given a text."""
    v2 = V2()
    v2.said(1, "initialize", {})
    heard(v2, id=1, result=GREETED)
    v2.said(2, "session/new", {"cwd": "/w", "mcpServers": []})
    heard(v2, id=2, result={"sessionId": "s", "configOptions": OPTIONS})
    v2.said(3, "session/prompt", {"sessionId": "s", "prompt": [{"type": "text", "text": "hi"}]})
    return v2


def test_it_is_greeted_in_its_own_way_and_can_take_conversations_up() -> None:
    v2 = V2()
    about = {"name": "pointsman", "version": "1"}

    said = v2.said(1, "initialize", {"protocolVersion": 1, "clientInfo": about, "clientCapabilities": {"fs": {}}})
    (answer,) = heard(v2, id=1, result=GREETED)

    assert said == ("initialize", {"protocolVersion": 2, "info": about, "capabilities": {}})
    assert isinstance(answer, Answers)
    assert answer.result["protocolVersion"] == PROTOCOL
    assert ways_back(KNOWN["codex"], answer.result) == ["session/resume"]


def test_one_that_answers_in_version_1_is_spoken_to_in_that() -> None:
    v2 = V2()
    v2.said(1, "initialize", {})
    able = {"protocolVersion": 1, "agentCapabilities": {"loadSession": True}}

    (answer,) = heard(v2, id=1, result=able)
    mode = v2.said(2, "session/set_mode", {"sessionId": "s", "modeId": "ask"})
    v2.said(3, "session/prompt", {"sessionId": "s"})
    ends = heard(v2, id=3, result={"stopReason": "end_turn"})

    assert isinstance(answer, Answers)
    assert answer.result == able
    assert mode == ("session/set_mode", {"sessionId": "s", "modeId": "ask"})
    assert ends == [Answers(3, {"stopReason": "end_turn"})]


def test_its_mode_is_an_option(v2: V2) -> None:
    mode = v2.said(4, "session/set_mode", {"sessionId": "s", "modeId": "read-only"})
    model = v2.said(5, "session/set_config_option", {"sessionId": "s", "configId": "model", "value": "m1"})

    assert mode == (
        "session/set_config_option",
        {"sessionId": "s", "configId": "approvals", "type": "id", "value": "read-only"},
    )
    assert model[1] == {"sessionId": "s", "configId": "model", "type": "id", "value": "m1"}


def test_its_options_have_the_names_of_version_1() -> None:
    v2 = V2()
    v2.said(1, "initialize", {})
    heard(v2, id=1, result=GREETED)
    v2.said(2, "session/resume", {"sessionId": "s", "cwd": "/w"})

    (answer,) = heard(v2, id=2, result={"configOptions": OPTIONS})

    assert isinstance(answer, Answers)
    assert [one["id"] for one in answer.result["configOptions"]] == ["approvals"]  # type: ignore[attr-defined]


def test_the_answer_to_a_prompt_is_its_receipt_and_the_end_is_a_state(v2: V2) -> None:
    receipt = heard(v2, id=3, result={"messageId": "m1"})
    between = updated(v2, sessionUpdate="state_update", state="running")
    between += updated(v2, sessionUpdate="state_update", state="requires_action")
    end = heard(v2, method="session/update", params={"sessionId": "s", "update": {
        "sessionUpdate": "state_update", "state": "idle", "stopReason": "end_turn"}})  # fmt: skip

    assert receipt == [Tells("session/update", {"sessionId": "s", "update": {"sessionUpdate": "user_message_chunk"}})]
    assert between == []
    assert end == [Answers(3, {"stopReason": "end_turn", "usage": {}})]
    assert updated(v2, sessionUpdate="state_update", state="idle", stopReason="end_turn") == []  # once


def test_a_state_before_the_receipt_ends_nothing(v2: V2) -> None:
    assert updated(v2, sessionUpdate="state_update", state="idle", stopReason="end_turn") == []
    assert updated(v2, sessionUpdate="state_update", state="idle", stopReason=None) == []


def test_an_error_ends_the_turn_in_its_words(v2: V2) -> None:
    heard(v2, id=3, result={"messageId": "m1"})
    error = {"code": -32603, "message": "the model is ill"}

    end = heard(v2, method="session/update", params={"sessionId": "s", "update": {
        "sessionUpdate": "state_update", "state": "idle", "stopReason": "error", "error": error}})  # fmt: skip

    assert end == [Answers(3, {}, "the model is ill", -32603)]


def test_a_text_that_it_does_not_take_is_refused_as_ever(v2: V2) -> None:
    error = {"code": -32800, "message": "cancelled before the prompt was inserted"}

    assert heard(v2, id=3, error=error) == [Answers(3, {}, "cancelled before the prompt was inserted", -32800)]


def test_a_whole_message_is_told_once(v2: V2) -> None:
    piece = {"messageId": "a", "content": {"type": "text", "text": "echo"}}
    whole = [{"type": "text", "text": "ec"}, {"type": "text", "text": "ho"}]

    pieces = updated(v2, sessionUpdate="agent_message_chunk", **piece)
    after = updated(v2, sessionUpdate="agent_message", messageId="a", content=whole)
    alone = updated(v2, sessionUpdate="agent_message", messageId="b", content=whole)
    nothing = updated(v2, sessionUpdate="agent_message", messageId="c", content=None)

    assert pieces == [{"sessionUpdate": "agent_message_chunk", **piece}]
    assert (after, nothing) == ([], [])
    assert alone == [{**pieces[0], "messageId": "b"}]


def shown(v2: V2, **params: object) -> tuple[str, Mapping[str, object]]:
    """What people read of a question, and all that is decided about."""
    options = [{"optionId": "no", "name": "No", "kind": "reject_once"}]
    (asked,) = heard(v2, id="q1", method="session/request_permission", params={"options": options, **params})
    assert isinstance(asked, Asks)
    about = asks.permission(asked.params, dict(asked.params["toolCall"]))  # type: ignore[call-overload]
    assert [way.name for way in about.ways] == ["no"]
    return about.shown, about.given


@pytest.mark.parametrize(
    ("subject", "told"),
    [
        ({"type": "tool_call", "toolCall": {"toolCallId": "t", "title": "touch w1", "kind": "execute",
          "rawInput": {"command": "touch w1"}}}, ("touch w1",)),
        ({"type": "command", "command": "rm -r x", "cwd": "/w"}, ("rm -r x", "/w")),
        ({"type": "tool_call", "toolCall": {"toolCallId": "t", "title": "edit", "kind": "edit", "content": [
          {"type": "diff", "changes": [{"operation": "move", "oldPath": "/w/a", "path": "/w/b"}],
           "patch": {"format": "git_patch", "text": "-old\n+new"}}]}}, ("move /w/a /w/b", "-old", "+new")),
        ({"type": "spell", "words": "abracadabra"}, ("abracadabra",)),
        (None, ()),
    ],
    ids=["a tool", "a command", "a change", "what nobody knows", "nothing"],
)  # fmt: skip
def test_all_that_is_decided_about_is_shown(v2: V2, subject: object, told: tuple[str, ...]) -> None:
    words, given = shown(v2, sessionId="s", title="May I?", description="It must be outside.", subject=subject)

    assert [one for one in ("May I?", "It must be outside.", *told) if one not in words] == []
    assert given


def test_plans_notices_and_tools_are_as_in_version_1(v2: V2) -> None:
    entries = [{"content": "look", "priority": "high", "status": "completed"}]

    plan = updated(v2, sessionUpdate="plan_update", plan={"type": "items", "planId": "p", "entries": entries})
    notice = updated(v2, sessionUpdate="notice", severity="warning", title="Slow", description="It retries.")
    tool = updated(v2, sessionUpdate="tool_call_update", toolCallId="t", status="cancelled", title="x")

    assert plan == [{"sessionUpdate": "plan", "entries": entries}]
    assert [one["message"] for one in notice] == ["Slow\nIt retries."]
    assert [(one["status"], one["title"]) for one in tool] == [("failed", "x")]


@pytest.mark.parametrize(
    "update",
    [{}, {"sessionUpdate": 7}, {"sessionUpdate": "state_update", "state": []}, {"sessionUpdate": "plan_update"},
     {"sessionUpdate": "agent_message", "content": "x"}, {"sessionUpdate": "tool_call_update", "content": [7]}],
)  # fmt: skip
def test_what_it_should_not_say_breaks_nothing(v2: V2, update: Json) -> None:
    updated(v2, **update)

    assert heard(v2, id=3, result={"messageId": "m1"})
