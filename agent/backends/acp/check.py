"""What is known of a coding agent before it is run: how it asks people, what it lacks, whether a login is here."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from agent.backends.acp.table import Kind
from agent.backends.spawning import version_of

OLDEST_NODE = 20  # on which those of them run that need it


def asks(kind: Kind) -> str:
    """How it runs, for people."""
    if kind.mode:
        return f"in its mode {kind.mode.rpartition('#')[2]}, set at each start"  # some are addresses of pages
    return "asks people, as it is told in its environment" if kind.environ else "in its own default mode"


def needs_node(program: str) -> bool:
    """Whether it is a script for Node. Raises OSError where it cannot be read."""
    with Path(program).open("rb") as file:
        first = file.readline(200)
    return first.startswith(b"#!") and b"node" in first


def too_old(version: str) -> str:
    """What is wrong with a version of Node; empty where nothing is."""
    major = version.removeprefix("v").partition(".")[0]
    return f"node is {version.removeprefix('v')}" if major.isdigit() and int(major) < OLDEST_NODE else ""


async def lacking(program: str, environ: Mapping[str, str]) -> str:
    """What it needs to run and does not find, for people."""
    try:
        if not needs_node(program):
            return ""
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    node = shutil.which("node", path=environ.get("PATH", ""))
    return too_old(await version_of(node, environ)) if node else "there is no node to run it"


def has_login(kind: Kind, environ: Mapping[str, str]) -> bool | None:
    """Whether there is a login of it, where they usually are; None where nobody knows where that is."""
    if not kind.logins:
        return None
    home = Path(environ.get("HOME", "~")).expanduser()
    return any(environ.get(one[1:]) if one.startswith("$") else (home / one).exists() for one in kind.logins)
