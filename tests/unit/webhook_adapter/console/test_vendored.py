"""What others wrote lies here as it came from them: version, licence and hash of each file are in the manifest."""

import hashlib
import json
import re

from tests.architecture.source import ROOT

FOLDER = ROOT / "webhook_adapter/console/static/vendor"
LISTED = json.loads((FOLDER / "manifest.json").read_text())


def test_each_file_is_the_one_of_the_manifest() -> None:
    found = {each["file"]: hashlib.sha256((FOLDER / each["file"]).read_bytes()).hexdigest() for each in LISTED}

    assert found == {each["file"]: each["sha256"] for each in LISTED}


def test_nothing_else_lies_there() -> None:
    named = {"manifest.json", *(each[key] for each in LISTED for key in ("file", "license_file"))}

    assert {path.name for path in FOLDER.iterdir()} == named


def test_each_says_whose_version_it_is_and_under_what_licence() -> None:
    for each in LISTED:
        assert re.fullmatch(r"\d+\.\d+\.\d+", each["version"])
        assert each["version"] in (FOLDER / each["file"]).read_text()[:400]
        assert each["license"] in ("MIT", "BSD-3-Clause", "MPL-2.0 OR Apache-2.0")
        assert len((FOLDER / each["license_file"]).read_text()) > 1000
