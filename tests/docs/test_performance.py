"""What the bench wrote into docs/performance.md can be read, and what people wrote beside it says nothing else."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.bench.__main__ import parser
from tests.bench.page import PAGE, Block, blocks, sections, without_blocks
from tests.bench.parts import BY_NAME
from tests.bench.rows import SECTIONS, Beside, Bound, Row

BLOCKS = {block.section: block for block in blocks(PAGE.read_text())}
PAGES = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "SECURITY.md"]
WRITTEN = [
    pytest.param(block, row, id=row.words)
    for name, block in BLOCKS.items()
    for row in SECTIONS[name]
    if row.words in block.rows
]


@dataclass(frozen=True)
class Claim:
    """A figure in prose: a number of milliseconds, which what was measured may be this many times."""

    page: str
    says: str
    row: str
    at_most: float


CLAIMS = [
    Claim("docs/claude-code.md", r"one small file: about (\d+) ms", "a hook of Claude Code where no agent runs", 2)
]


def test_every_section_is_on_the_page() -> None:
    assert sections(PAGE.read_text()) == [*SECTIONS]


@pytest.mark.parametrize("section", BLOCKS)
def test_every_row_has_its_figure_or_its_part_could_not_be_measured(section: str) -> None:
    rows = [row for row in SECTIONS[section] if row.part not in BLOCKS[section].missing]

    assert [*BLOCKS[section].rows] == [row.words for row in rows]


@pytest.mark.parametrize("block", BLOCKS.values(), ids=lambda block: block.section)
def test_it_says_which_commit_was_measured_and_with_which_command(block: Block) -> None:
    said = re.fullmatch(r"`python -m tests\.bench ?(.*)` on commit ([0-9a-f]{7,}): (.+)\.", block.said)

    assert said is not None
    only = parser().parse_args(said[1].split()).only
    assert set(only.split(",") if only else []) <= BY_NAME.keys()


@pytest.mark.parametrize(("block", "row"), WRITTEN)
def test_what_is_wanted_is_judged_as_the_figures_say(block: Block, row: Row) -> None:
    figure, beside = block.rows[row.words]
    factor, name, digits = row.unit.value
    value = re.match(rf"([\d ]+(?:\.\d{{{digits}}})?) ?{re.escape(name)}", figure)

    assert value is not None
    _judge(figure, float(value[1].replace(" ", "")) / factor, row.wanted)
    for comparison, words in zip(beside.split("; ") if beside else [], _compared(block, row), strict=True):
        times = re.match(rf"(\d+\.\d\d) . {re.escape(words.words)}(?: \(|$)", comparison)
        assert times is not None
        _judge(comparison, float(times[1]), words.wanted)


def _compared(block: Block, row: Row) -> list[Beside]:
    return [one for one in row.beside if one.figure.partition(".")[0] not in block.missing]


def _judge(cell: str, value: float, wanted: Bound | None) -> None:
    """Where the rounded figure is the bound itself, either may be said."""
    assert ("(" in cell) == (wanted is not None)
    if wanted is not None and value not in (wanted.most, wanted.least):
        assert ("(not " not in cell) == wanted.holds(value)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_prose_repeats_no_comparison_of_the_bench(page: Path) -> None:
    """It would be older than the table."""
    words = {re.escape(one.words) for rows in SECTIONS.values() for row in rows for one in row.beside}
    text = without_blocks(page.read_text())

    assert re.findall(rf"\d[\d.]* . (?:{'|'.join(sorted(words))})\b", text) == []


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.page)
def test_a_figure_in_prose_is_what_was_measured(claim: Claim) -> None:
    said = re.search(claim.says, " ".join((ROOT / claim.page).read_text().split()))
    measured = [block.rows[claim.row][0] for block in BLOCKS.values() if claim.row in block.rows]

    assert said is not None
    assert [figure for figure in measured if float(figure.partition(" ms")[0]) > claim.at_most * float(said[1])] == []
