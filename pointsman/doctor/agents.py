"""Which coding agents this machine has to start from afar: their versions, in which mode they run, what is missing."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pointsman.client.errors import RouterError
from pointsman.config import Settings
from pointsman.connection import connected
from pointsman.doctor.findings import Finding, ok, warn
from pointsman.errors import Failure

if TYPE_CHECKING:
    from agent.backends.acp.table import Kind

_PATIENCE = 5.0  # seconds for an answer, or for a version
_NODE = 20  # the oldest on which those of them run that need it
_ELSEWHERE = "Its PATH is another one: restart it where `which {program}` finds it."


def agents(settings: Settings) -> Iterator[Finding]:
    """Those of ACP; Claude Code has a check of its own."""
    from agent.backends.acp.table import table

    kinds = table(settings["POINTSMAN_AGENTS"])
    path = settings.environ.get("PATH", "")
    here = {kind.name: found for kind in kinds.values() if (found := shutil.which(kind.program, path=path))}
    told = _told(settings)
    for name, program in here.items():
        yield from _one(kinds[name], program, settings.environ, told)
    if missing := [f"{name} ({kind.install or kind.program})" for name, kind in kinds.items() if name not in here]:
        yield ok("agents", f"not installed: {', '.join(missing)}")


def _one(kind: "Kind", program: str, environ: Mapping[str, str], told: "frozenset[str] | None") -> Iterator[Finding]:
    from agent.backends.acp.launch import packaged_version

    version = packaged_version(Path(program)) or _said(program, environ)
    what = f"{kind.title} {version or 'of an unknown version'}, {_mode(kind)}"
    if kind.brings is None:
        what += "; runs in and below POINTSMAN_TRUSTED_FOLDERS alone"
    if lacking := _lacking(program, environ):
        yield warn("agents", f"{what}; {lacking}", f"Install Node {_NODE} or later where the agent finds it.")
    elif told is not None and kind.name not in told:
        yield warn("agents", f"{what}; the agent here does not see it", _ELSEWHERE.format(program=kind.program))
    else:
        yield ok("agents", f"{what}. To log in, start it in a terminal")


def _mode(kind: "Kind") -> str:
    """How it runs, for people."""
    if kind.mode:
        return f"in its mode {kind.mode}, set at each start"
    return "asks people, as it is told in its environment" if kind.environ else "in its own default mode"


def _lacking(program: str, environ: Mapping[str, str]) -> str:
    """What it needs to run and does not find."""
    try:
        with Path(program).open("rb") as file:
            first = file.readline(200)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if not (first.startswith(b"#!") and b"node" in first):
        return ""
    node = shutil.which("node", path=environ.get("PATH", ""))
    if node is None:
        return "there is no node to run it"
    version = _said(node, environ).removeprefix("v")
    major = version.partition(".")[0]
    return f"node is {version}" if major.isdigit() and int(major) < _NODE else ""


def _said(program: str, environ: Mapping[str, str]) -> str:
    """What it says of its version, in a line."""
    try:
        done = subprocess.run(
            [program, "--version"], env=dict(environ), stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    line = done.stdout.decode(errors="replace").strip().partition("\n")[0]
    return line[:40] if line.isprintable() else ""


def _told(settings: Settings) -> "frozenset[str] | None":
    """What the agent of this machine told the router that it can start; None where nobody knows."""
    try:
        with connected(settings) as client:
            machines = client.machines(_PATIENCE)
    except (RouterError, Failure):  # of which another check tells
        return None
    own = [each for each in machines if each.machine_id == settings["POINTSMAN_MACHINE_ID"] and each.connected]
    named = frozenset(program.name for each in own for program in each.programs)
    return named if named else None
