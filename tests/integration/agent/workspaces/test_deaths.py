"""An agent killed at any point of work on a workspace goes on from what is on the disk, and nothing is lost.

The checker looks at the disk alone: where is what was nowhere else?
"""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from agent.domain.workspace import WorkspaceState
from tests.integration.agent.workspaces import test_moves as moves
from tests.rigs.dying_workspaces import POINTS, SHORT, Die, taken
from tests.rigs.upstream import Upstream, git
from tests.rigs.workspace_rig import KEY, CarriedParts, WorkspaceRig, workspaces
from tests.rigs.workspace_work import TALK, leave_work, missing, missing_in, missing_packed

KILLED = 9
CHOSEN = POINTS if os.environ.get("TEST_WORKSPACES") else SHORT


def lost(rig: WorkspaceRig) -> list[str]:
    """What was nowhere else and is neither in its folder nor, whole, in what passes for its archive."""
    return missing(rig.home(), rig.packed())


def leftovers(rig: WorkspaceRig) -> list[Path]:
    found = [rig.places.root.glob(f"{name}/*") for name in ("making", "removing", "scratch/*")]
    return [each for some in found for each in some]


async def with_work(folder: Path, upstream: Upstream) -> None:
    """A workspace that nobody is in, with work of every kind that is nowhere else, and a talk."""
    async with workspaces(folder, upstream) as rig:
        place = await rig.enter()
        leave_work(place.tree)
        await rig.leave()
        await rig.store.save(replace(await rig.known(), conversation_id=Path(TALK).stem))


async def archived(folder: Path, upstream: Upstream) -> None:
    """The same, in its archive."""
    await with_work(folder, upstream)
    async with workspaces(folder, upstream) as rig:
        assert "archived" in await rig.close(archive=True)


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
        assert lost(rig) == []
        assert not rig.packed().exists() or missing_packed(rig.packed()) == []
        is_said = (await rig.known()).state is WorkspaceState.ARCHIVED
        assert not is_said or (rig.packed().exists() and not rig.home().exists())
        assert "archived" in await rig.close(archive=True)

        assert missing_packed(rig.packed()) == []
        assert not rig.home().exists()
        assert (await rig.known()).state is WorkspaceState.ARCHIVED
        assert (await rig.told())[-1] == "archived"
        assert leftovers(rig) == []


@pytest.mark.faults
@pytest.mark.parametrize("point", CHOSEN["restore"])
async def test_one_that_was_being_put_back_is_put_back_with_its_talk(
    tmp_path: Path, upstream: Upstream, die: Die, point: str
) -> None:
    await archived(tmp_path, upstream)
    assert die(tmp_path, upstream, point, "restore") == KILLED

    async with workspaces(tmp_path, upstream) as rig:
        assert lost(rig) == []
        back = await rig.enter("s9", rig.wanted(restore=not rig.home().exists()))

        assert missing_in(rig.home()) == []
        assert back.conversation_id == Path(TALK).stem
        assert (await rig.known()).state is WorkspaceState.IN_USE
        assert not rig.packed().exists()  # else it would be put back once more, after all that comes
        assert leftovers(rig) == []


@pytest.mark.faults
@pytest.mark.parametrize("point", POINTS["restore"] if "TEST_WORKSPACES" in os.environ else ["put_back"])
async def test_one_that_was_being_put_back_elsewhere_is_put_back_and_the_first_machine_has_it_still(
    tmp_path: Path, upstream: Upstream, die: Die, point: str
) -> None:
    await archived(tmp_path / "one", upstream)
    async with workspaces(tmp_path / "one", upstream) as first, workspaces(tmp_path / "two", upstream) as second:
        second.packed().parent.mkdir(parents=True)
        shutil.copy(first.packed(), second.packed())
    assert die(tmp_path / "two", upstream, point, "restore") == KILLED

    async with workspaces(tmp_path / "one", upstream) as first, workspaces(tmp_path / "two", upstream) as second:
        assert missing_packed(first.packed()) == []
        assert lost(second) == []
        await second.enter("s9", second.wanted(restore=not second.home().exists()))
        assert missing_in(second.home()) == []
        assert missing_packed(first.packed()) == []


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
@pytest.mark.parametrize("point", ["rev-list", "saved ready"])
async def test_what_is_nowhere_else_stays_whenever_an_agent_dies_that_should_remove_it(
    tmp_path: Path, upstream: Upstream, die: Die, point: str
) -> None:
    await with_work(tmp_path, upstream)
    assert die(tmp_path, upstream, point, "remove") == KILLED

    async with workspaces(tmp_path, upstream) as rig:
        assert lost(rig) == []
        assert "Not removed" in await rig.close()
        assert lost(rig) == []


@pytest.mark.faults
@pytest.mark.parametrize("point", CHOSEN["pack"])
async def test_an_agent_killed_while_it_packs_packs_again(
    tmp_path: Path, upstream: Upstream, die: Die, point: str
) -> None:
    async with workspaces(tmp_path, upstream) as rig:
        await moves.with_work(rig)
        before = moves.seen(rig)
    assert die(tmp_path, upstream, point, "pack") == KILLED

    async with workspaces(tmp_path, upstream) as rig:
        assert moves.seen(rig) == before
        await rig.service.pack("c1", KEY)

        assert (await rig.carried())[-1][1:] == (taken(rig).digest, taken(rig).size)
        assert moves.seen(rig) == before


@pytest.mark.faults
@pytest.mark.parametrize("point", CHOSEN["take"])
async def test_an_agent_killed_while_it_takes_has_it_whole_in_the_end(
    tmp_path: Path, upstream: Upstream, die: Die, point: str
) -> None:
    there = tmp_path / "there"
    async with workspaces(tmp_path / "here", upstream, carrier=CarriedParts(there / "router").carrier) as rig:
        await moves.with_work(rig)
        await rig.service.pack("c1", KEY)
        before = moves.seen(rig)
    assert die(there, upstream, point, "take") == KILLED

    async with workspaces(there, upstream) as other:
        await other.service.take("c2", "s2", taken(other))

        assert moves.seen(other) == before
        assert (await other.known()).conversation_id == moves.TALK
        assert (await other.carried())[-1][0] == "ready"
        assert moves.carried(other) == []
