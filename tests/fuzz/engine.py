"""Runs one target for a while: `python -m tests.fuzz.engine TARGET --seconds 60 --found FOLDER`.

Guided by coverage where atheris is there (it has no wheel for every Python), else by chance. What breaks the
target is written into the folder, one file for each place that broke, and the run goes on. At the end it says how many
inputs there were.
"""

import argparse
import hashlib
import itertools
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

try:
    import atheris  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    atheris = None

OURS = ["router", "agent", "webhook_adapter", "pointsman"]
LONGEST = 8 * 1024  # bytes of an input; longer ones only take longer
HANGS = 20  # seconds for one input

with atheris.instrument_imports(include=OURS) if atheris else nullcontext():
    from tests.fuzz.mutations import Mutator
    from tests.fuzz.registry import TARGETS, beginnings


def place_of(error: BaseException) -> str:
    """Where it broke: the kind of error and the innermost lines that are no library's."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f.filename]
    return f"{type(error).__name__}-{Path(frames[-1].filename).stem}-{frames[-1].lineno}"


class Findings:
    """The first input for each place that broke."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.places: set[str] = set()

    def watched(self, check: Callable[[bytes], object], data: bytes) -> None:
        """Give an input to the target, and write down what breaks."""
        try:
            check(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            if (place := place_of(error)) not in self.places:
                self.places.add(place)
                name = f"{place}-{hashlib.sha256(data).hexdigest()[:8]}"
                (self._folder / name).write_bytes(data)
                (self._folder / f"{name}.txt").write_text("".join(traceback.format_exception(error)))


def by_chance(name: str, seconds: float, number: int, findings: Findings) -> int:
    """How many inputs there were."""
    mutator, ends = Mutator(beginnings(TARGETS[name]), number), time.monotonic() + seconds
    for count in itertools.count(1):
        findings.watched(TARGETS[name].check, mutator.make())
        if count % 16 == 0 and time.monotonic() >= ends:
            return count
    return 0


def by_coverage(name: str, seconds: float, number: int, findings: Findings) -> None:
    """Ends the process. libFuzzer says how many inputs there were."""
    seeds = beginnings(TARGETS[name])
    corpus = tempfile.mkdtemp(prefix=f"fuzz-{name}-")
    for index, seed in enumerate(seeds):
        (Path(corpus) / str(index)).write_bytes(seed)
    limits = [f"-max_total_time={seconds:.0f}", f"-max_len={LONGEST}", f"-timeout={HANGS}", f"-seed={number}"]
    quiet = ["-print_final_stats=1", "-verbosity=0", "-rss_limit_mb=2048", f"-artifact_prefix={corpus}/hung-"]

    def mutate(data: bytes, longest: int, seed: int) -> bytes:
        # Half of them know what JSON is.
        if random.Random(seed).random() < 0.5:
            return bytes(atheris.Mutate(data, longest))
        return Mutator([data, *seeds], seed).change(data)[:longest]

    check = TARGETS[name].check
    command = [sys.argv[0], *limits, *quiet, corpus]
    atheris.Setup(command, lambda data: findings.watched(check, data), custom_mutator=mutate)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.engine")
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--number", type=int, default=1)
    parser.add_argument("--found", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.found.mkdir(parents=True, exist_ok=True)
    findings = Findings(arguments.found)
    if atheris:
        by_coverage(arguments.target, arguments.seconds, arguments.number, findings)
    else:
        count = by_chance(arguments.target, arguments.seconds, arguments.number, findings)
        print(f"stat::number_of_executed_units: {count}", file=sys.stderr)


if __name__ == "__main__":
    main()
