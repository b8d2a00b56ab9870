"""Claude Code's own record of a conversation: what one of its lines says, as events. Pure.

As seen in 2.1.197 and 2.1.329. The format is its own affair, so whatever a line holds beside what is known here is
passed over: reminders for the model, what it asks the API.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from agent.backends.claude import plan, subagents
from agent.backends.claude.subagents import Subagents
from agent.domain.session_event import (
    Described,
    Event,
    Planned,
    Said,
    Speaker,
    ToolKind,
    ToolUsed,
    Used,
    What,
    WorkState,
)

Json = Mapping[str, object]

MOST_OF_A_TEXT = 256 * 1024  # characters that are looked at: far beyond what is told
MAX_KNOWN = 200  # characters of what is remembered
# Most bytes of a record are requests to the API, which nobody reads here.
_WORTH_READING = re.compile(
    rb'"type": ?"(?:user|assistant|system|summary|[a-z]+-title|queued_command|permission-mode|agent-name|cost-state)"'
)
_WRAPPED = re.compile(
    r"\s*<(command-name|local-command-stdout|local-command-stderr|bash-input|bash-stdout)>(.*)", re.DOTALL
)
_TASK_OVER = re.compile(
    r"\s*<task-notification>.*?<tool-use-id>([^<]+)</tool-use-id>.*?<status>([^<]*)</status>(?:.*?<result>(.*)</result>)?",
    re.DOTALL,
)
_ARGUMENTS = re.compile(r"<command-args>(.*?)</command-args>", re.DOTALL)
_NOBODY_TYPED = ("<task-notification", "[Request interrupted", "<local-command-caveat", "<system-reminder>")
_KINDS = {
    ToolKind.READ: ("Read", "NotebookRead", "LS"),
    ToolKind.EDIT: ("Edit", "MultiEdit", "Write", "NotebookEdit"),
    ToolKind.RUN: ("Bash", "BashOutput", "KillShell", "Monitor"),
    ToolKind.SEARCH: ("Grep", "Glob", "WebSearch", "ToolSearch"),
    ToolKind.FETCH: ("WebFetch",),
}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names}
_TITLES = ("command", "file_path", "notebook_path", "pattern", "url", "query", "description", "path", "skill", "prompt")


@dataclass(frozen=True, slots=True)
class Known:
    """What was told already, and is not told again. `last` is the newest time of a row; up to `since` all is known."""

    described: Described = field(default_factory=Described)
    usage: str = ""  # of which answer
    last: str = ""
    since: str = ""
    context: int = 0  # tokens in use by then
    cost: float = 0.0
    limited: float = 0.0  # until when its account is at a limit, in seconds since the epoch; 0 for none
    agents: Subagents = ()


def parse(line: bytes, known: Known) -> tuple[tuple[Event, ...], Known]:
    """What a line tells, and what is known behind it. Never raises: what is no row tells nothing."""
    row = _row(line)
    if row is None or row.get("isSidechain") is True:
        return (), known
    stamp = _text(row, "timestamp")[:40]
    if stamp and stamp <= known.since:  # a conversation that was forked begins with a copy
        return (), known
    described, changed = _described(row, known.described)
    after = replace(known, described=described, last=max(known.last, stamp), limited=_limited(row, known.limited))
    whats: list[What] = [changed] if changed != Described() else []
    whats += _told(row)
    if used := _used(row, known):
        whats.append(used)
        context = used.input + used.cache_read + used.cache_written + used.output
        after = replace(after, usage=_usage_name(row) or known.usage, context=context or known.context)
        after = replace(after, cost=used.cost or known.cost)
    at = _time(stamp)
    return tuple(Event(what, at) for what in whats), replace(after, agents=_agents(row, known.agents))


def parse_child(line: bytes, known: Known, tool_id: str) -> tuple[tuple[Event, ...], Known]:
    """The same of a line of a subagent's record: what it does, within that use. What it says comes as the use's end."""
    row = _row(line)
    if row is None:
        return (), known
    at = _time(_text(row, "timestamp")[:40])
    tools = (replace(what, parent_id=tool_id) for what in _told(row) if isinstance(what, ToolUsed))
    return tuple(Event(what, at) for what in tools), replace(known, agents=_agents(row, known.agents))


def _row(line: bytes) -> Json | None:
    if not _WORTH_READING.search(line):
        return None
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):  # half a line that another one was written behind
        return None
    return row if isinstance(row, dict) and row.get("isMeta") is not True else None


def _agents(row: Json, agents: Subagents) -> Subagents:
    """The subagents that are at work behind this row."""
    content, result = _part(row, "message").get("content"), _part(row, "toolUseResult")
    for block in _blocks(content):
        if block.get("type") == "tool_use" and block.get("name") in subagents.TOOLS:
            agents = subagents.begun(agents, _text(block, "id"))
        elif block.get("type") == "tool_result":
            agents = subagents.ended(agents, _text(block, "tool_use_id"), result)
    if over := _over(row):
        agents = subagents.finished(agents, over[1])
    return agents


def _over(row: Json) -> re.Match[str] | None:
    """What says that a subagent which worked on is over: a prompt that nobody typed, or what came into a turn."""
    came = _part(row, "attachment")
    text = came.get("prompt") if came.get("type") == "queued_command" else _part(row, "message").get("content")
    return _TASK_OVER.match(text) if isinstance(text, str) else None


def _limited(row: Json, before: float) -> float:
    """Until when the account is at a limit, behind this row: an error says so, an answer says that it is at none."""
    if row.get("type") != "assistant":
        return before
    if row.get("isApiErrorMessage") is not True:
        return 0.0
    limit = _part(row, "quotaLimits") or _part(_part(row, "apiErrorParams"), "rate_limit_info")
    return float(_number(limit, "resetsAt")) if limit.get("status") == "rejected" else before


def _told(row: Json) -> Iterator[What]:
    match row.get("type"):
        case "user" if row.get("isCompactSummary") is not True:
            yield from _of_user(row)
        case "assistant":
            yield from _of_assistant(row)
        case "system" if row.get("subtype") == "compact_boundary":
            yield _compacted(row)
        case "system" if row.get("subtype") in ("informational", "local_command"):
            yield from _typed(_text(row, "content"), Speaker.SYSTEM)
        case "system" if row.get("subtype") == "api_error":
            if words := _text(row, "content") or _text(_part(row, "error"), "message"):
                yield Said(Speaker.SYSTEM, words[:MOST_OF_A_TEXT].strip(), is_error=True)
        case "attachment":
            queued = _part(row, "attachment")
            if over := _over(row):
                yield _task_over(over)
            elif queued.get("type") == "queued_command" and queued.get("commandMode", "prompt") == "prompt":
                yield from _typed(_flat(queued.get("prompt")), Speaker.USER)


def _compacted(row: Json) -> Said:
    """The conversation was made short; of what came before its model knows a summary."""
    about = _part(row, "compactMetadata")
    tokens = _number(about, "preTokens")
    more = filter(None, (_text(about, "trigger")[:MAX_KNOWN], f"{tokens} tokens before" if tokens else ""))
    text = (_text(row, "content") or "Conversation compacted")[:MOST_OF_A_TEXT]
    return Said(Speaker.SYSTEM, f"{text} ({', '.join(known)})" if (known := list(more)) else text)


def _of_user(row: Json) -> Iterator[What]:
    content = _part(row, "message").get("content")
    by = Speaker.USER if _text(_part(row, "origin"), "kind") in ("", "human") else Speaker.SYSTEM
    if isinstance(content, str):
        yield from [_task_over(over)] if (over := _over(row)) else _typed(content, by)
        return
    for block in _blocks(content):
        if block.get("type") == "tool_result":
            # Of a subagent that works on the end is told when it comes.
            if not subagents.works_on(_part(row, "toolUseResult")):
                yield _ended(block, row)
        elif block.get("type") == "text":
            yield from _typed(_text(block, "text"), by)
        elif block.get("type") in ("image", "document"):
            yield Said(by, f"[{block['type']}]")


def _task_over(over: re.Match[str]) -> ToolUsed:
    state = WorkState.DONE if over[2] == "completed" else WorkState.FAILED
    return ToolUsed(over[1], state, output=(over[3] or "").strip()[-MOST_OF_A_TEXT:])


def _typed(text: str, by: Speaker) -> Iterator[What]:
    """What was typed, or what the program put in the place of that."""
    if wrapped := _WRAPPED.match(text):
        name, rest = wrapped[1], wrapped[2].partition(f"</{wrapped[1]}>")
        arguments = _ARGUMENTS.search(rest[2])
        words = {"bash-input": f"!{rest[0]}"}.get(name, rest[0].strip())
        by = Speaker.SYSTEM if "std" in name else Speaker.USER
        text = f"{words} {arguments[1].strip()}" if arguments and arguments[1].strip() else words
    elif text.lstrip().startswith(_NOBODY_TYPED):
        by = Speaker.SYSTEM
    if text.strip():
        yield Said(by, text[:MOST_OF_A_TEXT].strip())


def _of_assistant(row: Json) -> Iterator[What]:
    is_error = row.get("isApiErrorMessage") is True
    by = Speaker.SYSTEM if is_error else Speaker.ASSISTANT
    for block in _blocks(_part(row, "message").get("content")):
        if block.get("type") == "text" and _text(block, "text").strip():
            yield Said(by, _text(block, "text")[:MOST_OF_A_TEXT].strip(), is_error)
        elif block.get("type") == "tool_use":
            yield _begun(block)
            if planned := _plan(block):
                yield planned


def _begun(block: Json) -> ToolUsed:
    given, name = _part(block, "input"), _text(block, "name")
    title = next((text for key in _TITLES if (text := _text(given, key))), "")
    shown = json.dumps(given, ensure_ascii=False)[:MOST_OF_A_TEXT]
    kind = _KIND_OF.get(name, ToolKind.OTHER)
    return ToolUsed(_text(block, "id"), WorkState.RUNNING, name, kind, title.split("\n")[0][:MOST_OF_A_TEXT], shown)


def _ended(block: Json, row: Json) -> ToolUsed:
    state = WorkState.FAILED if block.get("is_error") is True else WorkState.DONE
    output = _flat(block.get("content"))[-MOST_OF_A_TEXT:]
    return ToolUsed(_text(block, "tool_use_id"), state, output=output, diff=_diff(_part(row, "toolUseResult")))


def _plan(block: Json) -> Planned | None:
    if block.get("name") != "TodoWrite":
        return None
    todos = _blocks(_part(block, "input").get("todos"))
    states = [(_text(one, "content"), plan.STATES.get(_text(one, "status"), WorkState.PENDING)) for one in todos]
    return Planned(tuple(states)) if states else None


def _diff(result: Json) -> str:
    """A unified diff of what a tool changed in a file; empty where it did not."""
    path, lines = _text(result, "filePath"), []
    for hunk in _blocks(result.get("structuredPatch")):
        places = [_number(hunk, key) for key in ("oldStart", "oldLines", "newStart", "newLines")]
        lines.append("@@ -{},{} +{},{} @@".format(*places))
        changed = hunk.get("lines")
        lines += [line for line in changed if isinstance(line, str)] if isinstance(changed, list) else []
    return "\n".join([f"--- {path}", f"+++ {path}", *lines])[:MOST_OF_A_TEXT] if lines else ""


def _described(row: Json, before: Described) -> tuple[Described, Described]:
    """What is known of the session behind this row, and what of it is new."""
    model, branch = _text(_part(row, "message"), "model"), _text(row, "gitBranch")
    title = next((text for key in ("customTitle", "aiTitle", "summary") if (text := _text(row, key))), "")
    seen = Described(
        title[:MAX_KNOWN],
        "" if model.startswith("<") else model[:MAX_KNOWN],  # "<synthetic>"
        _text(row, "permissionMode")[:MAX_KNOWN],
        "" if branch == "HEAD" else branch[:MAX_KNOWN],
    )
    pairs = [(getattr(seen, name), getattr(before, name)) for name in ("title", "model", "mode", "branch")]
    return _lines([new or old for new, old in pairs]), _lines(["" if new == old else new for new, old in pairs])


def _lines(lines: list[str]) -> Described:
    title, model, mode, branch = lines
    return Described(title, model, mode, branch)


def _usage_name(row: Json) -> str:
    """Names an answer whose usage is told; each of its blocks is a row of its own, and says the same."""
    message = _part(row, "message")
    return _text(message, "id")[:MAX_KNOWN] if row.get("type") == "assistant" and message.get("usage") else ""


def _used(row: Json, known: Known) -> Used | None:
    """What an answer used that is not told yet, or what the conversation cost, where that is new."""
    if row.get("type") == "cost-state":
        cost = _amount(row, "totalCostUSD")
        model = known.described.model
        return Used(model, context=known.context, cost=cost) if cost and cost != known.cost else None
    if (_usage_name(row) or known.usage) == known.usage or row.get("isApiErrorMessage") is True:
        return None
    message = _part(row, "message")
    usage = _part(message, "usage")
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return Used(_text(message, "model")[:MAX_KNOWN], *(_number(usage, name) for name in names)) if usage else None


def _flat(content: object) -> str:
    """The text of what is a text or a list of blocks."""
    if isinstance(content, str):
        return content
    texts = [_text(block, "text") or f"[{_text(block, 'type')}]" for block in _blocks(content)]
    return "\n".join(texts)


def _blocks(content: object) -> list[Json]:
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _part(row: Json, name: str) -> Json:
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def _text(row: Json, name: str) -> str:
    value = row.get(name)
    # A lone surrogate is legal JSON, but no protobuf takes it.
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def _number(row: Json, name: str) -> int:
    value = row.get(name)
    # To Python, true is a number, too; no protobuf takes it for one.
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else 0


def _amount(row: Json, name: str) -> float:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e9 else 0.0  # no NaN either


def _time(stamp: str) -> float | None:
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
