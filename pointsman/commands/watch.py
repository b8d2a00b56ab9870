"""Live events, resumed across restarts of the router."""

import time
from collections.abc import Iterator
from contextlib import suppress

import click

from pointsman import names
from pointsman.client.records import Event
from pointsman.commands import completion
from pointsman.context import client_flags, control, json_flag
from pointsman.errors import ExitCode, Failure
from pointsman.render import clock, json_line, plain

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0  # seconds
_WORKED = 2.0  # seconds that a stream lived: then the address is right, and a break is worth waiting out


@click.command()
@client_flags
@json_flag
@click.option("--after", default=0, type=click.IntRange(0), metavar="EVENT", help="Go on after this event.")
@click.argument("session", default="", shell_complete=completion.sessions)
def watch(*, session: str, after: int, as_json: bool) -> None:
    """Show what happens, as it happens.

    Ctrl-C ends it. Each line begins with the number of its event, to resume `--after` it.
    """
    session_id = ""
    if session:
        with control() as router:
            session_id = names.session(router, session)
    with suppress(KeyboardInterrupt):
        for event in _events(session_id, after):
            click.echo(json_line(event) if as_json else _line(event))


def _line(event: Event) -> str:

    step = event.step
    move = " → ".join(state for state in (step.from_state, step.to_state) if state)
    words = (str(event.event_id), clock(step.at), event.session_id, step.subject_id, step.event, move, step.detail)
    return "  ".join(plain(word) for word in words if word)


def _events(session_id: str, after: int) -> Iterator[Event]:
    """Events without a gap: after a break, those that were missed come first."""
    pause, worked = _FIRST_PAUSE, False
    while True:
        began = time.monotonic()
        try:
            with control() as router:
                for event in router.watch(session_id, after):
                    # Noted before it is shown: what stands on the screen never comes again.
                    after, pause, worked = event.event_id, _FIRST_PAUSE, True
                    yield event
        except Failure as failure:
            worked = worked or time.monotonic() - began > _WORKED
            # An address that never worked is told at once, not tried for ever.
            if failure.exit_code != ExitCode.NOT_REACHABLE or not worked:
                raise
            click.echo(f"{failure.message}; trying again in {pause:.0f} s", err=True)
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
