"""Live events, resumed across restarts of the router: what one session does, or every step of commands and messages."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pointsman import names
from pointsman.client.records import Event, SaidDelta, SessionEvent
from pointsman.commands import completion
from pointsman.context import client_flags, control, json_flag
from pointsman.errors import ExitCode, Failure
from pointsman.render import clock, json_line, plain

if TYPE_CHECKING:
    from pointsman.client.control import Control

E = TypeVar("E", Event, SessionEvent)
Json = Any

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0  # seconds
_WORKED = 2.0  # seconds that a stream lived: then the address is right, and a break is worth waiting out
WHO = {"USER": ">", "ASSISTANT": "●", "SYSTEM": "·"}
_STATES = {"PENDING": "☐", "RUNNING": "…", "DONE": "✓", "FAILED": "✗"}
_MOST_OF_OUTPUT = 5  # lines


@click.command()
@client_flags
@json_flag
@click.option(
    "--after", type=click.IntRange(0), metavar="EVENT", help="Go on after this event; 0: from the oldest that is kept."
)
@click.option("--last", default=20, type=click.IntRange(0), metavar="COUNT", help="Begin with the newest so many.")
@click.option("--live", is_flag=True, help="Also what it is saying, while it says it, of sessions without a terminal.")
@click.option("--steps", is_flag=True, help="Of a session, too, the steps of commands and messages.")
@click.argument("session", default="", shell_complete=completion.sessions)
def watch(*, session: str, after: int | None, last: int, live: bool, steps: bool, as_json: bool) -> None:
    """Show what a session does, as it does it; without one, the steps of all commands and messages.

    Ctrl-C ends it. Each line begins with the number of its event, to resume `--after` it. Steps begin from now on,
    unless it says where.
    """
    session_id = ""
    if session:
        with control() as router:
            session_id = names.session(router, session)
    with suppress(KeyboardInterrupt):
        if session_id and not steps:
            saying = _Saying(as_json=as_json) if live else None
            _show(
                lambda router, at: router.watch_session(
                    session_id, at or 0, last=last if at is None else 0, saying=saying
                ),
                after, saying.ended(_told) if saying else _told, as_json=as_json,
            )  # fmt: skip
        else:
            _show(lambda router, at: router.watch(session_id, at), after, _line, as_json=as_json)


def _show(
    watches: "Callable[[Control, int | None], Iterator[E]]",
    after: int | None,
    line: Callable[[E], str],
    *,
    as_json: bool,
) -> None:
    for event in _events(watches, after):
        click.echo(json_line(event) if as_json else line(event))


class _Saying:
    """Shows the end of what is being said on the last line of a terminal, until the next event takes its place."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._is_terminal = sys.stdout.isatty()

    def __call__(self, delta: SaidDelta) -> None:
        if self._as_json:
            click.echo(json_line(delta))
        elif self._is_terminal:
            width = shutil.get_terminal_size().columns - 3
            click.echo(f"\r\x1b[K{WHO['ASSISTANT']} {plain(' '.join(delta.text.split()))[-width:]}", nl=False)

    def ended(self, line: Callable[[E], str]) -> Callable[[E], str]:
        """The same, on a line that is free for it."""
        return lambda event: f"\r\x1b[K{line(event)}" if self._is_terminal else line(event)


def _line(event: Event) -> str:
    step = event.step
    move = " → ".join(state for state in (step.from_state, step.to_state) if state)
    words = (str(event.event_id), clock(step.at), event.session_id, step.subject_id, step.event, move, step.detail)
    return "  ".join(plain(word) for word in words if word)


def _told(event: SessionEvent) -> str:
    words = _WORDS[event.kind](event.content) if event.kind in _WORDS else event.kind
    first, *rest = words.split("\n")
    head = "  ".join(filter(None, (str(event.seq), clock(event.at) if event.at else "", plain(first))))
    return "\n".join([head, *(f"    {plain(line)}" for line in rest)])


def _of_tool(tool: Json) -> str:
    mark = _STATES.get(tool.get("state"), "?")
    mark = f"↳ {mark}" if tool.get("parentId") else mark  # a subagent's
    if tool.get("state") == "RUNNING":
        return f"{mark} {tool.get('name', '')} {tool.get('title', '')}"
    output = (tool.get("diff") or tool.get("output", "")).split("\n")
    return "\n".join([f"{mark} {output[0]}", *output[1:_MOST_OF_OUTPUT], *(["…"] if output[_MOST_OF_OUTPUT:] else [])])


def _of_usage(usage: Json) -> str:
    size = f" of {usage['contextSize']}" if usage.get("contextSize") else ""
    cost = f", {usage['costUsd']:.2f} USD so far" if usage.get("costUsd") else ""
    return f"tokens: {usage.get('outputTokens', 0)} written, {usage.get('contextTokens', 0)}{size} in use{cost}"


def _of_status(status: Json) -> str:
    until = status.get("limitedUntil")
    limit = f"at a limit until {datetime.fromisoformat(until).astimezone():%H:%M}" if until else ""
    screen = "by its screen" if status.get("byScreen") else ""
    words = (status.get("state", "unknown").lower(), status.get("waitingFor", ""), screen, limit)
    return " ".join(filter(None, words))


def _of_metadata(about: Json) -> str:
    commands = [f"commands: {len(about['commands'])}"] if about.get("commands") else []
    return ", ".join([*(f"{name}: {value}" for name, value in about.items() if name != "commands"), *commands])


def _of_plan(plan: Json) -> str:
    entries = [f"{_STATES.get(one.get('state'), '?')} {one.get('text', '')}" for one in plan.get("entries", [])]
    return "\n".join(["plan", *entries])


_WORDS: dict[str, Callable[[Json], str]] = {
    "said": lambda said: f"{'✗' if said.get('isError') else WHO.get(said.get('by'), '·')} {said.get('text', '')}",
    "tool": _of_tool,
    "plan": _of_plan,
    "usage": _of_usage,
    "status": _of_status,
    "metadata": _of_metadata,
    "gap": lambda gap: f"missing: {gap.get('why', '')}",
}


def _events(watches: "Callable[[Control, int | None], Iterator[E]]", after: int | None) -> Iterator[E]:
    """Events without a gap: after a break, those that were missed come first."""
    pause, worked = _FIRST_PAUSE, False
    while True:
        began = time.monotonic()
        try:
            with control() as router:
                for event in watches(router, after):
                    # Noted before it is shown: what stands on the screen never comes again.
                    after = event.event_id if isinstance(event, Event) else event.seq
                    pause, worked = _FIRST_PAUSE, True
                    yield event
        except Failure as failure:
            worked = worked or time.monotonic() - began > _WORKED
            # An address that never worked is told at once, not tried for ever.
            if failure.exit_code != ExitCode.NOT_REACHABLE or not worked:
                raise
            click.echo(f"{failure.message}; trying again in {pause:.0f} s", err=True)
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
