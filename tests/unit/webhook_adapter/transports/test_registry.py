"""Which platforms there are."""

from pathlib import Path

import pytest

from webhook_adapter.transports.registry import GROUP, platforms


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which packages are found, as pip leaves them."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(folder: Path, package: str, entry_point: str) -> None:
    described = folder / f"{package}-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(f"[{GROUP}]\n{package} = {entry_point}\n")


def test_telegram_and_the_console_are_always_there() -> None:
    assert [each.name for each in platforms()] == ["telegram", "web", "push", "mail", "github"]


def test_an_installed_package_adds_its_platform(installed: Path) -> None:
    (installed / "pigeon.py").write_text(
        "from webhook_adapter.transports.platform import Platform\n"
        "PIGEON = Platform('pigeon', lambda _host: None, lambda _host: None)\n"
    )
    install(installed, "pigeon", "pigeon:PIGEON")

    assert [each.name for each in platforms()] == ["telegram", "web", "push", "mail", "github", "pigeon"]


def test_two_platforms_of_one_name_are_refused(installed: Path) -> None:
    install(installed, "second-web", "webhook_adapter.transports.web.platform:WEB")

    with pytest.raises(ValueError, match="2 platforms are called 'web'"):
        platforms()
