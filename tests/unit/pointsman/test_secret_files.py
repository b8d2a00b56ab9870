"""Secrets that are made once."""

import re
import stat
from pathlib import Path

import pytest

from pointsman.config import resolve
from pointsman.errors import Failure
from pointsman.secret_files import make_missing


def test_a_missing_secret_is_made_for_its_owner_alone(data_dir: Path) -> None:
    settings = resolve({"POINTSMAN_DATA_DIR": str(data_dir / "new")}, {})

    make_missing(settings, "POINTSMAN_API_KEY")

    path = data_dir / "new" / "api_key"
    assert re.fullmatch(r"pmk_[A-Za-z0-9_-]{43}\n", path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [child.name for child in path.parent.iterdir()] == ["api_key"]


def test_a_secret_that_is_there_stays(data_dir: Path) -> None:
    settings = resolve({"POINTSMAN_DATA_DIR": str(data_dir)}, {})
    make_missing(settings, "TELEGRAM_WEBHOOK_SECRET")
    first = (data_dir / "telegram_webhook_secret").read_text()

    make_missing(settings, "TELEGRAM_WEBHOOK_SECRET")

    assert (data_dir / "telegram_webhook_secret").read_text() == first


def test_a_secret_that_was_given_is_not_kept(data_dir: Path) -> None:
    settings = resolve({"POINTSMAN_DATA_DIR": str(data_dir)}, {"POINTSMAN_API_KEY": "pmk_given"})

    make_missing(settings, "POINTSMAN_API_KEY")

    assert not (data_dir / "api_key").exists()


def test_an_empty_file_is_replaced(data_dir: Path) -> None:
    (data_dir / "api_key").touch()

    make_missing(resolve({"POINTSMAN_DATA_DIR": str(data_dir)}, {}), "POINTSMAN_API_KEY")

    assert (data_dir / "api_key").read_text().startswith("pmk_")
    assert [child.name for child in data_dir.iterdir()] == ["api_key"]


def test_a_folder_that_cannot_be_made_is_refused_with_a_cure(data_dir: Path) -> None:
    (data_dir / "file").touch()
    settings = resolve({"POINTSMAN_DATA_DIR": str(data_dir / "file" / "below")}, {})

    with pytest.raises(Failure) as raised:
        make_missing(settings, "POINTSMAN_API_KEY")

    assert "POINTSMAN_DATA_DIR" in raised.value.cure
