"""`make bench`: the figures of docs/performance.md, each beside what it is to be compared with, in one run.

Rounds are interleaved: each measures every part once, so that all of them see the same weather.
"""

import argparse
import json
import sys
import time
import traceback
from contextlib import suppress

from tests.bench import page, programs, table
from tests.bench.parts import BY_NAME, PARTS, Part, Scale


def parser() -> argparse.ArgumentParser:
    names = ", ".join(BY_NAME)
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.partition("\n\n")[0])
    options.add_argument("--rounds", type=int, default=5, help="interleaved rounds (5)")
    options.add_argument("--only", metavar="PART,…", help=f"measure these alone: {names}")
    options.add_argument("--seconds", type=float, default=Scale.seconds, help=f"of each load ({Scale.seconds:g})")
    options.add_argument("--json", action="store_true", help="print one JSON document; what goes on is told on stderr")
    options.add_argument("--write", action="store_true", help="write docs/performance.md (what was measured whole)")
    options.add_argument("--list", action="store_true", help="say what can be measured, and what is missing for it")
    return options


def main() -> None:
    arguments = parser().parse_args()
    parts = _chosen(arguments.only)
    if arguments.list:
        for part in parts:
            _tell(f"{part.name:<10} {part.says}{f' ({missing})' if (missing := part.missing()) else ''}")
        return
    here = table.Circumstances.here(_command())  # before rounds, in which the tree may change
    results = run(parts, arguments.rounds, Scale(seconds=arguments.seconds))
    if arguments.write:
        _progress(f"written to {page.PAGE}: {', '.join(page.write(results, here)) or 'nothing'}")
    if arguments.json:
        _tell(json.dumps(table.document(results, here), indent=1))
    else:
        _tell("\n".join(table.lines(results)))
    sys.exit(1 if results.failures else 0)


def run(parts: list[Part], rounds: int, scale: Scale) -> table.Results:
    """Measure them in turns; what cannot be measured here is told."""
    results = table.Results({}, {part.name: missing for part in parts if (missing := part.missing())})
    for name, install in results.missing.items():
        _progress(f"not measured: {name}; it needs: {install}")
    for number in range(rounds):
        for part in parts:
            if part.name not in results.missing and number < part.most:
                _measure(part, scale, number, results, f"round {number + 1} of {rounds}")
    return results


def _measure(part: Part, scale: Scale, number: int, results: table.Results, when: str) -> None:
    began = time.monotonic()
    try:
        with programs.folder() as folder:
            figures = part.measure(folder, scale)
    except Exception as error:  # noqa: BLE001 - the others are worth their time still
        results.failures.append(f"{part.name}, {when}: {error}")
        _progress(f"{when}: {part.name} failed:\n{traceback.format_exc()}")
        return
    results.add(part.name, number, figures)
    told = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
    _progress(f"{when}, {time.monotonic() - began:.0f} s: {part.name}: {told}")


def _chosen(only: str | None) -> list[Part]:
    names = only.split(",") if only else list(BY_NAME)
    if unknown := [name for name in names if name not in BY_NAME]:
        sys.exit(f"no such part: {', '.join(unknown)}; there are {', '.join(BY_NAME)}")
    return [part for part in PARTS if part.name in names]


def _command() -> str:
    return " ".join(["python -m tests.bench", *sys.argv[1:]])


def _progress(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
