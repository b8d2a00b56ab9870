"""What the lines of Claude Code's own record tell, as they were seen in 2.1.329."""

import json
from typing import Any

import pytest

from agent.backends.claude.transcript import Known, parse
from agent.domain.session_event import (
    Described,
    Planned,
    Said,
    Speaker,
    ToolKind,
    ToolUsed,
    Used,
    What,
    WorkState,
    fit,
)

AT = "2026-11-29T12:42:30.218Z"


def row(kind: str, content: Any = None, **more: Any) -> bytes:
    message = {} if content is None else {"message": {"role": kind, "content": content}}
    named = {"type": kind, "isSidechain": False, "timestamp": AT, "sessionId": "c", "gitBranch": "HEAD"}
    return json.dumps(named | message | more).encode()


def told(line: bytes, known: Known | None = None) -> list[What]:
    events, _ = parse(line, known or Known())
    return [event.what for event in events]


def answer(*blocks: dict[str, Any], message_id: str = "m1", **more: Any) -> bytes:
    usage = {"input_tokens": 10, "output_tokens": 2, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 4}
    message = {"id": message_id, "role": "assistant", "model": "opus", "usage": usage, "content": list(blocks)}
    return row("assistant", message=message, **more)


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def use(name: str, **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": "t1", "name": name, "input": given}


def test_what_was_typed_is_told_with_its_time() -> None:
    events, known = parse(row("user", "and now **this**"), Known())

    assert [(event.what, event.at) for event in events] == [(Said(Speaker.USER, "and now **this**"), 1795956150.218)]
    assert known.last == AT


def test_an_answer_is_told_with_its_model_and_what_it_used_once() -> None:
    first, known = parse(answer(text("One.")), Known())
    second, _ = parse(answer(text("Two.")), known)

    assert [event.what for event in first] == [
        Described(model="opus"),
        Said(Speaker.ASSISTANT, "One."),
        Used("opus", 10, 2, 3, 4),
    ]
    assert [event.what for event in second] == [Said(Speaker.ASSISTANT, "Two.")]


@pytest.mark.parametrize(
    ("name", "given", "kind", "title"),
    [
        ("Bash", {"command": "make\nmake test", "description": "Build"}, ToolKind.RUN, "make"),
        ("Read", {"file_path": "/a/b.py"}, ToolKind.READ, "/a/b.py"),
        ("Edit", {"file_path": "/a/b.py", "old_string": "x"}, ToolKind.EDIT, "/a/b.py"),
        ("Grep", {"pattern": "def "}, ToolKind.SEARCH, "def "),
        ("WebFetch", {"url": "https://example.org", "prompt": "p"}, ToolKind.FETCH, "https://example.org"),
        ("mcp__house__lamp", {"on": True}, ToolKind.OTHER, ""),
    ],
)
def test_a_tool_is_told_when_it_begins(name: str, given: dict[str, Any], kind: ToolKind, title: str) -> None:
    [_, used, _] = told(answer(use(name, **given)))

    assert used == ToolUsed("t1", WorkState.RUNNING, name, kind, title, json.dumps(given))


@pytest.mark.parametrize(
    ("content", "output"), [("fine", "fine"), ([text("one"), {"type": "image"}, text("two")], "one\n[image]\ntwo")]
)
def test_and_how_it_ended(content: object, output: str) -> None:
    result = {"type": "tool_result", "tool_use_id": "t1", "content": content}

    assert told(row("user", [result])) == [ToolUsed("t1", WorkState.DONE, output=output)]
    assert told(row("user", [result | {"is_error": True}])) == [ToolUsed("t1", WorkState.FAILED, output=output)]


def test_what_it_changed_in_a_file_is_a_diff() -> None:
    patch = [{"oldStart": 3, "oldLines": 1, "newStart": 3, "newLines": 2, "lines": ["-old", "+new", "+er"]}]
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "done"}

    [ended] = told(row("user", [result], toolUseResult={"filePath": "/a.py", "structuredPatch": patch}))

    assert isinstance(ended, ToolUsed)
    assert ended.diff == "--- /a.py\n+++ /a.py\n@@ -3,1 +3,2 @@\n-old\n+new\n+er"


