"""Commands: sending them, finding them, deciding about those that ended badly."""

import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from pointsman import names
from pointsman.client.records import CommandState
from pointsman.commands import completion, session_messages
from pointsman.context import TAKES_TEXT, SpanParam, client_flags, control, json_flag, speaks_as_session
from pointsman.errors import ExitCode, Failure
from pointsman.json_records import command_text
from pointsman.render import Column, shortened, show, show_json, state_word, told

if TYPE_CHECKING:
    from pointsman.client.control import Control
    from pointsman.client.records import Command, Session
    from pointsman.names import Labels

_STATES = ("queued", "sent", "received", "done", "failed", "uncertain", "cancelled", "expired", "dead")
_STDIN = "-"


@click.command(context_settings=TAKES_TEXT)
@client_flags
@json_flag
@click.option("--wait", is_flag=True, help="Wait for the end; exit code 0 only when it was typed.")
@click.option("--ttl", type=SpanParam(), help="Not typed later than this from now: 90s, 30m, 2h, 1d.  [default: 24h]")
@click.option("--reply", default="", metavar="ID", help="Inside of a session: answer the message with this ID.")
@click.argument("session", shell_complete=completion.sessions)
@click.argument("text", default=None, required=False)
def send(*, session: str, text: str | None, reply: str, wait: bool, ttl: timedelta | None, as_json: bool) -> None:
    """Type TEXT and Enter into a session. TEXT - reads standard input.

    Inside of a session it is that session which says so to another one: it reads so there, and people may be asked
    first. What answers a message (--reply) needs no SESSION.
    """
    if text is None and not reply:
        raise click.UsageError("Missing argument 'TEXT'.")
    # Who answers says only what: the router knows to whom.
    to, text = (session, text) if text is not None else ("", session)
    # Everybody on the machine can read a command line; a text need not stand on one.
    if text == _STDIN:
        text = sys.stdin.read()
    as_session = speaks_as_session()
    if reply and not as_session:
        raise Failure("--reply is for sessions", "Only what runs in one answers for it.", ExitCode.USAGE)
    with control(as_session=as_session) as router:
        own = session_messages.to_own(router, to) if as_session and not reply else None
        if as_session and own is None:
            _say(router, to, text, reply, is_plain=not (wait or ttl), as_json=as_json)
        else:
            there = own or names.find(router, to)
            _follow(router, there, router.send_text(there.session_id, text, ttl=ttl), wait=wait, as_json=as_json)


def _say(router: "Control", to: str, text: str, reply: str, *, is_plain: bool, as_json: bool) -> None:
    """A session says it to another."""
    if not is_plain:
        why = "--wait and --ttl are not for what a session says to another"
        raise Failure(why, "The other session answers, if it is asked to.", ExitCode.USAGE)
    # By its whole id or name, which the router knows: a program in a session is not shown all that there are.
    session_messages.tell(router.send_to_session(to, text, reply), as_json=as_json)


@click.command()
@client_flags
@json_flag
@click.option("--wait", is_flag=True, help="Wait for the end; exit code 0 only when it was pressed.")
@click.argument("session", shell_complete=completion.sessions)
@click.argument("name", metavar="KEY", shell_complete=completion.keys)
def key(*, session: str, name: str, wait: bool, as_json: bool) -> None:
    """Press a key in a session.

    KEY is esc, enter, ctrl-c, ctrl-d, ctrl-o, ctrl-r, ctrl-z, tab, shift-tab, up, down, left, right, page-up,
    page-down, backspace or space.
    """
    with control() as router:
        there = names.find(router, session)
        command = router.send_key(there.session_id, name)
        _follow(router, there, command, wait=wait, as_json=as_json)


def _follow(router: "Control", there: "Session", command: "Command", *, wait: bool, as_json: bool) -> None:
    """Tells where the command stands: at its end, if that is waited for."""
    # Before the wait, which then lasts until the machine is back.
    if not there.connected:
        tell_away(there.machine_id)
    if wait:
        command = router.follow(command.command_id)
    tell(command, as_json=as_json)
    leave(command, wait=wait)


def tell_away(machine_id: str) -> None:
    """Beside the data, for a person: why nothing happens."""
    click.echo(f"{machine_id} is away: it is queued, and goes out when the machine is back.", err=True)


def leave(command: "Command", *, wait: bool) -> None:

    # Who does not wait has what they asked for once it is accepted.
    if wait and command.state is not CommandState.DONE:
        sys.exit(ExitCode.FAILED)


def tell(command: "Command", *, as_json: bool) -> None:

    if as_json:
        show_json(command)
        return
    why = ": ".join(part for part in (command.reason, command.detail) if part)
    click.echo(f"{told(command.command_id)} {state_word(command.state)}" + (f" ({why})" if why else ""))


@click.command()
@client_flags
@json_flag
@click.option("--session", default="", help="Only of this session.", shell_complete=completion.sessions)
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES, case_sensitive=False))
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000))
def commands(*, session: str, states: Sequence[str], limit: int, as_json: bool) -> None:
    """List commands, newest first."""
    with control() as router:
        session_id = names.session(router, session) if session else ""
        found = router.commands(session_id, [CommandState[state.upper()] for state in states], limit)
        labels = names.Labels(router, as_json=as_json)
    _list(found, labels, as_json=as_json, nothing="No commands.")


@click.command()
@client_flags
@json_flag
def dead(*, as_json: bool) -> None:
    """List what was given up or left in doubt.

    It waits for a person: retry it, redirect it to another session, or drop it.
    """
    with control() as router:
        dead = router.dead_letters()
        labels = names.Labels(router, as_json=as_json)
    _list(dead.commands, labels, as_json=as_json, nothing="No dead letters.")
    # As JSON it stays one list of records of one kind.
    for note in dead.notifications if not as_json else ():
        click.echo(
            f"A message to {note.chat.chat_id} did not arrive: {note.detail} (pointsman trace {note.notification_id})"
        )


def _list(found: "list[Command]", labels: "Labels", *, as_json: bool, nothing: str) -> None:

    show(
        found,
        [
            Column("session", lambda c: labels[c.session_id], least=12),
            Column("id", lambda c: c.command_id, is_id=True),
            Column("state", lambda c: c.state),
            Column("accepted", lambda c: c.created_at, rank=1),
            Column("why", lambda c: c.reason, rank=2, least=12),
            Column("what", lambda c: shortened(command_text(c)) or c.key, least=16),
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
        # By a call that changes nothing, a part of an id becomes the whole: one that fits two ends here.
        command = router.cancel(router.command(command_id).command_id)
    tell(command, as_json=as_json)


@click.command()
@client_flags
@json_flag
@click.argument("command_id", metavar="ID")
def retry(*, command_id: str, as_json: bool) -> None:
    """Send what ended badly once more, as a new command."""
    with control() as router:
        command = router.redrive(router.command(command_id).command_id)
    tell(command, as_json=as_json)


@click.command()
@client_flags
@json_flag
@click.argument("command_id", metavar="ID")
@click.argument("session", shell_complete=completion.sessions)
def redirect(*, command_id: str, session: str, as_json: bool) -> None:
    """Send what ended badly to another session."""
    with control() as router:
        ended = router.command(command_id)
        command = router.redrive(ended.command_id, names.session(router, session))
    tell(command, as_json=as_json)


@click.command()
@client_flags
@json_flag
@click.argument("command_id", metavar="ID")
def drop(*, command_id: str, as_json: bool) -> None:
    """Take a dead letter off the list."""
    with control() as router:
        command = router.drop(router.command(command_id).command_id)
    tell(command, as_json=as_json)
