"""How data is shown: tables for people, aligned columns for pipes, JSON for programs."""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import TypeVar

import click

from pointsman.records import to_json

R = TypeVar("R")

# A column: its heading and how to read it from a record.
Column = tuple[str, Callable[[R], object]]

_COLOURS = {
    "queued": "yellow",
    "sent": "yellow",
    "received": "cyan",
    "done": "green",
    "delivered": "green",
    "idle": "green",
    "busy": "cyan",
    "waiting": "yellow",
    "yes": "green",
    "no": "red",
    "failed": "red",
    "dead": "red",
    "refused": "red",
    "uncertain": "magenta",
}


def show(records: Sequence[R], columns: Sequence[Column[R]], *, as_json: bool, nothing: str) -> None:
    """Records as a table, or as one JSON array. `nothing` is said instead of an empty table."""
    if as_json:
        show_json(records)
    elif not records:
        click.echo(nothing, err=True)
    elif sys.stdout.isatty():
        _table(records, columns)
    else:
        _columns(records, columns)


def show_json(value: object) -> None:
    click.echo(json.dumps(to_json(value), indent=2, ensure_ascii=False))


def json_line(value: object) -> str:
    return json.dumps(to_json(value), ensure_ascii=False)


def _table(records: Sequence[R], columns: Sequence[Column[R]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, (heading, _) in enumerate(columns):
        table.add_column(heading, overflow="fold", no_wrap=number == 0)  # ids stay whole, to be copied
    for record in records:
        cells = [plain(read(record)) for _, read in columns]
        table.add_row(*(Text(cell, _COLOURS.get(cell, "")) for cell in cells))
    Console(highlight=False).print(table)


def _columns(records: Sequence[R], columns: Sequence[Column[R]]) -> None:
    rows = [[heading for heading, _ in columns]]
    rows += [[plain(read(record)) for _, read in columns] for record in records]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def plain(value: object) -> str:
    """One cell of text: no line breaks, no control characters of whoever wrote it."""
    match value:
        case bool():
            return "yes" if value else "no"
        case Enum():
            return str(value.value) or "-"
        case datetime():
            return ago(value, datetime.now(UTC))
        case None | "":
            return "-"
    text = " ".join(str(value).split())
    return "".join(character for character in text if character.isprintable())


def shortened(text: str, width: int = 48) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def ago(then: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that fits."""
    seconds = round((now - then).total_seconds())
    if seconds < 0:
        return then.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def clock(moment: datetime | None) -> str:
    """Local time of day with milliseconds."""
    return moment.astimezone().strftime("%H:%M:%S.%f")[:-3] if moment else "-"


def lines(records: Iterable[object]) -> None:
    """JSON lines."""
    for record in records:
        click.echo(json_line(record))
