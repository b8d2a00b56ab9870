"""What coding agents that speak ACP say, and what we wrote down of it."""

import json
from collections.abc import Sequence

from agent.backends import record
from agent.backends.acp import asks, json_rpc, updates
from agent.backends.acp.shapes import part
from agent.backends.acp.table import LastWords
from agent.domain import acp_question
from agent.domain.acp_question import Form, Permission
from agent.domain.permission import Decision, Question
from agent.domain.session_event import Event, fit
from tests.fuzz.target import target

CALL = {
    "toolCallId": "t1", "title": "touch x", "kind": "execute", "status": "pending", "locations": [{"path": "/x"}],
    "rawInput": {"command": "touch x", "cwd": "/"}, "rawOutput": {"output": "x"},
    "content": [
        {"type": "content", "content": {"type": "text", "text": "x"}},
        {"type": "diff", "path": "/x", "oldText": "a\n", "newText": "b\n"},
    ],
}  # fmt: skip
OPTIONS = [{"optionId": "once", "name": "Allow", "kind": "allow_once"}, {"optionId": "n", "kind": "reject_once"}]
FIELDS = {
    "a": {"type": "string", "title": "A", "oneOf": [{"const": "r", "title": "Red", "description": "warm"}]},
    "a_custom": {"type": "string"},
    "b": {"type": "array", "items": {"enum": ["S", "M"]}},
    "c": {"type": "boolean"},
}
UPDATES = [
    {"sessionUpdate": "agent_message_chunk", "messageId": "m", "content": {"type": "text", "text": "hello"}},
    {"sessionUpdate": "tool_call", **CALL},
    {"sessionUpdate": "tool_call_update", **CALL, "status": "completed"},
    {"sessionUpdate": "plan", "entries": [{"content": "x", "status": "in_progress"}]},
    {"sessionUpdate": "notice", "message": "x"},
    {"sessionUpdate": "session_info_update", "title": "x", "_meta": {"codex": {"threadStatus": {"type": "active"}}}},
    {"sessionUpdate": "current_mode_update", "currentModeId": "default"},
    {"sessionUpdate": "config_option_update", "configOptions": [{"category": "model", "currentValue": "x"}]},
]
SAID = [
    *({"method": "session/update", "params": {"sessionId": "s", "update": one}} for one in UPDATES),
    {"id": "q", "method": "session/request_permission", "params": {"toolCall": CALL, "options": OPTIONS}},
    {"id": 7, "method": "elicitation/create", "params": {"mode": "form", "message": "Which?",
     "requestedSchema": {"type": "object", "properties": FIELDS}}},
    {"id": 1, "result": {"stopReason": "end_turn", "usage": {"inputTokens": 1}, "_meta": {"quota": {}}}},
    {"id": 1, "error": {"code": -32603, "message": "x", "data": {"details": "y"}}},
]  # fmt: skip


@target(*(json.dumps({"jsonrpc": "2.0", **one}) for one in SAID))
def acp_lines(data: bytes) -> None:
    """What a program says, a line each."""
    turns = [updates.Turn(by) for by in LastWords]
    for line in data.split(b"\n"):
        message = json_rpc.parse(line)
        match message:
            case json_rpc.Tells():
                heard(turns, part(message.params, "update"))
            case json_rpc.Asks():
                json_rpc.response(message.name, {})
                asked(turns[0], message)
            case json_rpc.Answers():
                message.error.encode()
                happened([*turns[0].end(message.result, "m"), updates.opened(message.result)])
    for turn in turns:
        turn.last_words.encode()


def heard(turns: Sequence[updates.Turn], update: json_rpc.Json) -> None:
    updates.is_receipt(update)
    for turn in turns:
        happened(list(turn.hear(update)))


def happened(whats: Sequence[updates.What]) -> None:
    """All of it can be written down, read again, and told."""
    for what in whats:
        line = record.row(what, "2026-01-01T00:00:00+00:00")
        [event] = record.parse(line, "")[0]
        assert event.what == what
        str(fit(Event(what), lambda text: text)).encode()


def asked(turn: updates.Turn, message: json_rpc.Asks) -> None:
    call = turn.merged(part(message.params, "toolCall"))
    happened(list(turn.tool(call)))
    permission, form = asks.permission(message.params, call), asks.form(message.params)
    question = acp_question.permission_question(permission, "s-1", "a")
    shown(question)
    for option in question.options:
        permitted(permission, Decision(option.option_id))
    permitted(permission, None)
    filled(form, acp_question.form_questions(form, "s-1", "a"))


def permitted(asked: Permission, decision: Decision | None) -> None:
    """It hears one of its own options, or that it was cancelled."""
    outcome = part(acp_question.permission_answer(asked, decision), "outcome")
    assert outcome.get("outcome") == "cancelled" or outcome.get("optionId") in {way.name for way in asked.ways}


def filled(form: Form, questions: Sequence[Question]) -> None:
    for question in questions:
        shown(question)
    for words in ("", "x, y"):
        answers = [Decision(one.options[0].option_id, words) for one in questions]
        json.dumps(acp_question.form_answer(form, answers))


def shown(question: Question) -> None:
    """People can be shown it."""
    str(question).encode()
    assert 0 < len(question.options) <= 8
    assert all(len(option.label) <= 64 for option in question.options)


ROWS = [
    record.row(what, "2026-01-01T00:00:00+00:00")
    for one in UPDATES
    for what in updates.Turn(LastWords.MESSAGE).hear(one)
]


@target(*filter(None, ROWS))
def records(data: bytes) -> None:
    """Rows of our own record, on a disk that may have gone wrong."""
    for event in record.parse(data, "")[0]:
        str(fit(event, lambda text: text)).encode(errors="replace")
