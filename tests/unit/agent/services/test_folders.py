"""Where sessions may be started: what counts is where a path really leads."""

from pathlib import Path

import pytest

from agent.domain.command import Reason
from agent.domain.errors import Refusal
from agent.services.folders import Folders


@pytest.fixture
def home(data_dir: Path) -> Path:
    """~/src and ~/jobs are allowed; ~/src/api, ~/jobs/web and ~/private are there, and links lead in and out."""
    for name in ("src/api", "jobs/web", "private", "src-2"):
        (data_dir / name).mkdir(parents=True)
    (data_dir / "src" / "file").touch()
    (data_dir / "src" / "out").symlink_to(data_dir / "private")
    (data_dir / "in").symlink_to(data_dir / "src" / "api")
    (data_dir / "src" / "loop").symlink_to(data_dir / "src" / "loop")
    return data_dir


@pytest.fixture
def folders(home: Path) -> Folders:
    return Folders([home / "src", home / "jobs", home / "gone"], home)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("", "src"),
        ("~/src", "src"),
        ("~/src/api/", "src/api"),
        ("api/", "src/api"),
        ("web/", "jobs/web"),
        ("./", "src"),
        ("~/in", "src/api"),
        ("~/private/../src/api", "src/api"),
    ],
)
def test_a_folder_that_is_allowed_or_below_one_is_found(home: Path, folders: Folders, wanted: str, found: str) -> None:
    assert folders.resolve(wanted) == home / found


def test_what_is_allowed_is_named_as_people_write_it(home: Path, folders: Folders) -> None:
    assert folders.names == ("~/src", "~/jobs", "~/gone")
    assert Folders([home, Path("/srv/x")], home).names == ("~", "/srv/x")
    assert [Folders([home], home).resolve(name) for name in Folders([home], home).names] == [home]


def test_a_path_from_the_root_is_found(home: Path, folders: Folders) -> None:
    assert folders.resolve(str(home / "jobs")) == home / "jobs"


@pytest.mark.parametrize(
    "wanted",
    ["~", "~/private", "/", "/etc", "~/src/../private", "../private/", "~/src/out", "~/src-2", "~root/x"],
)
def test_a_path_that_leads_elsewhere_is_refused_and_the_allowed_ones_are_named(
    home: Path, folders: Folders, wanted: str
) -> None:
    with pytest.raises(Refusal) as refused:
        folders.resolve(wanted)

    assert refused.value.reason is Reason.FOLDER_NOT_ALLOWED
    assert str(home / "src") in refused.value.text


@pytest.mark.parametrize("wanted", ["~/src/none", "none/", "out/", "~/src/file", "~/gone", "~/src/loop", "a\0b/"])
def test_what_is_no_folder_is_said_to_be_none(folders: Folders, wanted: str) -> None:
    with pytest.raises(Refusal, match="no folder"):
        folders.resolve(wanted)


@pytest.mark.parametrize("wanted", ["", "/", "~"])
def test_without_a_setting_nothing_is_allowed(home: Path, wanted: str) -> None:
    with pytest.raises(Refusal, match="POINTSMAN_START_FOLDERS"):
        Folders([], home).resolve(wanted)


def test_a_folder_that_is_allowed_may_be_a_link_itself(home: Path) -> None:
    assert Folders([home / "in"], home).resolve("~/in") == home / "src/api"
