"""The locks are whole, the bill of materials says what they say, and what could not be checked is told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.supply.audit import Report, against_lock, vulnerable, yanked
from tests.supply.locked import LOCKS, BadLock, Locked, installed, read
from tests.supply.sbom import document

HASH = "a" * 64


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_is_pinned_and_has_its_hashes(name: str) -> None:
    assert len(read(ROOT / name)) > 10


@pytest.mark.parametrize(
    "line",
    [
        "flask",
        f"flask>=3 --hash=sha256:{HASH}",
        f"flask==3.* --hash=sha256:{HASH}",
        "flask==3.1.0",
        "flask==3.1.0 --hash=sha256:abc",
        f"-e . --hash=sha256:{HASH}",
    ],
)
def test_a_line_that_is_not_is_found(tmp_path: Path, line: str) -> None:
    (tmp_path / "lock").write_text(f"# made by hand\n{line}\n")

    with pytest.raises(BadLock):
        read(tmp_path / "lock")


def test_what_is_installed_is_what_is_locked() -> None:
    report = Report()

    against_lock([one for name in LOCKS for one in read(ROOT / name)], installed(), report)

    assert report.wrong == []


def test_another_version_is_found() -> None:
    report = Report()

    against_lock([Locked("flask", "0.1", (HASH,), True)], installed(), report)

    assert any(line.startswith("flask ") and "0.1 is locked" in line for line in report.wrong)
    assert any("flask needs" in line for line in report.wrong)


def test_the_bill_names_every_package_of_the_runtime_once_with_hashes_and_needs() -> None:
    packages = read(ROOT / LOCKS[0])
    bill = document(packages)
    ours = next(one for one in bill["dependencies"] if one["ref"] == "pointsman")

    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    of_python = [one for one in bill["components"] if one["purl"].startswith("pkg:pypi/")]
    assert [one["name"] for one in of_python] == sorted({one.name for one in packages})
    assert all(one["externalReferences"] and one["purl"] == one["bom-ref"] for one in of_python)
    assert any(each.startswith("pkg:pypi/flask@") for each in ours["dependsOn"])
    assert document(packages) == bill


def test_the_bill_names_what_the_console_brings_along_for_browsers() -> None:
    brought = [one for one in document([])["components"] if one["purl"].startswith("pkg:npm/")]

    assert {one["name"] for one in brought} == {"marked", "dompurify", "@highlightjs/cdn-assets"}
    assert all(one["hashes"] and one["licenses"] for one in brought)


@pytest.mark.parametrize("check", [yanked, vulnerable])
def test_what_nobody_answered_is_told_and_does_not_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: Callable[[Path, Report], None]
) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"no-such-package-of-anybodys==1.0 --hash=sha256:{HASH}\n")
    for name in ("PIP_NO_INDEX", "PIP_ISOLATED"):
        monkeypatch.setenv(name, "1")  # no index anywhere
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    report = Report()

    check(lock, report)

    assert report.checked == []
    assert report.wrong == []
    assert len(report.unchecked) == 1
