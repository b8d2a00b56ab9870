"""Fuzzes every parser that meets the outside: `python -m tests.fuzz --minutes 30`, or `make fuzz`.

Each target gets the same time, in a process of its own. Exit code 1 where something broke; the inputs are then in the
folder that the last line names. One that stays in the repository goes to tests/fuzz/corpus/TARGET/.
"""

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.registry import TARGETS

_COUNT = re.compile(r"number_of_executed_units: (\d+)")


def fuzzed(name: str, seconds: float, number: int, found: Path) -> tuple[int, list[str]]:
    """How many inputs a target got, and what broke."""
    found.mkdir()
    command = [sys.executable, "-m", "tests.fuzz.engine", name, "--found", str(found)]
    command += ["--seconds", str(seconds), "--number", str(number)]
    with tempfile.TemporaryDirectory() as scratch:  # libFuzzer ends its process without a chance to clean up
        environ = {**os.environ, "TMPDIR": scratch}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, errors="replace")
    broke = sorted(path.stem for path in found.glob("*.txt"))
    if done.returncode != 0:
        (found / "died.txt").write_text(done.stderr)
        broke.append(f"it died with {done.returncode}")
    count = _COUNT.search(done.stderr)
    return int(count[1]) if count else 0, broke


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="for all targets together (10)")
    parser.add_argument("--seed", type=int, default=0, help="to do the same again; a new one each time")
    parser.add_argument("targets", nargs="*", choices=[*sorted(TARGETS), []], help="all of them")
    arguments = parser.parse_args()
    names = arguments.targets or sorted(TARGETS)
    number = arguments.seed or int(time.time()) % 2**31
    folder = Path(tempfile.mkdtemp(prefix="found-"))
    total, broken = 0, 0
    way = "by coverage" if importlib.util.find_spec("atheris") else "by chance"
    print(f"{'target':<24}{'inputs':>12}  broke     (seed {number}, {way})")
    for name in names:
        count, broke = fuzzed(name, 60 * arguments.minutes / len(names), number, folder / name)
        total, broken = total + count, broken + len(broke)
        print(f"{name:<24}{count:>12,}  {', '.join(broke) or 'nothing'}", flush=True)
    print(f"{total:,} inputs, {broken} broke something" + (f": {folder}" if broken else ""))
    if not broken:
        shutil.rmtree(folder)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
