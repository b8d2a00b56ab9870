"""The router's data, while it runs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TypeVar

import click

from pointsman.client.errors import RouterError
from pointsman.context import client_flags, control, json_flag
from pointsman.render import json_line, show_json

T = TypeVar("T")


@click.command()
@client_flags
@json_flag
@click.argument("file", type=click.Path(path_type=Path))
def backup(*, file: Path, as_json: bool) -> None:
    """Copy the router's database, while it runs.

    FILE is on the router's machine, and must not exist.
    """
    # Here, since the router runs in another folder.
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

    One line for each session, command, notification and entry of the audit, with its "type". The audit is in it
    where the key has the role admin.
    """

    def line(kind: str, record: object) -> None:
        click.echo(f'{{"type": "{kind}", ' + json_line(record)[1:])

    with control() as router:
        for session in router.sessions(include_ended=True):
            line("session", session)
        # By the last id and not by a number: what arrives meanwhile shifts no page.
        command_pages = partial(router.commands, limit=_PAGE)
        for command in _all(lambda last: command_pages(before=last.command_id if last else "")):
            line("command", command)
        note_pages = partial(router.notifications, limit=_PAGE)
        for note in _all(lambda last: note_pages(before=last.notification_id if last else "")):
            line("notification", note)
        try:
            for entry in router.audit():
                line("audit", entry)
        except RouterError as error:
            if error.status != "PERMISSION_DENIED":
                raise
            click.echo("The audit is left out: it needs a key of the role admin.", err=True)


def _all(page_after: Callable[[T | None], Sequence[T]]) -> Iterator[T]:
    """Everything that is listed in pages; a page follows the last record of the one before."""
    page = page_after(None)
    while page:
        yield from page
        page = page_after(page[-1])
