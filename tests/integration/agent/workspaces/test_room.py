"""Where there is no room for a new workspace, what is over and clean goes first; nothing else does."""

from pathlib import Path

import pytest

from agent.backends.workspaces.tree import size
from agent.domain.errors import Refusal
from agent.domain.workspace import WorkspaceRules
from tests.rigs.upstream import Upstream
from tests.rigs.workspace_rig import WorkspaceRig, workspaces

OLD, YOUNG, NEW = "acme/old", "acme/young", "acme/new"


async def filled(rig: WorkspaceRig) -> int:
    """With two workspaces that nobody is in; what all takes of the disk."""
    for key in (OLD, YOUNG):
        await rig.enter(f"s-{key[5:]}", rig.wanted(key))
        await rig.leave(f"s-{key[5:]}")
    return size(rig.places.root)


def rules(upstream: Upstream, most_bytes: float) -> WorkspaceRules:
    return WorkspaceRules((upstream.address,), most_bytes=most_bytes)


async def test_the_oldest_goes_and_no_more_than_it_takes(tmp_path: Path, upstream: Upstream) -> None:
    async with workspaces(tmp_path, upstream) as rig:
        used = await filled(rig)
    async with workspaces(tmp_path, upstream, rules(upstream, used * 0.99)) as rig:
        await rig.enter("s3", rig.wanted(NEW, spare=(OLD, YOUNG)))

        assert [rig.home(key).is_dir() for key in (OLD, YOUNG, NEW)] == [False, True, True]
        assert "gone" in await rig.told()


async def test_where_there_is_room_nothing_goes(tmp_path: Path, upstream: Upstream) -> None:
    async with workspaces(tmp_path, upstream) as rig:
        await filled(rig)
        await rig.enter("s3", rig.wanted(NEW, spare=(OLD, YOUNG)))

        assert [rig.home(key).is_dir() for key in (OLD, YOUNG, NEW)] == [True] * 3


async def test_what_is_changed_or_in_use_does_not_go_whatever_the_router_says(
    tmp_path: Path, upstream: Upstream
) -> None:
    async with workspaces(tmp_path, upstream) as rig:
        used = await filled(rig)
        (rig.home(OLD) / "tree/new.txt").write_text("nowhere else")
    async with workspaces(tmp_path, upstream, rules(upstream, used * 0.99)) as rig:
        await rig.enter("s3", rig.wanted(YOUNG))
        with pytest.raises(Refusal, match="POINTSMAN_WORKSPACE_MAX_GB"):
            await rig.enter("s4", rig.wanted(NEW, spare=(OLD, YOUNG, NEW, "acme/none")))

        assert (rig.home(OLD) / "tree/new.txt").read_text() == "nowhere else"
        assert rig.home(YOUNG).is_dir()
