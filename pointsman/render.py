"""How data is shown: tables for people, aligned columns for pipes, JSON for programs."""

import json
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Generic, TypeVar

import click

from pointsman.json_records import to_json

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    """A column of a table: its heading, and how to read its cells from a record.

    Where the terminal is too narrow, cells are cut down to `least` characters (0: never), then whole columns go: the
    highest `rank` first, the last of them; those of rank 0 stay. `is_id`: shown short on a terminal.
    """

    heading: str
    read: Callable[[R], object]
    rank: int = 0
    least: int = 0
    is_id: bool = False


_GAP = 2  # blanks between two columns
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{4}([0-9a-f]{8})\Z", re.IGNORECASE)
_COLOUR = re.compile(r"(\x1b\[[0-9;:]*m)")
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
        click.echo(nothing, err=True)  # a pipe gets rows, and no words in their place
    elif sys.stdout.isatty():
        _table(records, columns)
    else:
        _columns(records, columns)


def show_json(value: object) -> None:
    click.echo(json.dumps(to_json(value), indent=2, ensure_ascii=False))


def json_line(value: object) -> str:
    return json.dumps(to_json(value), ensure_ascii=False)


def _table(records: Sequence[R], columns: Sequence[Column[R]]) -> None:
    from rich.cells import cell_len, set_cell_size

    rows = [[_cell(column, record) for column in columns] for record in records]
    natural = [
        max(cell_len(column.heading), *(cell_len(row[number]) for row in rows)) for number, column in enumerate(columns)
    ]
    widths = layout(natural, columns, shutil.get_terminal_size().columns)
    for line, row in enumerate([[column.heading for column in columns], *rows]):
        cells = []
        for number, width in widths.items():
            text = row[number]
            # Cells and not characters: an emoji takes two. Coloured last, as codes have no width.
            fitted = set_cell_size(text, width) if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"
            cells.append(click.style(fitted, bold=True) if line == 0 else click.style(fitted, _COLOURS.get(text)))
        click.echo("  ".join(cells).rstrip())


def _cell(column: Column[R], record: R) -> str:
    value = column.read(record)
    return short(str(value)) if column.is_id and value else plain(value)


def layout(natural: Sequence[int], columns: Sequence[Column[R]], room: int) -> dict[int, int]:
    """The width of each column that is shown, by its number, so that all fit the room; `natural` is what they want."""
    kept = list(range(len(columns)))
    while True:
        widths = {number: natural[number] for number in kept}
        least = {number: min(natural[number], columns[number].least or natural[number]) for number in kept}
        over = sum(widths.values()) + _GAP * (len(kept) - 1) - room
        # Too wide with every cell cut down to its least: a column has to go.
        if sum(least.values()) - sum(widths.values()) + over > 0:
            goes = max((number for number in kept), key=lambda number: (columns[number].rank, number))
            if columns[goes].rank:
                kept.remove(goes)
                continue
        for _ in range(over):
            # Where it hurts least: what has most to spare.
            widest = max(kept, key=lambda number: widths[number] - least[number])
            if widths[widest] <= least[widest]:
                break
            widths[widest] -= 1
        return widths


def _columns(records: Sequence[R], columns: Sequence[Column[R]]) -> None:
    rows = [[column.heading for column in columns]]
    rows += [[plain(column.read(record)) for column in columns] for record in records]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def short(identity: str) -> str:
    """An id as people see it: the last 8 characters of a UUID, since the first are a time and alike; others whole."""
    match = _UUID.search(identity)
    return match[1] if match else plain(identity)


def told(identity: str) -> str:
    """An id in a line that a command prints: short for a person, whole for a program."""
    return short(identity) if sys.stdout.isatty() else identity


def counted(count: int, one: str) -> str:
    """So many of what is called `one` where there is a single one."""
    return f"{count} {one}" if count == 1 else f"{count} {one}s"


def plain(value: object) -> str:
    """One cell of text: no line breaks, no control characters of whoever wrote it."""
    match value:
        case bool():
            return "yes" if value else "no"
        case Enum():
            return state_word(value)
        case datetime():
            return ago(value, datetime.now(UTC))
        case None | "":
            return "-"
    text = " ".join(str(value).split())
    return "".join(character for character in text if character.isprintable())


def coloured(text: str) -> str:
    """Lines of a terminal with their colours, and nothing else that would move ours."""
    pieces = _COLOUR.split(text)  # every other one is a colour
    shown = ["".join(filter(_is_shown, piece)) if at % 2 == 0 else piece for at, piece in enumerate(pieces)]
    return f"{''.join(shown)}\x1b[0m"


def _is_shown(character: str) -> bool:
    return character == "\n" or character.isprintable()


def state_word(state: Enum | str) -> str:
    """A state, or its name, in a table or a sentence; one that only a newer router knows is "-"."""
    name = state if isinstance(state, str) else state.name
    return "-" if name == "UNKNOWN" else name.lower().replace("_", " ")


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
