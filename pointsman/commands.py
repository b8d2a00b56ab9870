"""Commands: sending them, finding them, deciding about those that ended badly."""

import getpass
import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from pointsman.context import TAKES_TEXT, client_flags, control, json_flag
from pointsman.errors import ExitCode

if TYPE_CHECKING:
    from pointsman.records import Command, Step

_STATES = ("queued", "sent", "received", "done", "failed", "uncertain", "cancelled", "expired", "dead")
_STDIN = "-"


def actor() -> str:
    """Who sends, for people to read."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):  # containers run under ids that have no name
        return socket.gethostname()


@click.command(context_settings=TAKES_TEXT)
@client_flags
@json_flag
@click.option("--wait", is_flag=True, help="Wait for the end; exit code 0 only when it was typed.")
@click.argument("session")
@click.argument("text")
def send(*, session: str, text: str, wait: bool, as_json: bool) -> None:
    """Type TEXT and Enter into a session. TEXT - reads standard input."""
    from pointsman.sessions import find_session

    if text == _STDIN:
        text = sys.stdin.read()
    with control() as router:
        command = router.send_text(find_session(router, session), text, actor())
        if wait:
            command = router.follow(command.command_id)
    tell(command, as_json=as_json)
    leave(command, wait=wait)


@click.command()
@client_flags
@json_flag
@click.option("--wait", is_flag=True, help="Wait for the end; exit code 0 only when it was pressed.")
@click.argument("session")
@click.argument("name", metavar="KEY")
def key(*, session: str, name: str, wait: bool, as_json: bool) -> None:
    """Press a key in a session.

    KEY is esc, enter, ctrl-c, ctrl-d, ctrl-o, ctrl-r, ctrl-z, tab, shift-tab, up, down, left, right, page-up,
    page-down, backspace or space.
    """
    from pointsman.sessions import find_session

    with control() as router:
        command = router.send_key(find_session(router, session), name, actor())
        if wait:
            command = router.follow(command.command_id)
    tell(command, as_json=as_json)
    leave(command, wait=wait)


def leave(command: "Command", *, wait: bool) -> None:
    from pointsman.records import CommandState

    if wait and command.state is not CommandState.DONE:
        sys.exit(ExitCode.FAILED)


def tell(command: "Command", *, as_json: bool) -> None:
    from pointsman.render import show_json

    if as_json:
        show_json(command)
        return
    why = ": ".join(part for part in (command.reason, command.detail) if part)
    click.echo(f"{command.command_id} {command.state.value}" + (f" ({why})" if why else ""))


@click.command()
@client_flags
@json_flag
@click.option("--session", default="", help="Only of this session.")
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES, case_sensitive=False))
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000))
def commands(*, session: str, states: Sequence[str], limit: int, as_json: bool) -> None:
    """List commands, newest first."""
    from pointsman.records import CommandState
    from pointsman.sessions import find_session

    with control() as router:
        session_id = find_session(router, session) if session else ""
        found = router.commands(session_id, [CommandState(state) for state in states], limit)
    _list(found, as_json=as_json, nothing="No commands.")


@click.command()
@client_flags
@json_flag
def dead(*, as_json: bool) -> None:
    """List what was given up or left in doubt.

    It waits for a person: retry it, redirect it to another session, or drop it.
    """
    with control() as router:
        found = router.dead_letters()
    _list(found, as_json=as_json, nothing="No dead letters.")


def _list(found: "list[Command]", *, as_json: bool, nothing: str) -> None:
    from pointsman.render import shortened, show

    show(
        found,
        [
            ("id", lambda c: c.command_id),
            ("session", lambda c: c.session_id),
            ("state", lambda c: c.state),
            ("accepted", lambda c: c.created_at),
            ("why", lambda c: c.reason),
            ("what", lambda c: shortened(c.text) if c.text else c.key),
        ],
        as_json=as_json,
        nothing=nothing,
    )


@click.command()
@client_flags
@json_flag
@click.argument("command_id", metavar="ID")
def cancel(*, command_id: str, as_json: bool) -> None:
    """Take a command back.

    Once it is on the machine, the machine decides whether that is still possible.
    """
    with control() as router:
        command = router.cancel(command_id)
    tell(command, as_json=as_json)


@click.command()
@client_flags
@json_flag
@click.argument("command_id", metavar="ID")
def retry(*, command_id: str, as_json: bool) -> None:
    """Send what ended badly once more, as a new command."""
    with control() as router:
        command = router.redrive(command_id)
    tell(command, as_json=as_json)


@click.command()
@client_flags
@json_flag
@click.argument("command_id", metavar="ID")
@click.argument("session")
def redirect(*, command_id: str, session: str, as_json: bool) -> None:
    """Send what ended badly to another session."""
    from pointsman.sessions import find_session

    with control() as router:
        command = router.redrive(command_id, find_session(router, session))
    tell(command, as_json=as_json)


@click.command()
@client_flags
@json_flag
@click.argument("command_id", metavar="ID")
def drop(*, command_id: str, as_json: bool) -> None:
    """Take a dead letter off the list."""
    with control() as router:
        command = router.drop(command_id)
    tell(command, as_json=as_json)


@click.command()
@client_flags
@json_flag
@click.argument("subject", metavar="ID")
def trace(*, subject: str, as_json: bool) -> None:
    """Show every step of a command, notification or question.

    ID is a command's, a notification's, an update's or a permission question's: what happened, when, why, by whom.
    """
    from pointsman.render import clock, show

    def move(step: "Step") -> str:
        return " → ".join(state for state in (step.from_state, step.to_state) if state)

    with control() as router:
        steps = router.trace(subject)
    show(
        steps,
        [
            ("time", lambda s: clock(s.at)),
            ("event", lambda s: s.event),
            ("state", move),
            ("by", lambda s: s.actor),
            ("more", lambda s: s.detail),
            ("about", lambda s: s.subject_id),
        ],
        as_json=as_json,
        nothing="Nothing is known of it.",
    )
