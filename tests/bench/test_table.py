"""The table says what the rounds have found, and what is missing; the page takes it, and gives it back."""

import json
from pathlib import Path

import pytest

from tests.bench import page
from tests.bench.rows import SECTIONS
from tests.bench.table import Circumstances, Results, document, lines

HERE = Circumstances("2 cores", "abc1234", "python -m tests.bench")


@pytest.fixture
def results() -> Results:
    found = Results()
    for number, (ours, theirs) in enumerate([(0.002, 0.001), (0.006, 0.002), (0.001, 0.004)]):
        found.add("router", number, {"p50 at 1": ours, "rate at 64": 1000 * number})
        found.add("redis", number, {"p50 at 1": theirs, "rate at 64": 500.0})
    return found


def test_a_figure_is_the_median_of_its_rounds_and_a_comparison_of_what_each_round_says(results: Results) -> None:
    assert results.figure("router.p50 at 1") == 0.002
    assert results.ratio("router.p50 at 1", "redis.p50 at 1") == 2.0


def test_a_round_that_failed_for_one_is_compared_with_no_other(results: Results) -> None:
    results.add("router", 3, {"p50 at 1": 1.0})
    results.add("redis", 4, {"p50 at 1": 1000.0})

    assert results.ratio("router.p50 at 1", "redis.p50 at 1") == 2.0


def test_what_is_wanted_is_said_and_judged(results: Results) -> None:
    rows = {found.row.figure: found for found in results.rows("router")}

    assert rows["router.rate at 64"].compared == "2.00 × Redis (≥ 1)"  # noqa: RUF001
    results.add("router", 1, {"rate at 64": 400.0})
    results.add("router", 2, {"rate at 64": 300.0})
    [failing] = [found for found in results.rows("router") if found.row.figure == "router.rate at 64"]
    assert failing.compared == "0.60 × Redis (not ≥ 1)"  # noqa: RUF001
    assert failing.as_json()["beside"][0] == {
        "figure": "redis.rate at 64",
        "times": 0.6,
        "wanted": "≥ 1",
        "holds": False,
    }


def test_what_is_missing_and_what_failed_is_told(results: Results) -> None:
    results.missing["nats"] = "apt-get install nats-server"
    results.failures.append("router, round 2: no")

    assert [*lines(results)][-2:] == [
        "not measured: nats; it needs: apt-get install nats-server",
        "failed: router, round 2: no",
    ]
    assert json.loads(json.dumps(document(results, HERE)))["missing"] == {"nats": "apt-get install nats-server"}


def test_a_section_that_was_measured_whole_is_written_and_read_back(tmp_path: Path, results: Results) -> None:
    kept = tmp_path / "page.md"
    text = "before\n\n" + "".join(f"<!-- bench: {name} -->\n<!-- bench: end -->\n\nafter\n" for name in SECTIONS)
    kept.write_text(text)
    for name in ("away", "drain"):
        results.add(name, 0, {"rate": 1.0, "p50": 1.0, "seconds": 0.4})
    results.missing |= {"nats": "apt-get install nats-server", "postgres": "apt-get install postgresql"}

    assert page.write(results, HERE, kept) == ["router"]

    [block] = [block for block in page.blocks(kept.read_text()) if block.rows]
    assert block.said == "`python -m tests.bench` on commit abc1234: 2 cores."
    assert block.rows["10 000 queued commands onto a machine's disk"] == ("0.40 s (≤ 0.50 s)", "")
    assert block.rows["router alone → machine, one at a time, p50"] == ("2.00 ms", "2.00 × Redis")  # noqa: RUF001
    assert block.missing == "Not measured: nats (apt-get install nats-server), postgres (apt-get install postgresql)."
    assert page.without_blocks(kept.read_text()) == page.without_blocks(text)


def test_a_section_that_was_measured_in_part_stays_as_it_was(tmp_path: Path, results: Results) -> None:
    kept = tmp_path / "page.md"
    kept.write_text("<!-- bench: router -->\nas it was\n<!-- bench: end -->\n")

    assert page.write(results, HERE, kept) == []
    assert "as it was" in kept.read_text()


def test_every_row_says_something_else_and_is_compared_with_what_can_be_measured() -> None:
    from tests.bench.parts import BY_NAME

    rows = [row for section in SECTIONS.values() for row in section]
    figures = [row.figure for row in rows] + [one.figure for row in rows for one in row.beside]

    assert len({row.figure for row in rows}) == len({row.words for row in rows}) == len(rows)
    assert {figure.partition(".")[0] for figure in figures} <= BY_NAME.keys()
