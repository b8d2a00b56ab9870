"""An agent killed at any point of work on a workspace goes on from what is on the disk, and nothing is lost.

The checker looks at the disk alone: where is what was nowhere else?
"""

import os
import shutil
import tarfile
from pathlib import Path

import pytest

from agent.domain.workspace import WorkspaceState
from tests.rigs.dying_workspaces import POINTS, SHORT, Die
from tests.rigs.upstream import Upstream, git
from tests.rigs.workspace_rig import WorkspaceRig, workspaces

KILLED = 9
CHOSEN = POINTS if os.environ.get("TEST_WORKSPACES") else SHORT


def is_kept(rig: WorkspaceRig) -> bool:
    """Whether the words that are nowhere else are on the disk, where somebody would look for them."""
    in_tree = rig.home() / "tree/notes.txt"
    if in_tree.exists() and in_tree.read_text() == "mine\n":
        return True
    if not rig.packed().exists():
        return False
    with tarfile.open(rig.packed()) as tar:
        found = tar.extractfile("tree/notes.txt")
        return found is not None and found.read() == b"mine\n" and "work.bundle" in tar.getnames()


def leftovers(rig: WorkspaceRig) -> list[Path]:
    found = [rig.places.root.glob(f"{name}/*") for name in ("making", "removing", "scratch/*")]
    return [each for some in found for each in some]


async def with_work(folder: Path, upstream: Upstream) -> None:
    """A workspace that nobody is in, with a commit and a file that are nowhere else."""
    async with workspaces(folder, upstream) as rig:
        place = await rig.enter()
        (place.tree / "made.py").write_text("x\n")
        git(place.tree, "add", "-A")
        git(place.tree, "commit", "-q", "-m", "made")
        (place.tree / "notes.txt").write_text("mine\n")
        await rig.leave()


@pytest.mark.faults
@pytest.mark.parametrize("point", CHOSEN["enter"])
async def test_one_that_was_being_made_is_made(tmp_path: Path, upstream: Upstream, die: Die, point: str) -> None:
    assert die(tmp_path, upstream, point, "enter") == KILLED

    async with workspaces(tmp_path, upstream) as rig:
        place = await rig.enter()

        assert (place.tree / "README.md").read_text() == "hello\n"
        assert git(place.tree, "status", "--porcelain") == ""
        assert (await rig.known()).state is WorkspaceState.IN_USE
        assert leftovers(rig) == []


@pytest.mark.faults
@pytest.mark.parametrize("point", CHOSEN["archive"])
async def test_one_that_was_being_archived_is_archived_and_whole(
    tmp_path: Path, upstream: Upstream, die: Die, point: str
) -> None:
    await with_work(tmp_path, upstream)
    assert die(tmp_path, upstream, point, "archive") == KILLED

    async with workspaces(tmp_path, upstream) as rig:
        assert is_kept(rig)
        assert "archived" in await rig.close(archive=True)

        assert is_kept(rig)
        assert not rig.home().exists()
        assert (await rig.known()).state is WorkspaceState.ARCHIVED
        assert leftovers(rig) == []
        back = await rig.enter("s9", rig.wanted(restore=True))
        assert (back.tree / "notes.txt").read_text() == "mine\n"
        assert git(back.tree, "log", "-1", "--format=%s") == "made"


@pytest.mark.faults
@pytest.mark.parametrize("point", CHOSEN["enter"])
async def test_one_that_was_being_put_back_elsewhere_is_put_back_and_the_first_machine_has_it_still(
    tmp_path: Path, upstream: Upstream, die: Die, point: str
) -> None:
    await with_work(tmp_path / "one", upstream)
    async with workspaces(tmp_path / "one", upstream) as first, workspaces(tmp_path / "two", upstream) as second:
        await first.close(archive=True)
        second.packed().parent.mkdir(parents=True)
        shutil.copy(first.packed(), second.packed())
    assert die(tmp_path / "two", upstream, point, "enter") == KILLED

    async with workspaces(tmp_path / "one", upstream) as first, workspaces(tmp_path / "two", upstream) as second:
        assert is_kept(first)
        assert is_kept(second)
        back = await second.enter("s9", second.wanted(restore=True))
        assert (back.tree / "notes.txt").read_text() == "mine\n"
        assert git(back.tree, "log", "-1", "--format=%s") == "made"
        assert is_kept(first)


@pytest.mark.faults
@pytest.mark.parametrize("point", CHOSEN["remove"])
async def test_one_that_was_being_removed_goes(tmp_path: Path, upstream: Upstream, die: Die, point: str) -> None:
    async with workspaces(tmp_path, upstream) as rig:
        await rig.enter()
        await rig.leave()
    assert die(tmp_path, upstream, point, "remove") == KILLED

    async with workspaces(tmp_path, upstream) as rig:
        await rig.close()

        assert not rig.home().exists()
        assert (await rig.known()).state is WorkspaceState.GONE
        assert leftovers(rig) == []


@pytest.mark.faults
@pytest.mark.parametrize("point", ["status", "saved"])
async def test_what_is_nowhere_else_stays_whenever_an_agent_dies_that_should_remove_it(
    tmp_path: Path, upstream: Upstream, die: Die, point: str
) -> None:
    await with_work(tmp_path, upstream)
    assert die(tmp_path, upstream, point, "remove") == KILLED

    async with workspaces(tmp_path, upstream) as rig:
        assert is_kept(rig)
        assert "Not removed" in await rig.close()
        assert is_kept(rig)
