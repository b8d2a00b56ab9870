"""The router's data, while it runs."""

from dataclasses import asdict
from pathlib import Path

import click

from pointsman.context import client_flags, control, json_flag


@click.command()
@client_flags
@json_flag
@click.argument("file", type=click.Path(path_type=Path))
def backup(*, file: Path, as_json: bool) -> None:
    """Copy the router's database, while it runs.

    FILE is on the router's machine, and must not exist.
    """
    from pointsman.render import show_json

    target = file.expanduser().absolute()
    with control() as router:
        size = router.backup(target)
    if as_json:
        show_json({"path": str(target), "bytes": size})
    else:
        click.echo(f"{target}: {size} bytes")


@click.command()
@client_flags
@json_flag
def cleanup(*, as_json: bool) -> None:
    """Remove what is past its time, now."""
    from pointsman.render import show_json

    with control() as router:
        removed = router.cleanup()
    if as_json:
        show_json(removed)
        return
    click.echo("removed " + ", ".join(f"{count} {noun}" for noun, count in asdict(removed).items()))


_PAGE = 1000  # the most that the router lists at once


@click.command()
@client_flags
def export() -> None:
    """Print everything as JSON lines.

    One line for each session, command and notification, with its "type".
    """
    from pointsman.render import json_line

    def line(kind: str, record: object) -> None:
        click.echo(f'{{"type": "{kind}", ' + json_line(record)[1:])

    with control() as router:
        for session in router.sessions(include_ended=True):
            line("session", session)
        page = router.commands(limit=_PAGE)
        while page:
            for command in page:
                line("command", command)
            page = router.commands(limit=_PAGE, before=page[-1].command_id)
        for notification in router.notifications(limit=_PAGE):
            line("notification", notification)
