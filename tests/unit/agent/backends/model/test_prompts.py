"""What a model, or a coding agent, is told first."""

from pathlib import Path

import pytest

from agent.backends.model.prompts import MOST, Prompts
from agent.domain.session import Session
from agent.domain.workspace import Workspace


def said(own: Path | None, platform: str = "") -> str:
    return Prompts(own).of(Session("s1", "model", target={"platform": platform} if platform else {}))


def work(own: Path | None, **target: str) -> str:
    return Prompts(own).of_work(Session("s1", "headless", target=target))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of an owner who says something of everything."""
    for name in ("work", "work/telegram", "repositories/acme/api", "repositories/acme/.hidden"):
        (tmp_path / "own" / f"{name}.md").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "own" / f"{name}.md").write_text(f"of {name}\n")
    (tmp_path / "secret.md").write_text("a secret")
    return tmp_path / "own"


@pytest.mark.parametrize("platform", ["telegram", "mail", "web"])
def test_what_comes_along_fits_the_platform(platform: str) -> None:
    assert said(None, platform).startswith(said(None))
    assert len(said(None, platform)) > len(said(None)) > 100


def test_the_owners_file_takes_the_place_of_what_comes_along(tmp_path: Path) -> None:
    assert said(tmp_path) == said(None)
    (tmp_path / "quick.md").write_text("Speak as a pirate.\n")
    (tmp_path / "telegram.md").touch()

    assert said(tmp_path, "telegram") == said(tmp_path) == "Speak as a pirate."
    assert said(tmp_path, "mail").startswith("Speak as a pirate.\n\n")


def test_a_platform_that_nobody_knows_adds_nothing(tmp_path: Path) -> None:
    assert said(tmp_path, "other") == said(None)


@pytest.mark.parametrize("text", [b"x" * (MOST + 1), b"\xff\xfe"])
def test_what_is_too_long_or_no_text_is_not_said(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "quick.md").write_bytes(text)

    assert said(tmp_path) == said(None)


def test_nothing_outside_of_the_folder_is_read(own: Path) -> None:
    (own / "quick.md").symlink_to(own.parent / "secret.md")

    assert said(own) == said(None)
    assert "secret" not in said(own, "../secret")


def test_a_coding_agent_is_told_what_its_owner_says_to_all_by_platform_and_by_repository(own: Path) -> None:
    told = work(own, platform="telegram", repository="acme/api")

    assert told == "of work\n\nof work/telegram\n\nof repositories/acme/api"
    assert work(own, platform="mail", repository="acme/other") == work(own) == "of work"


def test_what_comes_along_is_said_to_no_coding_agent(tmp_path: Path) -> None:
    assert work(None, platform="telegram") == work(tmp_path, platform="telegram") == ""


@pytest.mark.parametrize(
    "name", ["../../secret", "acme/../../../secret", "acme/.hidden", "/etc/passwd", "acme/a b", ".."]
)
def test_the_name_of_a_repository_leads_nowhere_else(own: Path, name: str) -> None:
    assert work(own, repository=name) == "of work"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://github.com/acme/api.git", "acme/api"),
        ("https://github.com/acme/api/", "acme/api"),
        ("git@github.com:acme/api.git", "acme/api"),
        ("/srv/git/acme/api", "acme/api"),
        ("api", "api"),
    ],
)
def test_a_repository_is_called_by_its_owner_and_name(address: str, name: str) -> None:
    assert Workspace("k", address).name == name
