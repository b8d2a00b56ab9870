"""Workspaces with real git: made, gone on with, archived, put back, removed; and never what is nowhere else."""

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from agent.domain.errors import Refusal
from agent.domain.workspace import MONTH, WorkspaceRules, WorkspaceState
from tests.rigs.upstream import Upstream, git
from tests.rigs.workspace_rig import workspaces


def commit(tree: Path, name: str = "new.py", content: str = "x = 1\n") -> str:
    (tree / name).write_text(content)
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", f"add {name}")
    return git(tree, "rev-parse", "HEAD")


def stashed(tree: Path) -> None:
    (tree / "README.md").write_text("put away\n")
    git(tree, "stash", "-q")


def edited(tree: Path) -> None:
    (tree / "README.md").write_text("changed\n")


def staged(tree: Path) -> None:
    edited(tree)
    git(tree, "add", "-A")
    (tree / "README.md").write_text("hello\n")


def new(tree: Path) -> None:
    (tree / "notes.txt").write_text("mine\n")


def hidden(tree: Path) -> None:
    """A file that the clone's own settings hide."""
    (tree / ".git/info/exclude").write_text("secret.txt\n")
    (tree / "secret.txt").write_text("mine\n")


def left_behind(tree: Path) -> None:
    """A commit that no branch has any more."""
    commit(tree, "lost.py")
    git(tree, "reset", "-q", "--hard", "HEAD~1")


def other_tree(tree: Path) -> None:
    git(tree, "worktree", "add", "-q", str(tree.parent / "second"))


def nested(tree: Path) -> None:
    (tree / "inner").mkdir()
    git(tree / "inner", "init", "-q")


def pretended(tree: Path) -> None:
    """git is told that nothing has changed."""
    git(tree, "update-index", "--assume-unchanged", "README.md")
    edited(tree)


async def test_it_is_cloned_checked_out_and_ready_for_commits(tmp_path: Path, upstream: Upstream) -> None:
    head = upstream.push("refs/pull/12/head", {"api.py": "pass\n"})
    async with workspaces(tmp_path, upstream) as rig:
        place = await rig.enter(wanted=rig.wanted(ref="refs/pull/12/head"))

        assert (place.tree / "api.py").read_text() == "pass\n"
        assert git(place.tree, "rev-parse", "HEAD") == head
        assert git(place.tree, "branch", "--show-current").startswith("pointsman/github-acme-api-12-")
        assert git(place.tree, "remote", "get-url", "origin") == upstream.address
        assert json.loads((place.state / "settings.json").read_text()) == {"cleanupPeriodDays": 400}
        assert await rig.told() == ["preparing", "in_use"]
        await rig.leave()
        assert (await rig.known()).look.is_spare
        assert await rig.told() == ["preparing", "in_use", "ready"]


async def test_a_branch_is_checked_out_as_itself_so_that_a_push_goes_there(tmp_path: Path, upstream: Upstream) -> None:
    async with workspaces(tmp_path, upstream) as rig:
        place = await rig.enter(wanted=rig.wanted(ref=""))
        made = commit(place.tree)
        git(place.tree, "push", "-q")

        assert upstream.has(made)
        await rig.leave()
        assert (await rig.known()).look.is_spare


async def test_the_next_session_finds_what_the_one_before_left(tmp_path: Path, upstream: Upstream) -> None:
    async with workspaces(tmp_path, upstream) as rig:
        place = await rig.enter()
        new(place.tree)
        with pytest.raises(Refusal, match="s1 is in it"):
            await rig.service.enter(rig.wanted(), "s2")
        await rig.leave()
        upstream.push("refs/heads/main", {"later.py": "later\n"})

        again = await rig.enter("s2")

        assert (again.tree / "notes.txt").read_text() == "mine\n"
        assert not (again.tree / "later.py").exists()  # nobody moves what a session works on


async def test_what_is_all_elsewhere_is_removed(tmp_path: Path, upstream: Upstream) -> None:
    upstream.push("refs/tags/v1", {"released.txt": "1\n"})
    async with workspaces(tmp_path, upstream) as rig:
        await rig.enter()
        assert "ILLEGAL_STATE" in await rig.close()
        await rig.leave()

        assert "removed" in await rig.close()

        assert not rig.home().exists()
        assert (await rig.known()).state is WorkspaceState.GONE
        assert "nothing of it" in await rig.close()
        assert list((rig.places.root / "removing").iterdir()) == []