def test_a_plan_is_told_with_the_state_of_each_step() -> None:
    todos = [{"content": "Look", "status": "completed"}, {"content": "Do", "status": "in_progress"}, {"content": "End"}]

    plan = told(answer(use("TodoWrite", todos=todos)))[2]

    assert plan == Planned((("Look", WorkState.DONE), ("Do", WorkState.RUNNING), ("End", WorkState.PENDING)))


def test_what_is_known_of_the_session_is_told_when_it_changes() -> None:
    line = row("user", "hi", permissionMode="plan", gitBranch="main")
    first, known = parse(line, Known())
    again, _ = parse(line, known)
    renamed, _ = parse(b'{"type":"ai-title","aiTitle":"A new parser","sessionId":"c"}', known)

    assert first[0].what == Described(mode="plan", branch="main")
    assert [event.what for event in again] == [Said(Speaker.USER, "hi")]
    assert [event.what for event in renamed] == [Described(title="A new parser")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<command-name>/compact</command-name>\n <command-args>the tests</command-args>", "/compact the tests"),
        ("<command-name>/clear</command-name>\n <command-args></command-args>", "/clear"),
        ("<bash-input>ls -l</bash-input>", "!ls -l"),
    ],
)
def test_commands_are_told_as_they_were_typed(content: str, said: str) -> None:
    assert told(row("user", content)) == [Said(Speaker.USER, said)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (row("user", "<local-command-stdout>Compacted</local-command-stdout>"), "Compacted"),
        (row("user", "[Request interrupted by user]"), "[Request interrupted by user]"),
        (row("user", "from a peer", origin={"kind": "peer"}), "from a peer"),
        (
            b'{"type":"system","subtype":"compact_boundary","content":"Conversation compacted"}',
            "Conversation compacted",
        ),
    ],
)
def test_what_nobody_typed_is_the_programs(line: bytes, said: str) -> None:
    assert Said(Speaker.SYSTEM, said) in told(line)


def test_a_text_that_came_into_a_turn_is_told_as_typed() -> None:
    queued = {"type": "queued_command", "prompt": "also the tests", "commandMode": "prompt"}

    assert told(row("attachment", attachment=queued)) == [Said(Speaker.USER, "also the tests")]


@pytest.mark.parametrize(
    "line",
    [
        row("user", "x", isSidechain=True),
        row("user", "a reminder", isMeta=True),
        row("user", "the summary", isCompactSummary=True),
        row("attachment", attachment={"type": "environment"}),
        row("assistant", [{"type": "thinking", "thinking": "hm"}]),
        row("user", "   "),
        b'{"type":"api-request-blob","message":{"role":"user","content":"hello"}}',
        b'{"type":"user","message":{"content":"half a li',
        b'["type":"user"]',
        b'"type": "user"',
        b"\xff\xfe",
        b"",
        b"[" * 100_000 + b'"type":"user"',
    ],
)
def test_everything_else_is_passed_over(line: bytes) -> None:
    assert parse(line, Known()) == ((), Known()) or told(line) == []


def test_the_copy_with_which_a_fork_begins_is_not_told_again() -> None:
    known = Known(last=AT, since=AT)

    assert told(row("user", "old"), known) == []
    assert told(row("user", "new", timestamp="2026-11-29T12:42:30.219Z"), known) == [Said(Speaker.USER, "new")]


@pytest.mark.parametrize("number", [True, -1, 2**63, "10", None, 1.5])
def test_what_is_no_number_of_tokens_counts_as_none(number: object) -> None:
    message = {"id": "m1", "model": "opus", "usage": {"input_tokens": number, "output_tokens": 2}, "content": []}

    assert told(row("assistant", message=message))[-1] == Used("opus", 0, 2, 0, 0)


def test_what_no_protobuf_takes_is_replaced() -> None:
    [event], _ = parse(rb'{"type":"user","message":{"content":"a\ud800b"}}', Known())

    assert fit(event, str).what == Said(Speaker.USER, "a?b")
