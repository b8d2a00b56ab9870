"""Writes build/sbom.json and audits the locks: `python -m tests.supply`. Exit code 1 where something is wrong."""

import json
import sys

from tests.architecture.source import ROOT
from tests.supply.audit import Report, against_lock, vulnerable, yanked
from tests.supply.locked import LOCKS, installed, read
from tests.supply.sbom import document


def main() -> int:
    report = Report()
    runtime, *_ = locks = [ROOT / name for name in LOCKS]
    target = ROOT / "build" / "sbom.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(document(read(runtime)), indent=1) + "\n")
    against_lock([one for lock in locks for one in read(lock)], installed(), report)
    for lock in locks:
        yanked(lock, report)
        vulnerable(lock, report)
    print(f"supply: {target.relative_to(ROOT)} is written")
    for word, lines in (("good", report.checked), ("NOT CHECKED", report.unchecked), ("WRONG", report.wrong)):
        for line in lines:
            print(f"supply: {word}: {line}")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
