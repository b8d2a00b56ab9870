"""What Claude Code means to do with a tool, as people read it: the command, the change of a file, the rest. Pure."""

import json
import re
from collections.abc import Mapping, Sequence

from agent.domain.line_diff import sound, unified

Json = Mapping[str, object]

OURS = frozenset(f"mcp__pointsman__{name}" for name in ("ask_person", "notify", "sessions", "remember", "recall"))
"""Our own tools that only ask or tell this session's people, or look: nobody is asked whether they may be asked."""

MAX_TITLE = 200  # characters
_TITLES = ("command", "file_path", "notebook_path", "pattern", "url", "query", "path", "skill", "description", "prompt")
_MCP = re.compile(r"mcp__(.+?)__(.+)")


def title(tool: str, given: Json) -> str:
    """In a line; empty where the arguments do not say it."""
    if server := _server(tool):
        return f"{server[1]} (MCP server {server[0]})"[:MAX_TITLE]
    first = next((text for name in _TITLES if (text := _text(given, name))), "")
    lines = sound(first).strip().split("\n")
    return (lines[0] if len(lines) == 1 else f"{lines[0]} …")[:MAX_TITLE]


def path_of(tool: str, given: Json) -> str:
    """The file that a tool would change; empty where it is none that does."""
    return _text(given, _CHANGES[tool]) if tool in _CHANGES else ""


def words(tool: str, given: Json, before: str | None = None) -> str:
    """All that it would do, for people. `before`: what the file holds that it would change, where that is known."""
    fields = dict(given)
    lines = ["{1}, a tool of the MCP server {0}".format(*server)] if (server := _server(tool)) else []
    if isinstance(fields.get("command"), str):
        lines.append(fenced(str(fields.pop("command"))))
    elif changed := diff(tool, given, before):
        told = {_CHANGES[tool], *_SHOWN_BY_DIFF[tool]}
        lines += [_field(_CHANGES[tool], fields[_CHANGES[tool]]), fenced(changed)]
        fields = {name: value for name, value in fields.items() if name not in told}
    return "\n".join(lines + [_field(name, value) for name, value in fields.items()])


def diff(tool: str, given: Json, before: str | None = None) -> str:
    """What it would change in a file, as a unified diff; empty where it would not, or does not say it whole."""
    path = path_of(tool, given)
    if not path:
        return ""
    if tool == "Write":
        content = given.get("content")
        return unified(path, before, content) if isinstance(content, str) else ""
    if tool == "NotebookEdit":
        source = given.get("new_source")
        return unified(path, None, source, heading=path) if isinstance(source, str) else ""
    edits = _edits(given)
    if not edits:
        return ""
    if (after := _edited(before, edits)) is not None:
        return unified(path, before, after)
    return "\n".join(
        unified(path, old or None, new, heading=path if at == 0 else "") for at, (old, new, _) in enumerate(edits)
    )


def input_json(given: Json) -> str:
    """The whole input as JSON in which everything can be seen: what could not is escaped."""
    text = json.dumps(given, ensure_ascii=False)
    return "".join(one if one.isprintable() else _escaped(one) for one in text)


def fenced(text: str) -> str:
    """In a fixed width, unless the text would end that by itself."""
    return text if "```" in text else f"```\n{text}\n```"


# The tools that change files, and where they say which.
_CHANGES = {"Edit": "file_path", "MultiEdit": "file_path", "Write": "file_path", "NotebookEdit": "notebook_path"}
_SHOWN_BY_DIFF = {
    "Edit": ("old_string", "new_string"),
    "MultiEdit": ("edits",),
    "Write": ("content",),
    "NotebookEdit": ("new_source",),
}


def _edits(given: Json) -> list[tuple[str, str, bool]]:
    """Old text, new text, whether everywhere; none where one of them is not sound, as half of it would pass for all."""
    listed = given.get("edits") if "edits" in given else [given]
    found = []
    for each in listed if isinstance(listed, list) else []:
        old, new = (each.get("old_string"), each.get("new_string")) if isinstance(each, dict) else (None, None)
        if not isinstance(old, str) or not isinstance(new, str):
            return []
        found.append((old, new, each.get("replace_all") is True))
    return found


def _edited(before: str | None, edits: Sequence[tuple[str, str, bool]]) -> str | None:
    """The file as it would be; None where that is not known, as it does not hold what would be replaced."""
    text = before
    for old, new, everywhere in edits:
        if text is None or not old or old not in text:
            return None
        text = text.replace(old, new, -1 if everywhere else 1)
    return text


def _field(name: str, value: object) -> str:
    if name == "description" and isinstance(value, str):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return f"{name}:\n{fenced(text)}" if "\n" in text else f"{name}: {text}"


def _server(tool: str) -> tuple[str, str] | None:
    """The MCP server and its tool."""
    match = _MCP.fullmatch(tool)
    return (match[1], match[2]) if match else None


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1]


def _text(fields: Json, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
