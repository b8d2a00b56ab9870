"""Starting and ending sessions on any machine."""

import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from pointsman import names
from pointsman.client.records import CommandState
from pointsman.commands import completion
from pointsman.commands.commands import leave, tell, tell_away
from pointsman.context import TAKES_TEXT, SpanParam, client_flags, control, json_flag
from pointsman.render import told

if TYPE_CHECKING:
    from pointsman.client.control import Control
    from pointsman.client.records import Command
    from pointsman.client.workspaces import Place

_AT_ONCE = timedelta(seconds=5)  # in which a machine that is there has refused what it refuses


@click.command(context_settings=TAKES_TEXT)
@client_flags
@json_flag
@click.option(
    "--machine",
    default="",
    metavar="ID",
    shell_complete=completion.machines,
    help="Where; may be left out where there is only one.",
)
@click.option(
    "--folder",
    default="",
    metavar="FOLDER",
    help="A folder that may be used there, or one below it; the first if left out.",
)
@click.option(
    "--agent",
    default="",
    metavar="NAME",
    help="Which coding agent: claude, gemini, opencode, codex, … as the machine has it.  [default: claude]",
)
@click.option(
    "--workspace",
    default="",
    metavar="REPO[@REF]",
    help="Work in a clone of this repository that lasts: @main for a branch, @#12 for a pull request; or in one that is"
    " there, by its name.",
)
@click.option("--resume", default="", metavar="CONVERSATION", help="The conversation to go on with, by its id.")
@click.option("--ttl", type=SpanParam(), help="Not begun later than this from now: 90s, 30m, 2h, 1d.  [default: 24h]")
@click.option("--keep", is_flag=True, help="Let it go on when its 24 hours are over, until it is ended.")
@click.option("--wait", is_flag=True, help="Wait for the start; exit code 0 only when the prompt was taken.")
@click.argument("prompt")
def start(
    *,
    prompt: str,
    machine: str,
    folder: str,
    agent: str,
    workspace: str,
    resume: str,
    ttl: timedelta | None,
    keep: bool,
    wait: bool,
    as_json: bool,
) -> None:
    """Start a coding agent on a machine, without a terminal, and give it PROMPT.

    Prints the id of the session. PROMPT - reads standard input. Fails where the machine refuses within 5 seconds.
    """
    if prompt == "-":
        prompt = sys.stdin.read()
    with control() as router:
        machine = names.machine(router, machine) if machine else ""
        place = _place(router, workspace) if workspace else None
        command = router.start(
            prompt, machine, folder, agent=agent, conversation_id=resume, workspace=place, ttl=ttl, keep=keep
        )
        # Before the wait: who ends that with Ctrl-C can still name the session.
        if not as_json:
            click.echo(told(command.session_id))
        command = verdict(router, command, wait=wait)
    if as_json or wait or _ended_badly(command):
        tell(command, as_json=as_json)
    leave(command, wait=wait or _ended_badly(command))


@click.command()
@client_flags
@json_flag
@click.option("--wait", is_flag=True, help="Wait for the end; exit code 0 only when it has ended.")
@click.argument("session", shell_complete=completion.sessions)
def stop(*, session: str, wait: bool, as_json: bool) -> None:
    """End a session that its machine runs without a terminal.

    Fails where its machine refuses within 5 seconds. One that has not begun is taken back.

    To stop only what a session does, press a key: pointsman key SESSION esc
    """
    with control() as router:
        command = router.stop(names.session(router, session))
        command = verdict(router, command, wait=wait)
    tell(command, as_json=as_json)
    if command.state is not CommandState.CANCELLED:  # a start that was taken back
        leave(command, wait=wait or _ended_badly(command))


@click.command()
@client_flags
@json_flag
@click.option("--wait", is_flag=True, help="Wait until its machine has it; exit code 0 only when it goes on.")
@click.argument("session", shell_complete=completion.sessions)
def keep(*, session: str, wait: bool, as_json: bool) -> None:
    """Let a session that was started from afar go on when its 24 hours are over, until it is ended."""
    with control() as router:
        command = router.keep(names.session(router, session))
        command = verdict(router, command, wait=wait)
    tell(command, as_json=as_json)
    leave(command, wait=wait or _ended_badly(command))


def verdict(router: "Control", command: "Command", *, wait: bool) -> "Command":
    """The command once it is known whether the machine refuses it; of a machine that is away, as it is."""
    if command.state.ended:
        return command
    # The machine's link and not the session's: one that has not begun has none.
    away = not any(each.connected for each in router.machines() if each.machine_id == command.machine_id)
    if away:
        tell_away(command.machine_id)
    if wait:
        return router.follow(command.command_id)
    return command if away else router.command(command.command_id, _AT_ONCE)


def _place(router: "Control", words: str) -> "Place":
    """A workspace that is there, by its name; else what is to be cloned."""
    from pointsman.client.workspaces import Place, place

    known = next((each for each in router.workspaces(include_gone=True) if each.key == words), None)
    if known is not None:
        return Place(known.key, known.repository, known.ref, known.base_ref, known.foreign)
    repository, _, ref = words.rpartition("@")
    # git@host:path has one of its own.
    path = repository.rpartition("://")[2]
    return place(repository, ref) if "/" in path or ":" in path else place(words)


def _ended_badly(command: "Command") -> bool:
    return command.state.ended and command.state is not CommandState.DONE
