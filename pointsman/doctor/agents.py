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
    from agent.backends.acp.check import OLDEST_NODE, asks, has_login
    from agent.backends.acp.launch import packaged_version

    version = packaged_version(Path(program)) or _said(program, environ)
    what = f"{kind.title} {version or 'of an unknown version'}, {asks(kind)}"
    if kind.brings is None:
        what += "; runs in and below POINTSMAN_TRUSTED_FOLDERS alone"
    if lacking := _lacking(program, environ):
        yield warn("agents", f"{what}; {lacking}", f"Install Node {OLDEST_NODE} or later where the agent finds it.")
    elif told is not None and kind.name not in told:
        yield warn("agents", f"{what}; the agent here does not see it", _ELSEWHERE.format(program=kind.program))
    else:
        login = {True: "a login is here", False: "no login was found", None: ""}[has_login(kind, environ)]
        yield ok("agents", f"{'; '.join(filter(None, (what, login)))}. To log in, start it in a terminal")


def _lacking(program: str, environ: Mapping[str, str]) -> str:
    """What it needs to run and does not find."""
    from agent.backends.acp.check import needs_node, too_old

    try:
        if not needs_node(program):
            return ""
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    node = shutil.which("node", path=environ.get("PATH", ""))
    if node is None:
        return "there is no node to run it"
    return too_old(_said(node, environ))


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
