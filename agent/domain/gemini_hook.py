"""Gemini CLI's hooks, in the words that are used here: those of Claude Code's. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from agent.domain.acp_question import Permission, Way
from agent.domain.hook import HookEvent
from agent.domain.session_event import Said, Speaker, ToolKind, ToolUsed, What, WorkState

SCOPE = "gemini"  # its hooks stand in settings of this name
DIALOG = "Dialog"  # a dialog is about to open; no word of Claude Code's
_NAMES = {"BeforeAgent": "UserPromptSubmit", "AfterAgent": "Stop", "AfterTool": "PostToolUse"}
_KINDS = {
    "run_shell_command": ToolKind.RUN, "write_file": ToolKind.EDIT, "replace": ToolKind.EDIT,
    "read_file": ToolKind.READ, "read_many_files": ToolKind.READ, "list_directory": ToolKind.READ,
    "glob": ToolKind.SEARCH, "search_file_content": ToolKind.SEARCH, "web_fetch": ToolKind.FETCH,
    "google_web_search": ToolKind.SEARCH,
}  # fmt: skip


def translated(event: HookEvent, folder: str, words: str, record: str) -> HookEvent:
    """The same event. `folder` has our entries, `words` are its last, `record` is ours of what it says."""
    name = _NAMES.get(event.name, event.name)
    if event.name == "Notification" and event.text("notification_type") == "ToolPermission":
        name = DIALOG
    payload = {**event.payload, "transcript_path": record}
    if name == "Stop":
        payload["last_assistant_message"] = words
    return replace(event, name=name, payload=payload, environ={**event.environ, "CLAUDE_CONFIG_DIR": folder})


def happened(event: HookEvent, number: int) -> Iterator[What]:
    """What an event, translated, tells of the session."""
    match event.name:
        case "UserPromptSubmit":
            yield Said(Speaker.USER, event.text("prompt"))
        case "Stop" if event.text("last_assistant_message"):
            yield Said(Speaker.ASSISTANT, event.text("last_assistant_message"))
        case "PostToolUse":
            yield _tool(event, number)


def _tool(event: HookEvent, number: int) -> ToolUsed:
    name, given, said = event.text("tool_name"), event.payload.get("tool_input"), event.payload.get("tool_response")
    fields = given if isinstance(given, dict) else {}
    output = said.get("llmContent") if isinstance(said, dict) else ""
    failed = isinstance(said, dict) and bool(said.get("error"))
    title = next((str(fields[key]) for key in ("command", "file_path", "path", "pattern") if fields.get(key)), name)
    return ToolUsed(
        f"{event.conversation_id} {number}",
        WorkState.FAILED if failed else WorkState.DONE,
        name,
        _KINDS.get(name, ToolKind.OTHER),
        title,
        json.dumps(fields, ensure_ascii=False).encode(errors="replace").decode() if fields else "",
        output.encode(errors="replace").decode() if isinstance(output, str) else "",
    )


def permission_of(event: HookEvent, ways: tuple[Way, ...]) -> Permission:
    """What a dialog asks, with the ways to answer that stand on the screen."""
    details = event.payload.get("details")
    given: Mapping[str, object] = details if isinstance(details, dict) else {}
    shown = "\n".join(_shown(event, given))
    return Permission(str(given.get("type") or "tool")[:100], given, shown, ways)


def _shown(event: HookEvent, given: Mapping[str, object]) -> Iterator[str]:
    """All that stands in there: what is not read is not allowed."""
    command, diff = given.get("command"), given.get("fileDiff")
    yield from (_fenced(each) for each in (command, diff) if isinstance(each, str) and each)
    for name, value in given.items():
        if (
            name not in ("type", "title", "command", "rootCommand", "fileDiff", "originalContent", "newContent")
            and value
        ):
            yield f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
    if not command and not diff:
        yield event.text("message")


def _fenced(words: str) -> str:
    words = words.encode(errors="replace").decode()
    return words if "```" in words else f"```\n{words}\n```"
