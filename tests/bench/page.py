"""The blocks of docs/performance.md that the bench writes itself, each between two markers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.programs import ROOT
from tests.bench.rows import SECTIONS
from tests.bench.table import Circumstances, Results

PAGE = ROOT / "docs/performance.md"
_BLOCK = re.compile(r"<!-- bench: (\w+) -->\n(.*?)<!-- bench: end -->\n", re.DOTALL)
_SAID = "`python -m tests.bench"
_HEAD = "| what | figure | beside it |\n| --- | --- | --- |\n"


@dataclass(frozen=True)
class Block:
    """A section as it stands on the page."""

    section: str
    said: str  # by which command, on which commit, where
    rows: dict[str, tuple[str, str]]  # by what is measured: the figure, and what it is compared with
    missing: str


def blocks(text: str) -> Iterator[Block]:
    """Those that the bench has written; until it does, people may have put something in their place."""
    for section, body in _BLOCK.findall(text):
        said, _, rest = body.strip().partition("\n\n")
        if not said.startswith(_SAID):
            continue
        lines = rest.split("\n\n")
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[0].splitlines()[2:]]
        rows = {what: (figure, beside) for what, figure, beside in cells}
        yield Block(section, said, rows, lines[1] if len(lines) > 1 else "")


def sections(text: str) -> list[str]:
    """Those that the page has room for, in its order."""
    return [section for section, _ in _BLOCK.findall(text)]


def without_blocks(text: str) -> str:
    """What people wrote."""
    return _BLOCK.sub("", text)


def write(results: Results, of: Circumstances, page: Path = PAGE) -> list[str]:
    """Write each section that was measured whole, but for what cannot be measured here; returns their names."""
    text, written = page.read_text(), list[str]()
    for section, rows in SECTIONS.items():
        parts = {row.part for row in rows}
        if any(part not in results.missing and not results.has(part) for part in parts):
            continue
        block = f"<!-- bench: {section} -->\n{_block(section, results, of)}<!-- bench: end -->\n"
        text = _BLOCK.sub(lambda found, block=block, name=section: block if found[1] == name else found[0], text)  # type: ignore[misc]
        written.append(section)
    page.write_text(text)
    return written


def _cell(text: str) -> str:
    return f" {text} " if text else " "


def _block(section: str, results: Results, of: Circumstances) -> str:
    rows = "".join(f"| {each.row.words} | {each.figure} |{_cell(each.compared)}|\n" for each in results.rows(section))
    parts = {row.part for row in SECTIONS[section]} | {
        beside.figure.partition(".")[0] for row in SECTIONS[section] for beside in row.beside
    }
    missing = [f"{name} ({install})" for name, install in results.missing.items() if name in parts]
    left = f"\nNot measured: {', '.join(missing)}.\n" if missing else ""
    return f"`{of.command}` on commit {of.commit}: {of.machine}.\n\n{_HEAD}{rows}{left}"
