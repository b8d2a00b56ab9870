"""The App's file: read where it is its owner's alone, and shown nowhere."""

import json
from pathlib import Path
from typing import Any

import pytest

from webhook_adapter.config import ConfigError
from webhook_adapter.transports.github.settings import GitHubApp, from_environ, read_app

WHOLE = {
    "app_id": 1, "slug": "pointsman", "private_key": "-----BEGIN RSA PRIVATE KEY-----\nx", "webhook_secret": "s" * 32,
    "path_secret": "p" * 43,
}  # fmt: skip


def write(path: Path, mode: int = 0o600, **changes: Any) -> Path:
    path.write_text(json.dumps(WHOLE | changes))
    path.chmod(mode)
    return path


def test_it_is_off_without_a_file() -> None:
    assert from_environ({}) is None
    assert from_environ({"POINTSMAN_GITHUB_APP": " "}) is None


def test_a_whole_one_is_read_and_comments_call_it_as_its_slug(tmp_path: Path) -> None:
    path = str(write(tmp_path / "app"))
    settings = from_environ({"POINTSMAN_GITHUB_APP": path})
    named = from_environ({"POINTSMAN_GITHUB_APP": path, "POINTSMAN_GITHUB_MENTION": "@robo"})

    assert settings is not None
    assert named is not None
    assert (settings.app.app_id, settings.mention, settings.api) == (1, "pointsman", "https://api.github.com")
    assert named.mention == "robo"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o620])
def test_one_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigError, match="chmod 600"):
        read_app(write(tmp_path / "app", mode))


@pytest.mark.parametrize(
    "changes",
    [
        {"app_id": "1"}, {"app_id": True}, {"app_id": 0}, {"slug": "a b"}, {"slug": ""}, {"private_key": "x"},
        {"webhook_secret": ""}, {"webhook_secret": "short"}, {"path_secret": "short"}, {"path_secret": "/" * 43},
        {"webhook_secret": None},
    ],
)  # fmt: skip
def test_what_is_not_whole_is_refused_and_not_shown(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="is not what") as refused:
        read_app(write(tmp_path / "app", **changes))

    assert "PRIVATE" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "[" * 10_000])
def test_what_is_no_such_file_is_refused(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "app")
    path.write_text(text)

    with pytest.raises(ConfigError):
        read_app(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_app(tmp_path / "none")


@pytest.mark.parametrize("api", ["http://example.com", "https://u@example.com", "https://example.com?x", "ftp://x"])
def test_tokens_go_nowhere_in_the_clear(tmp_path: Path, api: str) -> None:
    path = str(write(tmp_path / "app"))

    with pytest.raises(ConfigError, match="POINTSMAN_GITHUB_API"):
        from_environ({"POINTSMAN_GITHUB_APP": path, "POINTSMAN_GITHUB_API": api})


def test_its_secrets_are_shown_nowhere() -> None:
    assert not [each for each in ("PRIVATE", "s" * 32, "p" * 43) if each in repr(GitHubApp(**WHOLE))]  # type: ignore[arg-type]
