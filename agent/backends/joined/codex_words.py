"""What Codex's server tells of a thread, as what a session does; and what it asks, as a question. Pure."""

import json
import shlex
from collections.abc import Iterator, Mapping

from agent.backends.acp.json_rpc import Asks
from agent.backends.acp.shapes import Json, number, part, parts, text
from agent.domain.acp_question import Field, Form, Permission, Way
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
)

MAX_FIELDS = 8
_TOOLS = {
    "commandExecution": ToolKind.RUN, "fileChange": ToolKind.EDIT, "mcpToolCall": ToolKind.OTHER,
    "dynamicToolCall": ToolKind.OTHER, "webSearch": ToolKind.SEARCH, "imageView": ToolKind.READ,
}  # fmt: skip
_STATES = {
    "inProgress": WorkState.RUNNING, "completed": WorkState.DONE, "failed": WorkState.FAILED,
    "declined": WorkState.FAILED, "pending": WorkState.PENDING,
}  # fmt: skip
# By its own words on the screen; what it names otherwise is shown by its name.
_WORDS = {
    "accept": ("Yes, proceed", "allow_once"),
    "acceptForSession": ("Yes, and don't ask again in this session", "allow_always"),
    "decline": ("No, go on without it", "reject_once"),
    "cancel": ("No, and end the turn", "reject_always"),
}
_SHELLS = ("bash", "sh", "zsh")


def happened(method: str, params: Json) -> Iterator[What]:
    """What a message tells."""
    item = part(params, "item")
    match method:
        case "item/completed" if item.get("type") == "userMessage":
            yield Said(Speaker.USER, words_of(item))
        case "item/completed" if item.get("type") == "agentMessage" and text(item, "text").strip():
            yield Said(Speaker.ASSISTANT, text(item, "text").strip())
        case "item/completed" if item.get("type") == "contextCompaction":
            yield Said(Speaker.SYSTEM, "compaction")
        case "item/started" | "item/completed" if item.get("type") in _TOOLS:
            yield _tool(item)
        case "turn/plan/updated":
            steps = ((text(one, "step"), _STATES.get(text(one, "status"))) for one in parts(params, "plan"))
            yield Planned(tuple((words, state or WorkState.PENDING) for words, state in steps))
        case "thread/tokenUsage/updated":
            yield _used(part(params, "tokenUsage"))
        case "thread/name/updated" if name := text(params, "threadName", 200):
            yield Described(title=name)
        case "error" | "warning" | "guardianWarning":
            if said := error_of(params) or text(params, "message"):
                yield Said(Speaker.SYSTEM, said, is_error=method == "error")


def words_of(item: Json) -> str:
    """The text of what a person gave it."""
    return "\n".join(filter(None, (text(one, "text") for one in parts(item, "content"))))


def error_of(fields: Json) -> str:
    """What an error is, in its own words; empty where there is none."""
    return text(part(fields, "error"), "message", 2000)


def _used(usage: Json) -> Used:
    last = part(usage, "last")
    cached = number(last, "cachedInputTokens")
    return Used(
        "",
        max(0, number(last, "inputTokens") - cached),
        number(last, "outputTokens"),
        cached,
        number(last, "cacheWriteInputTokens"),
        number(last, "totalTokens"),
        number(usage, "modelContextWindow"),
    )


def _tool(item: Json) -> ToolUsed:
    kind = text(item, "type")
    name = text(item, "tool", 200) or kind
    given = {key: item[key] for key in ("command", "cwd", "arguments", "query", "path") if item.get(key)}
    return ToolUsed(
        text(item, "id", 200),
        _STATES.get(text(item, "status"), WorkState.RUNNING),
        name,
        _TOOLS[kind],
        command_of(item) or text(item, "query", 300) or text(item, "path", 300) or ", ".join(_paths(item)) or name,
        json.dumps(given, ensure_ascii=False).encode(errors="replace").decode() if given else "",
        text(item, "aggregatedOutput"),
        diff_of(item),
    )


