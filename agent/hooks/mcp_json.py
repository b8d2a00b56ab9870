"""Our MCP server into a coding agent's settings in JSON and out again; every other byte of the file stays.

Nothing is remembered elsewhere: our entry is known by the program that it starts, and says in its last argument what
had to be made for it.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from agent.hooks import json_text, settings_file
from agent.hooks.json_text import Child, NotEditable

NAME = "pointsman"
_PROGRAM = "/pointsman/mcp/stdio.py"
_MADE_NOTHING, _MADE_SECTION, _MADE_FILE = "there", "section", "file"

Entry = Callable[[Sequence[str]], dict[str, object]]
"""How an agent writes a server that a command line starts."""


def install(path: Path, section: str, entry: Entry, argv: Sequence[str]) -> bool:
    """Put the server into that section, in place of an earlier one of ours. Whether anything changed.

    Raises SettingsRefused when the file cannot be edited without harm.
    """
    return settings_file.change(path, lambda text: _with(text, section, entry, argv))


def uninstall(path: Path, section: str) -> bool:
    """Take it out again; a file that was made for it goes too. Whether anything changed. Raises SettingsRefused."""
    return settings_file.change(path, lambda text: _without(text, section))


def installed(path: Path, section: str) -> object:
    """Our entry; None where there is none. Raises SettingsRefused."""
    return settings_file.read(path, lambda text: _value(text, section))


def made_for(argv: Sequence[str], made: str = _MADE_NOTHING) -> list[str]:
    """The command line, with what was made for it."""
    return [*argv, made]


def _with(text: str | None, section: str, entry: Entry, argv: Sequence[str]) -> str:
    there = _value(text, section)
    if text is not None and any(
        there == entry(made_for(argv, made)) for made in (_MADE_NOTHING, _MADE_SECTION, _MADE_FILE)
    ):
        return text
    text = _without(text, section)
    if text is None:
        return json_text.document({section: {NAME: entry(made_for(argv, _MADE_FILE))}})
    found = _section(text, section)
    if found is None:
        return json_text.added(text, json_text.root(text), {NAME: entry(made_for(argv, _MADE_SECTION))}, section)
    if _named(text, found) is not None:
        raise NotEditable(f'"{section}.{NAME}" is there already, and starts another program')
    return json_text.added(text, found.value_at, entry(made_for(argv)), NAME)


def _without(text: str | None, section: str) -> str | None:
    found = _section(text, section) if text is not None else None
    if text is None or found is None or (ours := _ours(text, found)) is None:
        return text
    number, made = ours
    text = json_text.removed(text, found.value_at, number)
    root = json_text.root(text)
    left = _section(text, section)
    if made != _MADE_NOTHING and left is not None and not left.value:
        text = json_text.removed(text, root, [one.key for one in json_text.children(text, root)].index(section))
    return None if made == _MADE_FILE and not json_text.children(text, root) else text


def _value(text: str | None, section: str) -> object:
    found = _section(text, section) if text is not None else None
    if text is None or found is None or _ours(text, found) is None:
        return None
    return json_text.children(text, found.value_at)[_ours(text, found)[0]].value  # type: ignore[index]


def _ours(text: str, section: Child) -> tuple[int, str] | None:
    """Which child of the section is ours, and what was made for it."""
    named = _named(text, section)
    words = _words(named[1].value) if named else []
    if named is None or not any(word.endswith(_PROGRAM) for word in words):
        return None
    return named[0], words[-1]


def _named(text: str, section: Child) -> tuple[int, Child] | None:
    children = json_text.children(text, section.value_at)
    return next(((number, one) for number, one in enumerate(children) if one.key == NAME), None)


def _words(value: object) -> list[str]:
    """The command line of an entry, however it is written."""
    parts = [value.get("command"), value.get("args")] if isinstance(value, dict) else []
    return [word for part in parts if isinstance(part, list) for word in part if isinstance(word, str)]


def _section(text: str, name: str) -> Child | None:
    section = next((one for one in json_text.children(text, json_text.root(text)) if one.key == name), None)
    if section is not None and not isinstance(section.value, dict):
        raise NotEditable(f'"{name}" is no object')
    return section
