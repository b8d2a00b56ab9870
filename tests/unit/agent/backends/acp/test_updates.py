"""What a turn says: its last words, its tools, its plan, whatever the program leaves out."""

from collections.abc import Sequence
from typing import Any

import pytest

from agent.backends.acp.table import LastWords
from agent.backends.acp.updates import Turn, is_receipt, opened
from agent.backends.record import parse, row
from agent.domain.session_event import Described, Planned, Said, Speaker, ToolKind, ToolUsed, Used, What, WorkState

Json = dict[str, Any]


def chunk(text: str, message: str = "") -> Json:
    named = {"messageId": message} if message else {}
    return {"sessionUpdate": "agent_message_chunk", **named, "content": {"type": "text", "text": text}}


def tool(status: str = "pending", **more: Any) -> Json:
    return {"sessionUpdate": "tool_call_update", "toolCallId": "t1", "status": status, **more}


def heard(by: LastWords, *updates: Json) -> tuple[Sequence[What], str]:
    turn = Turn(by)
    whats = [what for update in updates for what in turn.hear(update)]
    whats += turn.end({}, "")
    return whats, turn.last_words


@pytest.mark.parametrize(
    ("by", "updates", "words"),
    [
        (LastWords.BEHIND_TOOLS, [chunk("I will."), tool(), chunk("Do"), chunk("ne.")], "Done."),
        (LastWords.BEHIND_TOOLS, [chunk("All "), chunk("of it.")], "All of it."),
        (LastWords.BEHIND_TOOLS, [chunk("I will."), tool()], ""),
        (LastWords.MESSAGE, [chunk("I will.", "a"), tool(), chunk("Do", "b"), chunk("ne.", "b")], "Done."),
        (LastWords.MESSAGE, [chunk("warning: x"), chunk("Done.", "b")], "Done."),
        (LastWords.MESSAGE, [chunk("Half", "a"), chunk("API error 500")], "Half\n\nAPI error 500"),
        (LastWords.MESSAGE, [chunk("API error 400")], "API error 400"),
        (LastWords.MESSAGE, [chunk("", "a"), chunk("Done.", "a"), chunk("", "a")], "Done."),
    ],
)
def test_the_last_words_are_the_answer(by: LastWords, updates: list[Json], words: str) -> None:
    assert heard(by, *updates)[1] == words


def test_words_are_told_whole_and_in_their_place() -> None:
    whats, _ = heard(
        LastWords.MESSAGE, chunk("One ", "a"), chunk("two.", "a"), chunk("Three.", "b"), tool(), chunk("4")
    )

    assert [what.text if isinstance(what, Said) else type(what) for what in whats] == [
        "One two.",
        "Three.",
        ToolUsed,
        "4",
    ]


def test_what_is_known_of_a_tool_is_gathered() -> None:
    diff = {"type": "diff", "path": "/x", "oldText": "a\nb\n", "newText": "a\nc\n"}
    whats, _ = heard(
        LastWords.MESSAGE,
        tool(kind="edit", title="Edit x\nmore", rawInput={"path": "/x"}),
        tool("in_progress", content=[diff]),
        tool("in_progress", title="", content=[], rawInput=None),
        tool("completed", rawOutput={"output": "well"}),
    )
    given = '{"path": "/x"}'
    changed = "--- /x\n+++ /x\n@@ -1,2 +1,2 @@\n a\n-b\n+c"

    assert whats == [
        ToolUsed("t1", WorkState.PENDING, "edit", ToolKind.EDIT, "Edit x", given),
        ToolUsed("t1", WorkState.RUNNING, "edit", ToolKind.EDIT, "Edit x", given, "", changed),
        ToolUsed("t1", WorkState.DONE, "edit", ToolKind.EDIT, "Edit x", given, "well", changed),
    ]


def test_a_new_file_comes_from_nowhere() -> None:
    diff = {"type": "diff", "path": "/x", "oldText": None, "newText": "a\n"}
    whats, _ = heard(LastWords.MESSAGE, tool(content=[diff]))

    assert [what.diff for what in whats if isinstance(what, ToolUsed)] == ["--- /dev/null\n+++ /x\n@@ -0,0 +1,1 @@\n+a"]