def command_of(fields: Json) -> str:
    """What it would run, without the shell around it that it names each time."""
    whole = text(fields, "command")
    try:
        words = shlex.split(whole)
    except ValueError:
        return whole
    is_shell = len(words) == 3 and words[0].rpartition("/")[2] in _SHELLS and words[1] in ("-lc", "-c")
    return words[2] if is_shell else whole


def _paths(item: Json) -> list[str]:
    return [path for one in parts(item, "changes") if (path := text(one, "path"))]


def diff_of(item: Json) -> str:
    """What it would change in files."""
    heads = [(text(one, "path"), text(one, "diff")) for one in parts(item, "changes")]
    return "\n".join(f"--- {path}\n+++ {path}\n{diff}" for path, diff in heads if path)


def asked_of(asked: Asks, item: Json) -> Permission | Form | None:
    """What it asks, with all that it told of the item before; None for what only its terminal can answer."""
    match asked.method:
        case "item/commandExecution/requestApproval" if not asked.params.get("networkApprovalContext"):
            offered = asked.params.get("availableDecisions")
            return _permission("execute", asked.params, item, offered if isinstance(offered, list) else ["accept"])
        case "item/fileChange/requestApproval" if parts(item, "changes"):
            return _permission("edit", asked.params, item, ["accept", "acceptForSession"])
        case "item/tool/requestUserInput":
            return _form(asked.params)
    return None


def _permission(tool: str, params: Json, item: Json, offered: list[object]) -> Permission:
    given = {name: params.get(name) for name in ("command", "cwd", "grantRoot") if params.get(name)}
    given |= {"changes": item.get("changes")} if tool == "edit" else {}
    yes = [way for one in offered if (way := _way(one)).kind.startswith("allow")]
    no = [_way("decline"), _way("cancel")]  # the first goes on; it is understood where it is not offered, too
    return Permission(tool, given, "\n".join(_shown(tool, params, item)), (*yes, *no))


def _shown(tool: str, params: Json, item: Json) -> Iterator[str]:
    yield _fenced(command_of(params) if tool == "execute" else diff_of(item))
    if reason := text(params, "reason"):
        yield reason
    if root := text(params, "grantRoot"):
        yield f"It would be allowed to write in {root} for this session."
    if cwd := text(params, "cwd"):
        yield f"in {cwd}"


def _way(decision: object) -> Way:
    """One of its ways to answer; its name is the decision itself."""
    name = json.dumps(decision, sort_keys=True)
    if isinstance(decision, str):
        words, kind = _WORDS.get(decision, (decision, "allow_always"))
        return Way(name, words, kind)
    fields = decision if isinstance(decision, dict) else {}
    amended = part(fields, "acceptWithExecpolicyAmendment").get("execpolicy_amendment")
    if isinstance(amended, list) and all(isinstance(word, str) for word in amended):
        return Way(name, f"Yes, and never ask again for commands that start with `{' '.join(amended)}`", "allow_always")
    return Way(name, f"Yes, with {name}", "allow_always")


def answer_of(about: Permission | Form, chosen: Json) -> Json | None:
    """What it wants to hear; None is nothing, and its terminal has the question."""
    if isinstance(about, Permission):
        name = text(part(chosen, "outcome"), "optionId")
        return {"decision": json.loads(name)} if name else None
    content: Mapping[str, object] = part(chosen, "content")
    if chosen.get("action") != "accept":
        return None
    answers = {name: {"answers": [str(value)]} for name, value in content.items()}
    return {"answers": answers}


def _form(params: Json) -> Form | None:
    asked = parts(params, "questions")
    if not 0 < len(asked) <= MAX_FIELDS or any(one.get("isSecret") is True for one in asked):
        return None
    fields = []
    for one in asked:
        offered = [(text(each, "label"), text(each, "description")) for each in parts(one, "options")]
        choices = tuple((label, f"{label} - {more}" if more else label) for label, more in offered)
        fields.append(Field(text(one, "id", 200), text(one, "question"), choices, other=one.get("isOther") is True))
    return Form("", tuple(fields), params)


def _fenced(words: str) -> str:
    return words if "```" in words else f"```\n{words}\n```"
