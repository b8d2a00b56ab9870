"""Our MCP server into Codex's settings and out again: lines of ours at the end of the file, between two marks."""

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path

from agent.hooks import settings_file
from agent.hooks.json_text import NotEditable

_BEGIN = "# pointsman mcp: these lines come and go with `pointsman hooks install --mcp` and `hooks uninstall`"
_END = "# pointsman mcp: end"
_JOINED = " (the line above had no end)"
_MADE = " (the file was made for them)"
ALLOWED = ("ask_person", "notify", "sessions", "remember", "recall")  # for which Codex asks nobody
_LONGEST = 604_800  # seconds that a person may take


def install(path: Path, argv: Sequence[str], environ: Sequence[str]) -> bool:
    """Put the server in, in place of an earlier one of ours. Whether anything changed. Raises SettingsRefused.

    `environ` names the variables that it is to see: Codex passes on none by itself.
    """
    return settings_file.change(path, lambda text: _with(text, argv, environ))


def uninstall(path: Path) -> bool:
    """Take it out again; a file that was made for it goes too. Whether anything changed. Raises SettingsRefused."""
    return settings_file.change(path, _without)


def installed(path: Path) -> str:
    """Our lines; empty where there are none. Raises SettingsRefused."""
    return settings_file.read(path, lambda text: _found(text or "")[1])


def _with(text: str | None, argv: Sequence[str], environ: Sequence[str]) -> str:
    lines = _lines(argv, environ)
    if text is not None and _found(text)[1].endswith(lines):
        return text
    bare = _without(text)
    note = _MADE if bare is None else _JOINED if bare and not bare.endswith("\n") else ""
    before = f"{bare}\n" if note == _JOINED else bare or ""
    whole = f"{before}{_BEGIN}{note}\n{lines}"
    _check(bare or "", "it is not TOML")
    _check(whole, "there is a server of that name already, or servers are written in another way than as tables")
    return whole


def _without(text: str | None) -> str | None:
    if text is None or not (ours := _found(text)[1]):
        return text
    before, after = text.split(ours, 1)
    note = ours.partition("\n")[0].removeprefix(_BEGIN)
    before = before.removesuffix("\n") if note == _JOINED else before
    return None if note == _MADE and not before + after else before + after


def _found(text: str) -> tuple[int, str]:
    """Where our lines begin, and they; nothing where there are none."""
    start = text.find(_BEGIN)
    end = text.find(_END, start)
    return (start, text[start : end + len(_END) + 1]) if 0 <= start < end else (-1, "")


def _lines(argv: Sequence[str], environ: Sequence[str]) -> str:
    # A text of JSON is one of TOML, too.
    command, *arguments = argv
    allowed = "".join(f'[mcp_servers.pointsman.tools.{name}]\napproval_mode = "approve"\n' for name in ALLOWED)
    return (
        f"[mcp_servers.pointsman]\ncommand = {json.dumps(command)}\nargs = {json.dumps(arguments)}\n"
        f"env_vars = {json.dumps(list(environ))}\nstartup_timeout_sec = 20\ntool_timeout_sec = {_LONGEST}\n"
        f"{allowed}{_END}\n"
    )


def _check(text: str, why: str) -> None:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotEditable(f"{why} ({error})") from None