@pytest.mark.parametrize(
    "work",
    [commit, stashed, edited, staged, new, hidden, left_behind, other_tree, nested, pretended],
    ids=lambda work: str(work.__name__),
)
async def test_what_is_nowhere_else_is_never_removed(tmp_path: Path, upstream: Upstream, work: object) -> None:
    async with workspaces(tmp_path, upstream) as rig:
        place = await rig.enter()
        work(place.tree)  # type: ignore[operator]
        await rig.leave()

        refused = await rig.close()

        assert refused.startswith("WORKSPACE_FAILED: Not removed")
        assert (place.tree / ".git").is_dir()
        assert (await rig.known()).state is WorkspaceState.READY
        assert not (await rig.known()).look.is_spare


async def test_an_archive_holds_it_all_and_is_put_back_with_the_talk(tmp_path: Path, upstream: Upstream) -> None:
    async with workspaces(tmp_path, upstream) as rig:
        place = await rig.enter()
        made = commit(place.tree)
        left_behind(place.tree)
        stashed(place.tree)
        edited(place.tree)
        new(place.tree)
        (place.tree / "out").symlink_to("/etc/hostname")
        (place.state / "projects/workspace").mkdir(parents=True)
        (place.state / "projects/workspace/talk.jsonl").write_text("{}\n")
        (place.state / ".credentials.json").write_text("secret")
        lost = git(place.tree, "rev-parse", "HEAD@{1}")
        await rig.leave()

        assert "archived" in await rig.close(archive=True)

        assert not rig.home().exists()
        assert "archived" in await rig.close(archive=True)  # again is once
        with pytest.raises(Refusal, match="archive is not here"):
            await rig.service.enter(rig.wanted("other", restore=True), "s2")
        back = await rig.enter("s3", rig.wanted(restore=True))
        assert git(back.tree, "rev-parse", "HEAD") == made
        assert git(back.tree, "branch", "--show-current") == "main"
        assert (back.tree / "README.md").read_text() == "changed\n"
        assert (back.tree / "notes.txt").read_text() == "mine\n"
        assert (back.tree / "out").readlink() == Path("/etc/hostname")
        assert "put away" in git(back.tree, "stash", "show", "-p")
        assert git(back.tree, "cat-file", "-t", lost) == "commit"
        assert (back.state / "projects/workspace/talk.jsonl").exists()
        assert not (back.state / ".credentials.json").exists()
        assert not rig.packed().exists()
        assert (await rig.known()).state is WorkspaceState.IN_USE


async def test_what_git_cannot_tell_of_is_archived_whole(tmp_path: Path, upstream: Upstream) -> None:
    async with workspaces(tmp_path, upstream) as rig:
        place = await rig.enter()
        other_tree(place.tree)
        new(place.tree)
        await rig.leave()

        assert "archived" in await rig.close(archive=True)

        back = await rig.enter("s2", rig.wanted(restore=True))
        assert (back.tree / "notes.txt").read_text() == "mine\n"
        assert (back.tree / ".git/worktrees/second").is_dir()


async def test_an_archive_outlives_a_branch_that_was_removed_and_goes_after_a_month(
    tmp_path: Path, upstream: Upstream
) -> None:
    upstream.push("refs/heads/feature", {"feature.py": "1\n"})
    async with workspaces(tmp_path, upstream) as rig:
        place = await rig.enter(wanted=rig.wanted(ref="refs/heads/feature"))
        made = commit(place.tree)
        await rig.leave()
        await rig.close(archive=True)
        git(upstream.path, "update-ref", "-d", "refs/heads/feature")

        assert "kept for 30 days" in await rig.close()
        rig.clock.later = MONTH - 60
        assert "kept for 30 days" in await rig.close()
        assert rig.packed().exists()
        rig.clock.later = MONTH + 60
        assert "was removed" in await rig.close()
        assert not rig.packed().exists()
        assert made


async def test_an_archive_may_be_brought_to_another_machine(tmp_path: Path, upstream: Upstream) -> None:
    async with workspaces(tmp_path / "one", upstream) as rig:
        place = await rig.enter()
        made = commit(place.tree)
        await rig.leave()
        await rig.close(archive=True)
        packed = rig.packed()
    async with workspaces(tmp_path / "two", upstream) as rig:
        with pytest.raises(Refusal, match="Copy it there"):  # which makes its folder
            await rig.service.enter(rig.wanted(restore=True), "s2")
        shutil.copy(packed, rig.packed())

        back = await rig.enter("s2", rig.wanted(restore=True))

        assert git(back.tree, "rev-parse", "HEAD") == made
        assert packed.exists()
        assert not rig.packed().exists()


