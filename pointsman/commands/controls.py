"""How the program in a session works: its mode, its model, what it does and remembers."""

from typing import TYPE_CHECKING

import click

from pointsman import names
from pointsman.commands import completion
from pointsman.commands.commands import leave, tell, tell_away
from pointsman.context import client_flags, control, json_flag
from pointsman.render import plain, show_json

if TYPE_CHECKING:
    from pointsman.client.records import Session

_wait_flag = click.option("--wait", is_flag=True, help="Wait for the end; exit code 0 only when it was done.")
_session = click.argument("session", shell_complete=completion.sessions)


@click.command()
@client_flags
@json_flag
@_wait_flag
@_session
@click.argument("mode", metavar="[MODE]", default="")
def mode(*, session: str, mode: str, wait: bool, as_json: bool) -> None:
    """Say which permission mode Claude Code is in, or put it into MODE.

    MODE is default, acceptEdits or plan, as Claude Code calls them; bypassPermissions only where it was started with
    that allowed.
    """
    _signal(session, "mode", mode, wait=wait, as_json=as_json)


@click.command()
@client_flags
@json_flag
@_wait_flag
@_session
@click.argument("model", metavar="[NAME]", default="")
def model(*, session: str, model: str, wait: bool, as_json: bool) -> None:
    """Say which model Claude Code works with, or let it work with NAME.

    In a terminal Claude Code makes that its default for new sessions, too.
    """
    _signal(session, "model", model, wait=wait, as_json=as_json)


@click.command()
@client_flags
@json_flag
@_wait_flag
@_session
def interrupt(*, session: str, wait: bool, as_json: bool) -> None:
    """Stop what Claude Code does now."""
    _signal(session, "interrupt", wait=wait, as_json=as_json)


@click.command()
@client_flags
@json_flag
@_wait_flag
@_session
def compact(*, session: str, wait: bool, as_json: bool) -> None:
    """Let Claude Code go on with a summary of the conversation."""
    _signal(session, "compact", wait=wait, as_json=as_json)


@click.command()
@client_flags
@json_flag
@_wait_flag
@_session
def clear(*, session: str, wait: bool, as_json: bool) -> None:
    """Let Claude Code begin a new conversation."""
    _signal(session, "clear", wait=wait, as_json=as_json)


def _signal(session: str, signal: str, value: str = "", *, wait: bool, as_json: bool) -> None:
    with control() as router:
        there = names.find(router, session)
        if signal in ("mode", "model") and not value:
            return show_json(there) if as_json else _tell(there, signal)
        command = router.control(there.session_id, signal, value)
        if not there.connected:
            tell_away(there.machine_id)
        if wait:
            command = router.follow(command.command_id)
    tell(command, as_json=as_json)
    leave(command, wait=wait)
    return None


def _tell(there: "Session", signal: str) -> None:
    now, offered = (there.mode, there.modes) if signal == "mode" else (there.model, ())
    click.echo(plain(now) if now else "not known yet")
    if offered:
        click.echo(f"It can be put into: {', '.join(map(plain, offered))}", err=True)
    elif signal == "mode":
        click.echo("It cannot be changed from here.", err=True)


COMMANDS = (mode, model, interrupt, compact, clear)