@pytest.mark.parametrize(
    ("cost", "dollars"),
    [
        ({"amount": 0.25, "currency": "USD"}, 0.25),
        ({"amount": 0.25, "currency": "EUR"}, 0.0),
        ({"amount": -1, "currency": "USD"}, 0.0),
        ({"amount": True, "currency": "USD"}, 0.0),
        ({"amount": float("nan"), "currency": "USD"}, 0.0),
        (None, 0.0),
    ],
)
def test_the_context_and_the_cost_are_told(cost: object, dollars: float) -> None:
    whats, _ = heard(LastWords.MESSAGE, {"sessionUpdate": "usage_update", "used": 900, "size": 1000, "cost": cost})

    assert whats == [Used("", context=900, context_size=1000, cost=dollars)]


def test_commands_are_told_by_their_names() -> None:
    listed = [{"name": "review", "description": "look"}, {"description": "has none"}, {"name": "test"}]
    whats, _ = heard(LastWords.MESSAGE, {"sessionUpdate": "available_commands_update", "availableCommands": listed})
    [what] = whats
    [event], _ = parse(row(what, "2026-11-29T12:00:00+00:00"), "")

    assert what == event.what == Described(commands=("review", "test"))


@pytest.mark.parametrize(
    "rest",
    [
        '"what": "tool", "tool_id": 5, "state": "DONE"',
        '"what": "tool", "tool_id": "t1", "state": "DONE", "output": ["x"]',
        '"what": "used", "model": "m", "input": true',
        '"what": "used", "model": "m", "input": 9223372036854775808',
        '"what": "used", "model": "m", "cost": "much"',
        '"what": "described", "commands": "review"',
        '"what": "said", "by": "USER", "text": "x", "is_error": 1',
    ],
)
def test_a_row_of_a_disk_gone_wrong_tells_nothing(rest: str) -> None:
    line = f'{{"pointsman": 1, "at": "2026-11-29T12:00:00+00:00", {rest}}}'.encode()

    assert parse(line, "") == ((), "")


def test_plans_notices_and_usage_are_told() -> None:
    turn = Turn(LastWords.MESSAGE)
    entries = [{"content": "one", "status": "completed"}, {"content": "two", "status": "of a later version"}]
    whats = [*turn.hear({"sessionUpdate": "plan", "entries": entries})]
    whats += turn.hear({"sessionUpdate": "notice", "message": "compacted"})
    whats += turn.end({"usage": {"inputTokens": 10, "outputTokens": 5, "cachedReadTokens": 3}}, "m")

    assert whats == [
        Planned((("one", WorkState.DONE), ("two", WorkState.PENDING))),
        Said(Speaker.SYSTEM, "compacted"),
        Used("m", 10, 5, 3, 0),
    ]


def test_tokens_are_also_read_where_one_of_them_counts_them() -> None:
    quota = {"token_count": {"input_tokens": 7, "output_tokens": 2}, "model_usage": [{"model": "flash"}]}

    assert [*Turn(LastWords.MESSAGE).end({"_meta": {"quota": quota}}, "auto")] == [Used("flash", 7, 2, 0, 0)]


@pytest.mark.parametrize(
    ("update", "receipt"),
    [
        (chunk("x"), True),
        (tool(), True),
        ({"sessionUpdate": "agent_thought_chunk"}, True),
        ({"sessionUpdate": "available_commands_update"}, False),
        ({"sessionUpdate": "usage_update"}, False),
        ({"sessionUpdate": "session_info_update", "title": "x"}, False),
        ({"sessionUpdate": "session_info_update", "_meta": {"codex": {"threadStatus": {"type": "active"}}}}, True),
        ({"sessionUpdate": "session_info_update", "_meta": {"codex": {"threadStatus": {"type": "idle"}}}}, False),
    ],
)
def test_what_belongs_to_a_turn_is_a_receipt(update: Json, receipt: bool) -> None:
    assert is_receipt(update) is receipt


def test_what_a_beginning_says_of_the_session_is_read_in_both_ways() -> None:
    plain = {"modes": {"currentModeId": "default"}, "models": {"currentModelId": "auto"}}
    options = [{"category": "mode", "currentValue": "build"}, {"category": "model", "currentValue": "stub/stub"}]

    assert opened(plain) == Described(mode="default", model="auto")
    assert opened({"configOptions": options}) == Described(mode="build", model="stub/stub")
    assert opened({}) == Described()
