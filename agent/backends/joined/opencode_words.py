"""What OpenCode's events tell, as what a session does; and what it asks, as a question. Pure."""

import json
from collections.abc import Iterator, Mapping

from agent.backends.acp.shapes import Json, number, part, parts, text
from agent.domain.acp_question import Field, Form, Permission, Way
from agent.domain.session_event import Described, Planned, ToolKind, ToolUsed, Used, What, WorkState

MAX_FIELDS = 8
_KINDS = {
    "bash": ToolKind.RUN, "edit": ToolKind.EDIT, "write": ToolKind.EDIT, "patch": ToolKind.EDIT, "read": ToolKind.READ,
    "glob": ToolKind.SEARCH, "grep": ToolKind.SEARCH, "list": ToolKind.READ, "webfetch": ToolKind.FETCH,
}  # fmt: skip
_STATES = {
    "pending": WorkState.PENDING, "running": WorkState.RUNNING, "completed": WorkState.DONE, "error": WorkState.FAILED,
    "in_progress": WorkState.RUNNING, "cancelled": WorkState.FAILED,
}  # fmt: skip


def happened(kind: str, about: Json) -> Iterator[What]:
    """What an event tells beside words, which belong to a message each."""
    one = part(about, "part")
    match kind, one.get("type"):
        case "message.part.updated", "tool":
            yield _tool(one)
        case "message.part.updated", "step-finish":
            yield _used(one)
        case "session.updated", _ if title := text(part(about, "info"), "title", 200):
            yield Described(title=title)
        case "todo.updated", _:
            steps = ((text(each, "content"), _STATES.get(text(each, "status"))) for each in parts(about, "todos"))
            yield Planned(tuple((words, state or WorkState.PENDING) for words, state in steps))


def _tool(one: Json) -> ToolUsed:
    state, name = part(one, "state"), text(one, "tool", 200)
    given, metadata = part(state, "input"), part(state, "metadata")
    return ToolUsed(
        text(one, "callID", 200),
        _STATES.get(text(state, "status"), WorkState.PENDING),
        name,
        _KINDS.get(name, ToolKind.OTHER),
        text(given, "command", 300) or text(state, "title", 300) or text(given, "filePath", 300) or name,
        json.dumps(given, ensure_ascii=False).encode(errors="replace").decode() if given else "",
        text(state, "output") or text(state, "error"),
        text(metadata, "diff"),
    )


def _used(one: Json) -> Used:
    tokens = part(one, "tokens")
    cache = part(tokens, "cache")
    return Used(
        "",
        number(tokens, "input"),
        number(tokens, "output"),
        number(cache, "read"),
        number(cache, "write"),
        number(tokens, "total"),
    )


def permission_of(asked: Json) -> Permission:
    """What permission.asked asks."""
    metadata = part(asked, "metadata")
    given = {name: asked.get(name) for name in ("permission", "patterns", "metadata") if asked.get(name)}
    always = asked.get("always")
    far = ", ".join(str(one) for one in always) if isinstance(always, list) else ""
    ways = (
        Way("once", "Allow once", "allow_once"),
        Way("always", f"Allow always, until OpenCode ends: {far}" if far else "Allow always", "allow_always"),
        Way("reject", "Reject", "reject_once"),
    )
    return Permission(text(asked, "permission", 100) or "tool", given, "\n".join(_shown(asked, metadata)), ways)


def _shown(asked: Json, metadata: Json) -> Iterator[str]:
    """All that stands in there: what is not read is not allowed."""
    patterns = asked.get("patterns")
    command = text(metadata, "command")
    if command:
        yield _fenced(command)
    if diff := text(metadata, "diff"):
        yield _fenced(diff)
    for name, value in metadata.items():
        if name not in ("command", "diff", "files") and value not in (None, "", [], {}):
            yield f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
    if isinstance(patterns, list) and patterns != [command]:
        yield ", ".join(str(one) for one in patterns)


def form_of(asked: Json) -> Form | None:
    """What question.asked asks; None for what only its terminal can answer."""
    questions = parts(asked, "questions")
    if not 0 < len(questions) <= MAX_FIELDS:
        return None
    fields = []
    for at, one in enumerate(questions):
        offered = [(text(each, "label"), text(each, "description")) for each in parts(one, "options")]
        choices = tuple((label, f"{label} - {more}" if more else label) for label, more in offered)
        other, several = one.get("custom") is not False, one.get("multiple") is True
        fields.append(Field(str(at), text(one, "question"), choices, other=other, several=several))
    return Form("", tuple(fields), {"questions": asked.get("questions")})


def answers_of(form: Form, chosen: Json) -> list[list[str]] | None:
    """What it wants to hear, question by question; None is nothing."""
    content: Mapping[str, object] = part(chosen, "content")
    if chosen.get("action") != "accept":
        return None
    values = [content.get(field.name) for field in form.fields]
    return [[str(each) for each in value] if isinstance(value, list) else [str(value)] for value in values]


def _fenced(words: str) -> str:
    return words if "```" in words else f"```\n{words}\n```"
