"""Our hooks into Claude Code's settings and out again; every other byte of the file stays.

Nothing is remembered elsewhere: our entries are known by a mark in their command, which also says what had to be made
for them. So taking them out works on any copy of the file, and after any edit of the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.hooks import claude_code, json_text, settings_file
from agent.hooks.claude_code import Event
from agent.hooks.json_text import NotEditable


@dataclass(frozen=True, slots=True)
class Hooks:
    """What is to be installed: for which events, run by which Python, talking to which socket, in which scope."""

    python: str
    socket: str
    events: Sequence[Event]
    scope: str


def install(path: Path, hooks: Hooks) -> bool:
    """Put the hooks into the file, in place of any earlier ones of ours. Whether anything changed.

    Raises SettingsRefused when the file cannot be edited without harm.
    """
    return settings_file.change(path, lambda text: _with(_without(text), hooks))


def uninstall(path: Path) -> bool:
    """Take our hooks out again; a file that was made for them goes too. Whether anything changed."""
    return settings_file.change(path, _without)


def installed(path: Path) -> dict[str, str]:
    """Our hooks in the file: each event and the shell line of its hook. Raises SettingsRefused."""
    return settings_file.read(path, _lines)


def _lines(text: str | None) -> dict[str, str]:
    lists = _lists(text) if text is not None else []
    return {one.key: line for one in lists for entry in _items(one) if (line := claude_code.line_of(entry))}


def _with(text: str | None, hooks: Hooks) -> str:
    made = "file" if text is None else "" if _hooks(text) else "hooks"
    if text is None or made == "hooks":
        value = {event.name: [_group(hooks, event, made)] for event in hooks.events}
        if text is None:
            return json_text.document({"hooks": value})
        return json_text.added(text, json_text.root(text), value, "hooks")
    for event in hooks.events:
        text = _with_event(text, hooks, event)
    return text


def _with_event(text: str, hooks: Hooks, event: Event) -> str:
    present = next((one for one in _lists(text) if one.key == event.name), None)
    if present is not None:
        return json_text.added(text, present.value_at, _group(hooks, event, ""))
    section = _hooks(text)
    assert section is not None  # noqa: S101 -- the caller looked
    return json_text.added(text, section.value_at, [_group(hooks, event, "event")], event.name)


def _group(hooks: Hooks, event: Event, made: str) -> dict[str, object]:
    return claude_code.group(hooks.python, hooks.socket, event, hooks.scope, made)


def _without(text: str | None) -> str | None:
    """The text without anything of ours; None when the file was made for it and nothing else came into it."""
    made: set[str] = set()
    while text is not None and (found := _last_of_ours(text)) is not None:
        one, number = found
        why = claude_code.made_for(claude_code.line_of(_items(one)[number]))
        made.add(why)
        text = json_text.removed(text, one.value_at, number)
        if why and len(_items(one)) == 1:
            text = _without_event(text, one.key)
    if text is not None and made & {"hooks", "file"}:
        text = _without_empty_section(text)
    if text is not None and "file" in made and not json_text.children(text, json_text.root(text)):
        return None
    return text


def _last_of_ours(text: str) -> tuple[json_text.Child, int] | None:
    """The list of an event, and our last entry in it. From the end, so that each removal undoes the latest addition."""
    for one in reversed(_lists(text)):
        for number, entry in reversed(list(enumerate(_items(one)))):
            if claude_code.line_of(entry):
                return one, number
    return None


def _without_event(text: str, name: str) -> str:
    section = _hooks(text)
    assert section is not None  # noqa: S101 -- it was found there
    names = [one.key for one in json_text.children(text, section.value_at)]
    return json_text.removed(text, section.value_at, names.index(name))


def _without_empty_section(text: str) -> str:
    section, start = _hooks(text), json_text.root(text)
    if section is None or section.value:
        return text
    return json_text.removed(text, start, [one.key for one in json_text.children(text, start)].index("hooks"))


def _hooks(text: str) -> json_text.Child | None:
    """The section of the settings that holds hooks. Raises NotEditable when it is no object."""
    members = json_text.children(text, json_text.root(text))
    section = next((one for one in members if one.key == "hooks"), None)
    if section is not None and not isinstance(section.value, dict):
        raise NotEditable('"hooks" is no object')
    return section


def _lists(text: str) -> list[json_text.Child]:
    """The lists of entries, one for each event. Raises NotEditable when one is something else."""
    section = _hooks(text)
    found = json_text.children(text, section.value_at) if section else []
    for one in found:
        if not isinstance(one.value, list):
            raise NotEditable(f'"hooks.{one.key}" is no list')
    return found


def _items(one: json_text.Child) -> list[object]:
    assert isinstance(one.value, list)  # noqa: S101 -- _lists checks it
    return one.value
