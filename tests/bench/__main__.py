"""`make bench`: the figures of docs/performance.md, each beside what it is to be compared with, in one run."""

import argparse
import asyncio
import sys
from pathlib import Path

from tests.bench import chain, drain, floor, hooks, idle, programs, submits
from tests.bench.figures import middle

ONE, BUSY = (400, 1), (4000, 16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds of floor, chain and textbook")
    parser.add_argument("--agents", type=int, default=2000, help="idle links for the memory figure")
    arguments = parser.parse_args()
    _chains(arguments.rounds)
    _router(arguments.agents)
    _hooks()


def _chains(rounds: int) -> None:
    floors, ours, book, rates, book_rates = [], [], [], [], []
    for number in range(rounds):
        with programs.folder() as folder:
            floors.append(floor.measure(folder).chain)
            (_, alone), (busy, _) = asyncio.run(chain.measure(folder, [ONE, BUSY]))
            _, book_alone = floor.chain(folder, *ONE)
            book_busy, _ = floor.chain(folder, *BUSY)
        ours.append(middle(alone))
        book.append(middle(book_alone))
        rates.append(busy.rate)
        book_rates.append(book_busy.rate)
        _tell(f"round {number + 1}: floor {_ms(floors[-1])}, ours {_ms(ours[-1])}, {rates[-1]:.0f}/s at 16")
    _row("floor: HTTP no-op + half a call + commit + push", _ms(middle(floors)), "")
    _row(
        "webhook -> machine, one at a time, p50", _ms(middle(ours)), f"{middle(ours) / middle(floors):.2f} x the floor"
    )
    _row("  the same, textbook", _ms(middle(book)), f"{middle(book) / middle(floors):.2f} x the floor")
    _row(
        "webhooks a second, 16 at a time",
        f"{middle(rates):.0f}",
        f"{middle(rates) / middle(book_rates):.2f} x textbook",
    )
    _row("  the same, textbook", f"{middle(book_rates):.0f}", "")


def _router(agents: int) -> None:
    with programs.folder() as folder:
        run = asyncio.run(submits.measure(folder, 9_000, 64))
        _row(
            "router alone, one submit stream, 64 at a time",
            f"{run.rate:.0f}/s",
            f"p50 {_ms(run.p50)}, p99 {_ms(run.p99)}",
        )
    with programs.folder() as folder:
        took = asyncio.run(drain.measure(folder, 10_000))
        _row("10 000 queued commands onto a machine's disk", f"{took:.2f} s", f"{10_000 / took:.0f}/s")
    with programs.folder() as folder:
        per_link, bare = asyncio.run(idle.measure(folder, agents))
        _row(
            f"router memory per idle machine, at {agents}",
            f"{per_link / 1024:.1f} KiB",
            f"a bare gRPC server's {bare / 1024:.1f} KiB",
        )


def _hooks() -> None:
    with programs.folder() as folder:
        bare, ours = hooks.measure(folder, 50)
    _row("a hook of Claude Code without an agent, p50", _ms(middle(ours)), f"Python alone {_ms(middle(bare))}")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


def _row(what: str, figure: str, compared: str) -> None:
    _tell(f"{what:<52} {figure:>12}   {compared}")


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
