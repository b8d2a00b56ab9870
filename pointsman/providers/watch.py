"""What the router says of machines that providers bring: who waits for them, and whether they work."""

from collections.abc import Iterable
from dataclasses import dataclass

from pointsman.client.control import Control
from pointsman.client.records import Command, CommandState, SessionState

_LIVE = (CommandState.QUEUED, CommandState.SENT, CommandState.RECEIVED)
_PAGE = 1000
_AT_REST = (SessionState.IDLE, SessionState.ENDED)


@dataclass(frozen=True, slots=True)
class Seen:
    """One machine. It `works` where anything on it may go on, and where nobody knows."""

    is_known: bool = False
    is_connected: bool = False
    waiting: int = 0  # commands that have not ended
    works: bool = True


def look(router: Control, keys: Iterable[str]) -> dict[str, Seen]:
    """Raises RouterError."""
    there = {each.machine_id: each for each in router.machines() if not each.revoked}
    waiting: dict[str, int] = {}
    for command in _live(router):
        waiting[command.machine_id] = waiting.get(command.machine_id, 0) + 1
    sessions = {each.session_id: each for each in router.sessions()}
    busy = {each.machine_id for each in sessions.values() if each.state not in _AT_REST}
    # A question may outlive what its session was doing.
    asked = {each.session_id for each in router.permissions(limit=_PAGE)}
    busy |= {each.machine_id for each in sessions.values() if each.session_id in asked}
    return {
        key: Seen(key in there, key in there and there[key].connected, waiting.get(key, 0), key in busy) for key in keys
    }


def _live(router: Control) -> list[Command]:
    """All of them: one that is overlooked would let a machine sleep that somebody waits for."""
    found: list[Command] = []
    while page := router.commands(states=_LIVE, limit=_PAGE, before=found[-1].command_id if found else ""):
        found += page
        if len(page) < _PAGE:
            break
    return found
