"""Workspaces: listed, closed, archived, removed, moved, swept."""

import time
from typing import TYPE_CHECKING

import click

from pointsman.commands.commands import leave, tell
from pointsman.commands.starts import verdict
from pointsman.context import client_flags, control, json_flag
from pointsman.render import Column, show, show_json, state_word, told

if TYPE_CHECKING:
    from pointsman.client.workspaces import Workspace, WorkspaceDecision

LOOK_EVERY = 0.5  # seconds between looks at one that is on its way
_GB, _MB = 1e9, 1e6


@click.group(invoke_without_command=True)
@client_flags
@json_flag
@click.option("--machine", default="", metavar="ID", help="Only of this machine.")
@click.option("--all", "gone", is_flag=True, help="Also those that are gone.")
@click.pass_context
def workspaces(context: click.Context, *, machine: str, gone: bool, as_json: bool) -> None:
    """List the workspaces on machines, what changed last first.

    What is dirty or unpushed is what the machine saw last. `pointsman start --workspace` makes one, or goes on in it.
    """
    # A group that lists by itself: to look is what people do most.
    if context.invoked_subcommand is not None:
        return
    with control() as router:
        found = router.workspaces(machine, include_gone=gone)
    show(
        found,
        [
            Column("workspace", lambda w: w.key, least=16),
            Column("state", lambda w: state_word(w.state)),
            Column("machine", _machine, rank=2, least=8),
            Column("work", _work, least=10),
            Column("disk", _disk, rank=3),
            Column("repository", lambda w: w.repository, rank=4),
            Column("changed", lambda w: w.changed_at, rank=3),
            Column("janitor", _why, rank=4, least=16),
        ],
        as_json=as_json,
        nothing="There is no workspace. Make one: pointsman start --workspace REPO[@REF] TEXT",
    )


@workspaces.command()
@client_flags
@json_flag
@click.argument("key", metavar="WORKSPACE")
def close(*, key: str, as_json: bool) -> None:
    """Say that what a workspace is for is over: in 7 days it is removed, or archived with what is nowhere else."""
    with control() as router:
        _tell(router.say_workspace_over(key), as_json=as_json)


@workspaces.command()
@client_flags
@json_flag
@click.argument("key", metavar="WORKSPACE")
def reopen(*, key: str, as_json: bool) -> None:
    """Say that it is not over after all: it is kept, whatever its platform says, until somebody closes it."""
    with control() as router:
        _tell(router.say_workspace_over(key, over=False), as_json=as_json)


@workspaces.command()
@client_flags
@json_flag
@click.option("--wait", is_flag=True, help="Wait for the end; exit code 0 only when it is archived.")
@click.argument("key", metavar="WORKSPACE")
def archive(*, key: str, wait: bool, as_json: bool) -> None:
    """Archive a workspace now: what is nowhere else is kept on its machine for 30 days, and a start puts it back."""
    _closed(key, archived=True, wait=wait, as_json=as_json)


@workspaces.command()
@client_flags
@json_flag
@click.option("--wait", is_flag=True, help="Wait for the end; exit code 0 only when it is removed.")
@click.argument("key", metavar="WORKSPACE")
def remove(*, key: str, wait: bool, as_json: bool) -> None:
    """Remove a workspace now, where nothing in it is nowhere else; of one that is archived, an archive of 30 days."""
    _closed(key, archived=False, wait=wait, as_json=as_json)


@workspaces.command()
@client_flags
@json_flag
@click.option("--to", "machine", required=True, metavar="MACHINE", help="Where it is to be.")
@click.option("--wait", is_flag=True, help="Wait for the end; exit code 0 only when it is there.")
@click.argument("key", metavar="WORKSPACE")
def move(*, key: str, machine: str, wait: bool, as_json: bool) -> None:
    """Bring a workspace to another machine, with its commits, changes and conversation; no session may be in it.

    It is where it was until the other machine has all of it.
    """
    with control() as router:
        known = router.move_workspace(key, machine)
        while wait and known.moving_to:
            time.sleep(LOOK_EVERY)
            known = next(each for each in router.workspaces(include_gone=True) if each.key == key)
    if as_json:
        show_json(known)
    elif known.moving_to:
        click.echo(f"{told(key)} is on its way to {known.moving_to}")
    elif known.machine_id == machine:
        click.echo(f"{told(key)} is on {machine}")
    else:
        click.echo(f"{told(key)} stays on {known.machine_id}: {told(known.move_detail)}", err=True)
    if not known.moving_to and known.machine_id != machine:
        raise SystemExit(1)


@workspaces.command()
@client_flags
@json_flag
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def sweep(*, dry_run: bool, as_json: bool) -> None:
    """Have the janitor look now, as it does by itself every six hours; show what it does with each, and why."""
    # Also by hand it decides as by itself: nothing here can be forced.
    with control() as router:
        decisions = router.sweep_workspaces(dry_run=dry_run)
    columns: list[Column[WorkspaceDecision]] = [
        Column("workspace", lambda d: d.key, least=16),
        Column("does", lambda d: state_word(d.deed)),
        Column("why", lambda d: d.why, least=16),
    ]
    show(decisions, columns, as_json=as_json, nothing="There is no workspace.")


def _closed(key: str, *, archived: bool, wait: bool, as_json: bool) -> None:
    with control() as router:
        command = verdict(router, router.close_workspace(key, archive=archived), wait=wait)
    tell(command, as_json=as_json)
    leave(command, wait=wait or command.state.ended)


def _tell(known: "Workspace", *, as_json: bool) -> None:
    if as_json:
        show_json(known)
    else:
        click.echo(f"{told(known.key)} {state_word(known.state)}")


# Of one that its machine has not looked at nothing is known, though it passes for changed.
def _work(known: "Workspace") -> str:
    words = [f"{known.unpushed} unpushed"] if known.unpushed else []
    return ", ".join([*words, *(["changed"] if known.dirty and known.head else [])])


def _machine(known: "Workspace") -> str:
    if known.moving_to:
        return f"{known.machine_id} → {known.moving_to}"
    return f"{known.machine_id} (revoked)" if known.machine_revoked else known.machine_id


def _why(known: "Workspace") -> str:
    if known.move_detail:
        return f"not moved: {known.move_detail}"
    return known.detail or (f"kept by {known.kept_by}" if known.kept_by else known.decision)


def _disk(known: "Workspace") -> str:
    return f"{known.bytes / _GB:.1f} GB" if known.bytes >= _GB else f"{known.bytes / _MB:.0f} MB" if known.bytes else ""
