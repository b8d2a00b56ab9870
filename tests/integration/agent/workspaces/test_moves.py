"""A workspace goes to another machine: a copy of it, in parts; it stays as it was until the other one has it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agent.domain.command import Reason, TakeWorkspace
from agent.domain.errors import Refusal, RouterUnreachable
from agent.domain.workspace import WorkspaceRules, WorkspaceState
from agent.services import uploads, workspace_moves
from tests.rigs.upstream import Upstream, git
from tests.rigs.workspace_rig import KEY, CarriedParts, WorkspaceRig, workspaces

TALK = "0d5ea9bc-52b5-4b9b-8bd5-0ca6f1b6d5a1"


Both = tuple[WorkspaceRig, WorkspaceRig, CarriedParts]


@asynccontextmanager
async def both(folder: Path, upstream: Upstream) -> AsyncIterator[Both]:
    """Where it is, with something of each kind that is nowhere else; the other machine; and what is between them."""
    parts = CarriedParts(folder / "router")
    async with (
        workspaces(folder / "here", upstream, carrier=parts.carrier) as rig,
        workspaces(folder / "there", upstream, carrier=parts.carrier) as other,
    ):
        await with_work(rig)
        yield rig, other, parts


async def with_work(rig: WorkspaceRig) -> None:
    place = await rig.enter()
    tree = place.tree
    (tree / "made.py").write_text("x\n")
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "made")
    (tree / "made.py").write_text("stashed\n")
    git(tree, "stash")
    (tree / "made.py").write_text("changed\n")
    (tree / "notes.txt").write_text("mine\n")
    talk = place.state / "projects/-tree" / f"{TALK}.jsonl"
    talk.parent.mkdir(parents=True)
    talk.write_text('{"said": "go on"}\n')
    await rig.leave()
    await rig.store.save(replace(await rig.known(), conversation_id=TALK))


def seen(rig: WorkspaceRig) -> tuple[str, ...]:
    tree = rig.home() / "tree"
    said = [git(tree, *words) for words in (("log", "--format=%H %s"), ("status", "--porcelain"), ("stash", "list"))]
    return (*said, (tree / "made.py").read_text(), (tree / "notes.txt").read_text())


def carried(rig: WorkspaceRig) -> list[Path]:
    return [each for way in ("leaving", "coming") for each in (rig.places.root / way).glob("*")]


async def refused(rig: WorkspaceRig, wanted: TakeWorkspace, session_id: str = "s2") -> Refusal:
    with pytest.raises(Refusal) as caught:
        await rig.service.take(f"c-{session_id}", session_id, wanted)
    return caught.value


async def wanted(rig: WorkspaceRig, parts: CarriedParts) -> TakeWorkspace:
    await rig.service.pack("c1", KEY)
    [(_, digest, size)] = await rig.carried()
    assert size == len(parts.all())
    return TakeWorkspace(rig.wanted(), digest, size)


async def test_all_that_was_nowhere_else_is_there_with_its_talk(tmp_path: Path, upstream: Upstream) -> None:
    async with both(tmp_path, upstream) as (rig, other, parts):
        before = seen(rig)
        good = await wanted(rig, parts)

        said = await other.service.take("c2", "s2", good)

        assert str(other.home()) in said
        assert seen(other) == seen(rig) == before
        known = await other.known()
        assert (known.state, known.session_id, known.conversation_id) == (WorkspaceState.READY, "s2", TALK)
        assert (await other.carried())[-1][0] == "ready"
        assert carried(other) == []
        assert (await rig.known()).state is WorkspaceState.READY
        assert "archived in" in await rig.close(archive=True)  # as its router says then
        assert rig.packed().exists()
        assert carried(rig) == []
        await comes_again(other, good)
        assert (await other.enter("s3")).conversation_id == TALK  # the next session goes on with it


async def comes_again(rig: WorkspaceRig, good: TakeWorkspace) -> None:
    """The command, and another one of the same: neither changes what is there."""
    (rig.home() / "tree/later.txt").write_text("later\n")
    await rig.service.take("c2", "s2", good)
    assert (rig.home() / "tree/later.txt").exists()
    assert "look at it" in (await refused(rig, good, "s9")).text
    assert (rig.home() / "tree/later.txt").exists()


async def test_what_is_not_what_was_packed_is_not_put_back(tmp_path: Path, upstream: Upstream) -> None:
    async with both(tmp_path, upstream) as (rig, other, parts):
        good = await wanted(rig, parts)

        for bad in (replace(good, digest="0" * 64), replace(good, size=good.size + 1), replace(good, size=10)):
            assert (await refused(other, bad)).reason is Reason.WORKSPACE_FAILED
            assert not other.home().exists()
            assert carried(other) == []
        assert await other.carried() == []
        for rules, reason in {
            WorkspaceRules((upstream.address,), most_bytes=1): Reason.WORKSPACE_FULL,
            WorkspaceRules(("/nowhere",)): Reason.WORKSPACE_FAILED,
            WorkspaceRules(): Reason.UNSUPPORTED,
        }.items():
            async with workspaces(tmp_path / reason.name, upstream, rules, carrier=parts.carrier) as there:
                assert (await refused(there, good)).reason is reason
                assert carried(there) == []
                assert not there.home().exists()


async def test_what_cannot_go_stays_as_it_was(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert workspace_moves.MAX_FILE == uploads.MAX_FILE
    async with both(tmp_path, upstream) as (rig, _, parts):
        before = seen(rig)
        with monkeypatch.context() as small:
            small.setattr(workspace_moves, "MAX_FILE", 100)
            with pytest.raises(Refusal, match="by hand: pointsman workspaces archive") as caught:
                await rig.service.pack("c1", KEY)
        assert caught.value.reason is Reason.TOO_LARGE
        assert (carried(rig), seen(rig)) == ([], before)
        await rig.enter("s2")
        with pytest.raises(Refusal, match="s2 is in it"):
            await rig.service.pack("c1", KEY)
        await rig.leave("s2")

        monkeypatch.setattr(workspace_moves, "PART", 4096)
        parts.silent_after = 2
        with pytest.raises(RouterUnreachable):
            await rig.service.pack("c1", KEY)
        parts.silent_after = -1
        await rig.service.pack("c1", KEY)
        assert parts.came == list(range(len(parts.came)))  # what a router has is not sent twice
        assert len(parts.came) > 3

        await rig.close(archive=True)
        await rig.service.pack("c5", KEY)  # one that is archived goes as it is
        assert rig.packed().read_bytes() == parts.all()
