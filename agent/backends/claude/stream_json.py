"""Claude Code's stream-json: what its lines say, as values, and what we say, as lines. Pure.

As seen in 2.1.329: a line that is no JSON ends the program, and answers to questions that are over are ignored. Of its
own lines those that are not named here are passed over.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from agent.backends.claude.limits import limited_until
from agent.domain.claude_question import ToolUse
from agent.domain.session import SessionState

FLAGS = (
    "-p",
    *("--input-format", "stream-json", "--output-format", "stream-json", "--verbose"),
    *("--permission-prompt-tool", "stdio"),  # else what needs a permission is refused without a question
    "--replay-user-messages",  # the receipt of versions that know no command_lifecycle
)
OWN_SETTINGS_ONLY = ("--setting-sources", "user", "--strict-mcp-config")
"""For a folder that is not trusted: its hooks and MCP servers are commands, run before anybody is asked."""

ENVIRON = {"CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS": "1"}


@dataclass(frozen=True, slots=True)
class Taken:
    """It has the text with this name."""

    name: str


@dataclass(frozen=True, slots=True)
class Talk:
    """A turn begins, in this conversation; /clear begins another one."""

    conversation_id: str
    mode: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Works:
    """It works in this permission mode from now on."""

    mode: str


@dataclass(frozen=True, slots=True)
class Became:
    """It is busy, waits for an answer, or is idle."""

    state: SessionState


@dataclass(frozen=True, slots=True)
class Finished:
    """A turn is over, with these last words; empty when there are none, or a person interrupted it."""

    text: str


@dataclass(frozen=True, slots=True)
class Limited:
    """Its account is at a usage limit until then, in seconds since the epoch; 0 for none."""

    until: float


@dataclass(frozen=True, slots=True)
class Asked:
    """It waits for an answer."""

    request_id: str
    use: ToolUse


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """It waits no more."""

    request_id: str


@dataclass(frozen=True, slots=True)
class Answered:
    """Its answer to a request of ours; `error` is empty when it was carried out."""

    request_id: str
    error: str


Said = Taken | Talk | Works | Became | Finished | Limited | Asked | Withdrawn | Answered

_STATES = {"running": SessionState.BUSY, "requires_action": SessionState.WAITING, "idle": SessionState.IDLE}


def parse(line: bytes) -> Said | None:
    """What a line says; None when it is nothing to us."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):  # the program goes on, whatever a line of its is
        return None
    if not isinstance(message, dict):
        return None
    match message:
        case {"type": "command_lifecycle", "command_uuid": str(name)} | {
            "type": "user",
            "isReplay": True,
            "uuid": str(name),
        }:
            return Taken(name)
        case {"type": "system", "subtype": "init", "session_id": str(conversation_id), **more}:
            return Talk(conversation_id, str(more.get("permissionMode") or ""), str(more.get("model") or ""))
        case {"type": "system", "subtype": "status", "permissionMode": str(mode)} if mode:
            return Works(mode)
        case {"type": "system", "subtype": "session_state_changed", "state": str(state)} if state in _STATES:
            return Became(_STATES[state])
        case {"type": "rate_limit_event", "rate_limit_info": dict(told)}:
            return Limited(limited_until(told))
        case {"type": "result"}:
            return Finished(_last_words(message))
    return _control(message)


def _control(message: Mapping[str, object]) -> Said | None:
    match message:
        case {
            "type": "control_request",
            "request_id": str(request_id),
            "request": {"subtype": "can_use_tool", "tool_name": str(tool), "input": dict(arguments), **more},
        }:
            offered = more.get("permission_suggestions")
            suggestions = tuple(one for one in offered if isinstance(one, dict)) if isinstance(offered, list) else ()
            return Asked(request_id, ToolUse(tool, arguments, suggestions))
        case {"type": "control_cancel_request", "request_id": str(request_id)}:
            return Withdrawn(request_id)
        case {"type": "control_response", "response": {"request_id": str(request_id), "subtype": subtype, **more}}:
            return Answered(request_id, "" if subtype == "success" else str(more.get("error") or subtype))
    return None


def _last_words(result: Mapping[str, object]) -> str:
    if str(result.get("terminal_reason", "")).startswith("aborted"):  # whoever pressed Esc knows
        return ""
    text, errors = result.get("result"), result.get("errors")
    if isinstance(text, str):
        return text
    return "\n".join(map(str, errors)) if isinstance(errors, list) else str(result.get("subtype", ""))


def text(name: str, content: str) -> bytes:
    """A prompt. `name` must be a UUID; it comes back in Taken."""
    return _line({"type": "user", "uuid": name, "message": {"role": "user", "content": content}})


def interrupt(request_id: str) -> bytes:
    """Stop the turn that goes on; what is queued behind it stays."""
    return control(request_id, subtype="interrupt")


def control(request_id: str, **request: str) -> bytes:
    """A request that changes how it works."""
    return _line({"type": "control_request", "request_id": request_id, "request": request})


def answer(asked: Asked, decision: Mapping[str, object]) -> bytes:
    """The answer to a question: what claude_question.verdict says."""
    response = {"subtype": "success", "request_id": asked.request_id, "response": decision}
    return _line({"type": "control_response", "response": response})


def _line(message: Mapping[str, object]) -> bytes:
    return json.dumps(message).encode() + b"\n"
