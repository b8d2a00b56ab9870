"""A data directory that another account made, or may write to: nothing in it is believed, and nothing is put there."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.config import SettingsError
from tests.e2e.system import POINTSMAN
from tests.folders import short_folder
from tests.integration.router.harness import config, serving
from tests.rigs.other_account import OtherAccount, other_account

PLANT = """
os.umask(0)
os.mkdir(arguments["folder"])
for name, text in arguments["files"].items():
    open(os.path.join(arguments["folder"], name), "w").write(text)
for name in arguments["links"]:
    os.symlink(arguments["victim"], os.path.join(arguments["folder"], name))
print(json.dumps(sorted(os.listdir(arguments["folder"]))))
"""
LINK = """
os.symlink(arguments["victim"], arguments["folder"])
print(json.dumps(True))
"""
KEY = "pmk_" + "p" * 43
FILES = {"api_key": KEY, "pointsman.toml": 'router = "127.0.0.1:1"\n'}
LINKS = ["up.lock", "up.log"]
COMMANDS = [
    ("up",),
    ("router",),
    ("agent",),
    ("adapter",),
    ("machines",),
    ("console",),
    ("enroll", "127.0.0.1:1", "pmj_x"),
]


@pytest.fixture(scope="module")
def other() -> Iterator[OtherAccount]:
    with other_account() as account:
        yield account


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A folder like /tmp."""
    with short_folder() as folder:
        folder.chmod(0o1777)
        yield folder


def run(data_dir: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environ = {"POINTSMAN_DATA_DIR": str(data_dir), "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    argv = [*POINTSMAN, *command]
    return subprocess.run(
        argv, env=environ, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, cwd="/"
    )


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_one_that_another_account_made_is_refused(
    other: OtherAccount, everybodys: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    planted = other.tries(PLANT, folder=str(everybodys / "data"), files=FILES, links=LINKS, victim=str(victim))

    told = run(everybodys / "data", *command)

    assert told.returncode == 2
    assert "belongs to another account" in told.stderr
    assert KEY not in told.stdout + told.stderr
    assert victim.read_text() == "precious"
    assert sorted(path.name for path in (everybodys / "data").iterdir()) == planted


def test_so_is_a_link_of_theirs_to_a_folder_of_ours(other: OtherAccount, everybodys: Path, tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir(mode=0o700)
    assert other.tries(LINK, folder=str(everybodys / "data"), victim=str(tmp_path / "ours"))

    assert "belongs to another account" in run(everybodys / "data", "router").stderr
    assert list((tmp_path / "ours").iterdir()) == []


@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_so_is_one_to_which_everybody_may_write(everybodys: Path, mode: int) -> None:
    folder = everybodys / "data"
    folder.mkdir()
    folder.chmod(mode)

    told = run(folder, "router")

    assert (told.returncode, list(folder.iterdir())) == (2, [])
    assert f"chmod 700 {folder}" in told.stderr


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o775])
def test_ones_own_will_do(everybodys: Path, mode: int) -> None:
    folder = everybodys / "data"
    folder.mkdir()
    folder.chmod(mode)

    assert "belongs" not in run(folder, "machines").stderr


def test_a_link_in_place_of_the_routers_lock_is_not_followed(data_dir: Path) -> None:
    precious = data_dir / "precious"
    precious.write_text("of somebody else")
    (data_dir / "folder").mkdir(mode=0o700)
    (data_dir / "folder" / "router.lock").symlink_to(precious)

    with pytest.raises(SettingsError, match=r"router\.lock"), serving(config(data_dir / "folder")):
        pass

    assert precious.read_text() == "of somebody else"
