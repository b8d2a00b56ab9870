"""What is wrong with what we are made of: by the lock alone, and by a database where one answers.

A check that could not be made is told as such; it never counts as passed.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.supply.locked import BOOTSTRAP, OURSELVES, Locked, needs

PATIENCE = 120  # seconds for what asks over the network


@dataclass
class Report:
    """What was found, what was checked, and what could not be."""

    wrong: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)


def against_lock(packages: Sequence[Locked], installed: Mapping[str, str], report: Report) -> None:
    """What is installed is what is locked, and nothing comes in beside it."""
    pins = {one.name: one.version for one in packages if one.applies}
    report.wrong += [
        f"{name} {installed[name]} is installed, {version} is locked"
        for name, version in pins.items()
        if installed.get(name, version) != version
    ]
    report.wrong += [f"{name} needs {each}, which no lock names" for name, each in _unlocked(pins, installed)]
    report.unchecked += [f"{name} is locked and not installed here" for name in pins if name not in installed]
    beside = sorted(set(installed) - set(pins) - BOOTSTRAP - {OURSELVES})
    report.unchecked += [f"{name} is installed and in no lock" for name in beside]
    report.checked.append(f"{len(pins)} packages are pinned with hashes, and installed as they are locked")


def _unlocked(pins: Mapping[str, str], installed: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in sorted(set(pins) & set(installed)):
        yield from ((name, each) for each in sorted(needs(name)) if each not in pins and each not in BOOTSTRAP)


def yanked(lock: Path, report: Report) -> None:
    """Ask the package index whether a version was taken back, and whether a file still has its hash."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "report.json"
        asked = ["install", "--dry-run", "--ignore-installed", "--no-deps", "--require-hashes", "--quiet"]
        done = _run("pip", *asked, "--report", str(told), "--requirement", str(lock))
        if done is None or done.returncode != 0 or not told.exists():
            report.unchecked.append(f"whether a version in {lock.name} was yanked: the index gave no answer")
            return
        items = json.loads(told.read_text())["install"]
    names = [one["metadata"]["name"] for one in items if one["is_yanked"]]
    report.wrong += [f"{name} in {lock.name} was yanked" for name in names]
    report.checked.append(f"{len(items)} versions in {lock.name} are still offered, with the hashes of the lock")


def vulnerable(lock: Path, report: Report) -> None:
    """Ask a database of vulnerabilities."""
    done = _run("pip_audit", "--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off",
                "--requirement", str(lock))  # fmt: skip
    try:
        answer: Any = json.loads(done.stdout) if done else None
        told = answer["dependencies"]
    except (ValueError, TypeError, KeyError):
        report.unchecked.append(f"vulnerabilities in {lock.name}: the database could not be asked")
        return
    known = [one for one in told if "vulns" in one]
    for one in known:
        report.wrong += [f"{one['name']} {one['version']}: {each['id']}" for each in one["vulns"]]
    if known:
        report.checked.append(f"{len(known)} packages in {lock.name} were looked up for vulnerabilities")
    if len(known) < len(told):
        report.unchecked.append(f"{len(told) - len(known)} packages in {lock.name}: the database does not know them")


def _run(module: str, *arguments: str) -> "subprocess.CompletedProcess[str] | None":
    try:
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return None
