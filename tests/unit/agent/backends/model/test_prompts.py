"""What a model is told first."""

from pathlib import Path

import pytest

from agent.backends.model.prompts import MOST, Prompts
from agent.domain.session import Session


def said(own: Path | None) -> str:
    return Prompts(own).of(Session("s1", "model"))


def test_the_owners_file_takes_the_place_of_what_comes_along(tmp_path: Path) -> None:
    assert len(said(tmp_path)) > 100
    assert said(tmp_path) == said(None)
    (tmp_path / "quick.md").write_text("Speak as a pirate.\n")
    assert said(tmp_path) == "Speak as a pirate."
    (tmp_path / "quick.md").write_text("")
    assert said(tmp_path) == ""


@pytest.mark.parametrize("text", [b"x" * (MOST + 1), b"\xff\xfe"])
def test_what_is_too_long_or_no_text_is_not_said(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "quick.md").write_bytes(text)

    assert said(tmp_path) == said(None)


def test_nothing_outside_of_the_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("a secret")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "quick.md").symlink_to(tmp_path / "secret.md")

    assert said(tmp_path / "own") == said(None)
