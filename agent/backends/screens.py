"""What a terminal shows, for people who cannot see it."""

from agent.backends.tmux_server import TmuxFailed, TmuxServer, TmuxTimeout
from agent.domain.session import Session

LINES = 12
"""From the bottom, where prompts and dialogs are."""

_LIMIT = 2.0  # seconds for tmux, which takes 5 ms


async def shown(session: Session) -> str:
    """The last lines on a session's screen; empty where that cannot be seen from outside."""
    if session.backend != "tmux":
        return ""
    server = TmuxServer(session.target.get("server", ""), _LIMIT)
    try:
        screen = await server.run("capture-pane", "-p", "-t", session.target["pane"])
    except (TmuxFailed, TmuxTimeout):
        return ""
    lines = [line.rstrip() for line in screen.splitlines()]
    return "\n".join([line for line in lines if line][-LINES:])
