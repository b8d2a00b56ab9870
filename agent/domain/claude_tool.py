"""What Claude Code means to do with a tool, as people read it: the command, the change of a file, the rest. Pure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

Json = Mapping[str, object]

MAX_TITLE = 200  # characters
CONTEXT = 3  # lines around what is changed
_COMPARED = 1_000_000  # pairs of lines; beyond them all that is between the first and the last change is one change
_TITLES = ("command", "file_path", "notebook_path", "pattern", "url", "query", "path", "skill", "description", "prompt")
_NO_END = "\n\\ No newline at end of file"  # as diff has it
_MCP = re.compile(r"mcp__(.+?)__(.+)")
_UNSEEN = re.compile(r"[\ud800-\udfff]")  # half a character: legal JSON, and nowhere else


def title(tool: str, given: Json) -> str:
    """In a line; empty where the arguments do not say it."""
    if server := _server(tool):
        return f"{server[1]} (MCP server {server[0]})"[:MAX_TITLE]
    first = next((text for name in _TITLES if (text := _text(given, name))), "")
    lines = _sound(first).strip().split("\n")
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


def unified(path: str, old: str | None, new: str, *, heading: str | None = None) -> str:
    """The change from one text to another; None is no file. Empty where they are the same.

    With a `heading` the texts are parts of a file, and their ends are not its end.
    """
    before, after = [] if old is None else _split(old, heading is None), _split(new, heading is None)
    source = ("/dev/null" if old is None else path) if heading is None else heading
    hunks = list(_hunks(before, after))
    if not hunks:
        return ""
    head = [f"--- {source}", f"+++ {path}"] if source else []
    return _sound("\n".join([*head, *(line for hunk in hunks for line in hunk)]))


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


def _split(text: str, is_whole: bool) -> list[str]:  # noqa: FBT001 -- as `unified` knows it
    lines = text.split("\n")
    if lines[-1]:
        lines[-1] += _NO_END if is_whole else ""
        return lines
    return lines[:-1] if is_whole else lines


def _hunks(old: list[str], new: list[str]) -> Iterator[list[str]]:
    start, end = _same_around(old, new)
    first = max(0, start - CONTEXT)
    last_old, last_new = min(len(old), len(old) - end + CONTEXT), min(len(new), len(new) - end + CONTEXT)
    before, after = old[first:last_old], new[first:last_new]
    for group in _groups(before, after, start - first, max(0, end - (len(old) - last_old))):
        (_, a, _, c, _), (_, _, b, _, d) = group[0], group[-1]
        if all(tag == "equal" for tag, *_ in group):
            continue
        yield [
            f"@@ -{_span(first + a, b - a)} +{_span(first + c, d - c)} @@",
            *(line for operation in group for line in _lines(operation, before, after)),
        ]


def _groups(before: list[str], after: list[str], start: int, end: int) -> list[list[tuple[str, int, int, int, int]]]:
    if len(before) * len(after) <= _COMPARED:
        return [list(group) for group in SequenceMatcher(None, before, after).get_grouped_opcodes(CONTEXT)]
    inner_old, inner_new = len(before) - end, len(after) - end
    return [
        [
            ("equal", 0, start, 0, start),
            ("replace", start, inner_old, start, inner_new),
            ("equal", inner_old, len(before), inner_new, len(after)),
        ]
    ]


def _lines(operation: tuple[str, int, int, int, int], before: list[str], after: list[str]) -> Iterator[str]:
    tag, a, b, c, d = operation
    if tag == "equal":
        yield from (f" {line}" for line in before[a:b])
        return
    yield from (f"-{line}" for line in before[a:b])
    yield from (f"+{line}" for line in after[c:d])


def _same_around(old: list[str], new: list[str]) -> tuple[int, int]:
    """How many lines are the same at the beginning, and at the end behind those."""
    most = min(len(old), len(new))
    start = next((at for at in range(most) if old[at] != new[at]), most)
    end = next((at for at in range(most - start) if old[-1 - at] != new[-1 - at]), most - start)
    return start, end


def _span(start: int, length: int) -> str:
    return f"{start + 1 if length else start},{length}"


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


def _sound(text: str) -> str:
    return _UNSEEN.sub("?", text)


def _text(fields: Json, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