async def test_half_a_copy_of_an_archive_is_not_taken_for_one(tmp_path: Path, upstream: Upstream) -> None:
    async with workspaces(tmp_path, upstream) as rig:
        place = await rig.enter()
        commit(place.tree)
        new(place.tree)
        await rig.leave()
        await rig.close(archive=True)
        whole = rig.packed().read_bytes()
        with tarfile.open(rig.packed()) as tar:
            members = tar.getmembers()
            cuts = [members[-1].offset, members[-1].offset + 100, tar.offset, tar.offset + 512]
        damaged = bytearray(whole)
        damaged[members[-1].offset] ^= 1
        for half in (*(whole[:cut] for cut in cuts), bytes(damaged)):
            rig.packed().write_bytes(half)

            with pytest.raises(Refusal, match=r"cannot be read: .*(cut off|unexpected end)"):
                await rig.service.enter(rig.wanted(restore=True), "s2")

            assert rig.packed().read_bytes() == half
        rig.packed().write_bytes(whole)
        back = await rig.enter("s3", rig.wanted(restore=True))
        assert (back.tree / "notes.txt").read_text() == "mine\n"


@pytest.mark.parametrize("repository", ["/etc", "https://github.com/acme/other", "/tmp/../etc"])
async def test_only_what_the_settings_name_is_cloned(tmp_path: Path, upstream: Upstream, repository: str) -> None:
    async with workspaces(tmp_path, upstream) as rig:
        with pytest.raises(Refusal, match="does not clone"):
            await rig.service.enter(rig.wanted().__class__("k", repository), "s1")

        assert not rig.home("k").exists()


async def test_a_branch_that_is_not_there_fails_and_leaves_nothing(tmp_path: Path, upstream: Upstream) -> None:
    async with workspaces(tmp_path, upstream) as rig:
        with pytest.raises(Refusal, match="refs/heads/nowhere"):
            await rig.service.enter(rig.wanted(ref="refs/heads/nowhere"), "s1")

        assert await rig.told() == ["preparing", "failed"]
        assert list((rig.places.root / "making").iterdir()) == []
        assert await rig.enter("s2")


async def test_a_full_disk_quota_lets_nobody_in_but_into_what_is_there(tmp_path: Path, upstream: Upstream) -> None:
    async with workspaces(tmp_path, upstream) as rig:
        await rig.enter()
        await rig.leave()
    async with workspaces(tmp_path, upstream, WorkspaceRules((upstream.address,), most_bytes=10)) as rig:
        with pytest.raises(Refusal, match="POINTSMAN_WORKSPACE_MAX_GB") as refused:
            await rig.enter("s2", rig.wanted("another"))

        assert refused.value.reason.name == "WORKSPACE_FULL"
        assert await rig.enter("s3")


async def test_folders_that_are_nobodys_are_told_of_and_left_alone(tmp_path: Path, upstream: Upstream) -> None:
    async with workspaces(tmp_path, upstream) as rig:
        await rig.enter()
        await rig.leave()
        stranger = rig.places.home("somebodys")
        stranger.mkdir()
        rig.home().rename(tmp_path / "moved away")
    async with workspaces(tmp_path, upstream) as rig:
        assert (await rig.told())[-2:] == ["gone", "failed"]
        assert "not made by this agent" in await rig.close(key="somebodys")
        assert stranger.is_dir()


async def test_a_link_in_the_place_of_a_workspace_is_not_followed(tmp_path: Path, upstream: Upstream) -> None:
    async with workspaces(tmp_path, upstream) as rig:
        await rig.enter()
        await rig.leave()
        away = tmp_path / "away"
        rig.home().rename(away)
        rig.home().symlink_to(away)

        await rig.close()

        assert (away / "tree/README.md").exists()


async def test_a_session_that_never_began_gives_its_workspace_back(tmp_path: Path, upstream: Upstream) -> None:
    async with workspaces(tmp_path, upstream) as rig:
        await rig.service.enter(rig.wanted(), "s1")
        await rig.service.look()
        assert (await rig.known()).state is WorkspaceState.IN_USE

        rig.service.begun("s1")
        await rig.service.look()

        assert (await rig.known()).state is WorkspaceState.READY
