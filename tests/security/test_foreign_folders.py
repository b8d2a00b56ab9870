"""A data directory that another account made, or may write to: nothing in it is believed, and nothing is put there."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pointsman.config import BadSettings, resolve
from pointsman.data_folder import trouble_with
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


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775, 0o770, 0o702])
def test_so_is_one_to_which_others_may_write(everybodys: Path, mode: int) -> None:
    folder = everybodys / "data"
    folder.mkdir()
    folder.chmod(mode)

    told = run(folder, "router")

    assert (told.returncode, list(folder.iterdir())) == (2, [])
    assert f"(mode {mode:04o}): chmod 700 {folder}" in told.stderr


@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_ones_own_will_do(everybodys: Path, mode: int) -> None:
    folder = everybodys / "data"
    folder.mkdir()
    folder.chmod(mode)
    (folder / "pointsman.toml").write_text('router = "127.0.0.1:1"\n')
    (folder / ".#pointsman.toml").symlink_to("me@here.4711")  # an editor's mark

    told = run(folder, "machines")

    assert told.returncode == 3  # all was well with it, and nobody listens there


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_one_in_a_folder_of_another_account_is_refused(
    other: OtherAccount, everybodys: Path, command: tuple[str, ...]
) -> None:
    theirs = everybodys / "theirs"
    theirs.mkdir(mode=0o755)
    (theirs / "data").mkdir(mode=0o700)
    os.chown(theirs, other.uid, other.gid)

    told = run(theirs / "data", *command)

    assert (told.returncode, list((theirs / "data").iterdir())) == (2, [])
    assert f"lies in {theirs}, which is {other.name}'s (mode 0755)" in told.stderr


@pytest.mark.parametrize("is_there", [True, False], ids=["there", "not yet"])
def test_so_is_one_in_a_folder_where_everybody_may_put_another_in_its_place(
    everybodys: Path, *, is_there: bool
) -> None:
    everybodys.chmod(0o777)  # /tmp has a bit against that
    if is_there:
        (everybodys / "data").mkdir(mode=0o700)

    told = run(everybodys / "data", "router")

    assert told.returncode == 2
    assert f"(mode 0777), so that every account can put another in its place: chmod o-w {everybodys}" in told.stderr
    assert is_there is (everybodys / "data").exists()


def of_another(path: Path, other: OtherAccount, _: Path) -> str:
    path.write_text(KEY)
    os.chown(path, other.uid, other.gid)
    return f"{path} is {other.name}'s (mode 0644), who may have put it there"


def link_of_another(path: Path, other: OtherAccount, victim: Path) -> str:
    path.symlink_to(victim)
    os.chown(path, other.uid, other.gid, follow_symlinks=False)
    return f"{path} is {other.name}'s"


def link_of_ours(path: Path, _: OtherAccount, victim: Path) -> str:
    path.symlink_to(victim)
    return f"{path} is a link"


def hard_link(path: Path, _: OtherAccount, victim: Path) -> str:
    path.hardlink_to(victim)
    return f"cp -p {path} {path}.copy && mv {path}.copy {path}"


def open_to_all(path: Path, _: OtherAccount, __: Path) -> str:
    path.write_text(KEY)
    path.chmod(0o606)
    return f"(mode 0606): chmod go-w {path}"


TYPICAL = [of_another, link_of_ours]
PLANTS = [of_another, link_of_another, link_of_ours, hard_link, open_to_all]
NAMES = [
    "api_key",
    "router.key",
    "router.fingerprint",
    "router.db",
    "pointsman.toml",
    "up.lock",
    "up.log",
    "agent/machine.key",
    "agent/agent.db",
    "tls/authority/ca.key",
]


@pytest.fixture
def ours(everybodys: Path) -> Path:
    folder = everybodys / "data"
    for part in ("", "agent", "tls", "tls/authority"):
        (folder / part).mkdir(mode=0o700)
    return folder


@pytest.fixture
def victim(everybodys: Path) -> Path:
    """Beside the data directory, since a hard link cannot lead further."""
    victim = everybodys / "victim"
    victim.write_text("precious")
    return victim


def refused(ours: Path, victim: Path, wanted: str, *command: str) -> None:
    before = sorted(ours.rglob("*"))

    told = run(ours, *command)

    assert told.returncode == 2
    assert wanted in told.stderr
    assert KEY not in told.stdout + told.stderr
    assert victim.read_text() == "precious"
    assert sorted(ours.rglob("*")) == before


@pytest.mark.parametrize("plant", PLANTS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_what_others_may_have_put_into_ones_own_is_believed_by_nobody(
    other: OtherAccount, ours: Path, victim: Path, plant: Callable[..., str], name: str
) -> None:
    wanted = plant(ours / name, other, victim)

    with pytest.raises(BadSettings) as refusal:
        resolve({}, {"POINTSMAN_DATA_DIR": str(ours)})

    assert wanted in str(refusal.value)
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("plant", TYPICAL, ids=lambda one: one.__name__)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_program_refuses_it(
    other: OtherAccount, ours: Path, victim: Path, plant: Callable[..., str], command: tuple[str, ...]
) -> None:
    refused(ours, victim, plant(ours / "up.log", other, victim), *command)


def test_the_cures_cure(other: OtherAccount, ours: Path, victim: Path) -> None:
    hard_link(ours / "api_key", other, victim)
    open_to_all(ours / "pointsman.toml", other, victim)
    (ours / "pointsman.toml").write_text("")
    ours.chmod(0o775)
    cured = []
    while trouble := trouble_with(ours):
        cured.append(trouble.rpartition(": ")[2])
        subprocess.run(cured[-1], shell=True, check=True)

    assert [cure.split()[0] for cure in cured] == ["chmod", "cp", "chmod"]


def test_what_a_group_may_write_counts_where_the_folder_lets_it_in(ours: Path) -> None:
    """A file is made so where the umask is 002: nobody gets at it in a folder that is shut."""
    (ours / "pointsman.toml").touch()
    (ours / "pointsman.toml").chmod(0o664)
    shut = trouble_with(ours)
    ours.chmod(0o750)

    assert (shut, "(mode 0664): chmod go-w" in trouble_with(ours)) == ("", True)


@pytest.mark.parametrize("plant", TYPICAL, ids=lambda one: one.__name__)
@pytest.mark.parametrize("name", ["rooms.db", "rooms.db-wal", "second_factor.key"])
@pytest.mark.parametrize("command", ["router", "up"])
def test_a_database_elsewhere_is_looked_at_too(
    other: OtherAccount, everybodys: Path, ours: Path, victim: Path, plant: Callable[..., str], name: str, command: str
) -> None:
    place = everybodys / "databases"
    place.mkdir(mode=0o700)
    wanted = plant(place / name, other, victim)
    (ours / "pointsman.toml").write_text(f'database = "sqlite:///{place}/rooms.db"\n')

    told = run(ours, command)

    assert (told.returncode, wanted in told.stderr) == (2, True)
    assert victim.read_text() == "precious"


def test_in_a_sandbox_that_shows_no_owners_the_folders_above_are_taken_for_roots(everybodys: Path) -> None:
    """As those do in which coding agents run: / and /home seem to be nobody's."""
    theirs = everybodys / "home"
    (theirs / "data").mkdir(parents=True, mode=0o700)
    theirs.chmod(0o755)
    os.chown(theirs, 4711, 4711)
    line = ["unshare", "--user", "--map-root-user", *POINTSMAN, "machines"]
    environ = {"POINTSMAN_DATA_DIR": str(theirs / "data"), "POINTSMAN_ROUTER": "127.0.0.1:1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(line, env=environ, capture_output=True, text=True, timeout=60, cwd="/")
    if "unshare" in done.stderr:
        pytest.skip("nobody may make a sandbox here")

    assert "no answer from the router" in done.stderr


def test_a_link_in_place_of_the_routers_lock_is_not_followed(data_dir: Path) -> None:
    precious = data_dir / "precious"
    precious.write_text("of somebody else")
    (data_dir / "folder").mkdir(mode=0o700)
    (data_dir / "folder" / "router.lock").symlink_to(precious)

    with pytest.raises(SettingsError, match=r"router\.lock"), serving(config(data_dir / "folder")):
        pass

    assert precious.read_text() == "of somebody else"
