"""The agent of this machine, asked over its socket."""

import time
from typing import TYPE_CHECKING, Any

from pointsman.config import Settings
from pointsman.errors import ExitCode, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.domain.session import Process

_ATTACHING = 5.0
"""Seconds in which the terminal of a program that has just started makes itself known to the agent."""

_KNOCK = 1.0  # seconds; a program waits to be started
_LOOK = 0.1  # seconds between two looks for it

_EXIT_CODES = {
    "SESSION_UNKNOWN": ExitCode.NOT_FOUND,
    "NOT_FOUND": ExitCode.NOT_FOUND,
    "INVALID_ARGUMENT": ExitCode.USAGE,
    "TOO_LARGE": ExitCode.USAGE,
}


def ask(settings: Settings, request: dict[str, object], patience: float = 10.0) -> dict[str, Any]:
    """The agent's answer, within so many seconds. Raises Failure when there is no agent, or it refuses."""
    from agent.local import client

    path = settings.agent_socket()
    try:
        answer: dict[str, Any] = client.request(path, request, patience)
    except PermissionError:
        # Nothing was said to it: whoever took the agent's place would read along.
        cure = f"Ask who runs it, remove {path.parent}, or choose a shorter POINTSMAN_DATA_DIR."
        raise Failure(f"what listens on {path} is not your agent", cure, ExitCode.NOT_REACHABLE) from None
    except OSError:
        everything = "" if settings.router_is_elsewhere else ", or `pointsman up` for everything on this machine"
        cure = f"Start it with `pointsman agent`{everything}."
        raise Failure(f"no agent listens on {path}", cure, ExitCode.NOT_REACHABLE) from None
    if not answer.get("ok"):
        code = _EXIT_CODES.get(str(answer.get("reason")), ExitCode.FAILED)
        cure = "`pointsman sessions` lists the sessions." if code is ExitCode.NOT_FOUND else ""
        raise Failure(str(answer.get("error", "the agent refused")), cure, code)
    return answer


def agent_listens(settings: Settings) -> bool:
    """Whether somebody takes connections on the agent's socket."""
    from agent.local import client

    try:
        client.connected(settings.agent_socket(), _KNOCK).close()
    except OSError:
        return False
    return True


def find_local_session(settings: Settings, name: str) -> str:
    """The id of this machine's session with that id or label; empty when it has none, or has no agent.

    The session that this is called in may have just begun: then its terminal is on the way to the agent.
    """
    gives_up = time.monotonic() + (_ATTACHING if name == settings.environ.get("POINTSMAN_SESSION_ID") else 0)
    while True:
        try:
            sessions = ask(settings, {"op": "sessions"})["sessions"]
        except Failure:
            return ""
        ids = [item["session_id"] for item in sessions if name in (item["session_id"], item["label"])]
        if ids or time.monotonic() > gives_up:
            return str(ids[0]) if len(ids) == 1 else ""  # between two of one label nobody guesses
        time.sleep(_LOOK)


def find_part_of_local(settings: Settings, name: str) -> str:
    """As find_local_session, or by a part of an id that we made: others may be the beginning of each other."""
    from router.domain.naming import Named, fitting, several
    from router.domain.session import is_uuid

    if found := find_local_session(settings, name):
        return found
    there = ask(settings, {"op": "sessions"})["sessions"]
    parts = fitting(name, [Named(str(one["session_id"])) for one in there if is_uuid(str(one["session_id"]))])
    if len(parts) > 1:
        raise Failure(several(name, parts), "Give more of the id.", ExitCode.USAGE)
    return parts[0].identity if parts else ""


def resolve_tmux(target: str, tmux_env: str) -> dict[str, object]:
    """The part of a register request that names a tmux pane."""
    from agent.backends.terminals import tmux

    # Here and not in the agent: which tmux server is meant, only the caller's environment says.
    return _resolved("tmux", lambda: tmux.resolve(target, tmux_env))


def resolve_nvim(socket: str) -> dict[str, object]:
    """The part of a register request that names a terminal of nvim."""
    from agent.backends.terminals import nvim

    return _resolved("nvim", lambda: nvim.resolve(socket))


def _resolved(backend: str, resolve: "Callable[[], tuple[Mapping[str, str], Process, str]]") -> dict[str, object]:
    from agent.domain.errors import Refusal

    try:
        address, process, cwd = resolve()
    except Refusal as refusal:
        code = ExitCode.NOT_FOUND if refusal.reason.name == "TARGET_GONE" else ExitCode.FAILED
        raise Failure(refusal.text, code=code) from None
    return {"backend": backend, "target": dict(address), "pid": process.pid, "cwd": cwd}
