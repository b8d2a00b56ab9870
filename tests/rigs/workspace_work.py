"""Work in a workspace that is nowhere else, of every kind; found again in a tree or in an archive by git alone."""

import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.rigs.upstream import git

MESSAGES = ("made", "loose")  # of commits: one on the branch, one that only a reflog knows
STASHED, CHANGED, OWN, SAID = "put away\n", "changed\n", "mine\n", '{"said": "hello"}\n'
TALK = "projects/-here/11111111-1111-4111-8111-111111111111.jsonl"
PARTS = ("meta.json", "work.bundle", "changes.diff", "tree/notes.txt", f"state/{TALK}")


def leave_work(tree: Path) -> None:
    """A commit, one that was reset away, a stash, a change, a file that git does not know, and what was said."""
    _commit(tree, "loose")
    git(tree, "reset", "-q", "--hard", "HEAD~1")
    _commit(tree, "made")
    (tree / "README.md").write_text(STASHED)
    git(tree, "stash", "-q")
    (tree / "README.md").write_text(CHANGED)
    (tree / "notes.txt").write_text(OWN)
    talk = tree.parent / "state" / TALK
    talk.parent.mkdir(parents=True)
    talk.write_text(SAID)


def missing(home: Path, packed: Path) -> list[str]:
    """What is neither in its folder nor in its archive; each alone has to have all of it."""
    in_folder = missing_in(home) if (home / "tree").is_dir() else ["the folder"]
    return in_folder and (missing_packed(packed) if packed.exists() else in_folder)


def missing_in(home: Path) -> list[str]:
    """What of it is not there to be gone on with."""
    tree, said = home / "tree", home / "state" / TALK
    commits = git(tree, "log", "--all", "--reflog", "--format=%s").splitlines()
    stash = git(tree, "stash", "list").splitlines()
    found = {
        **{f"the commit {each}": each in commits for each in MESSAGES},
        "the branch": git(tree, "log", "-1", "--format=%s") == "made",
        "the stash": len(stash) == 1 and git(tree, "show", "stash@{0}:README.md") == STASHED.strip(),
        "the change": (tree / "README.md").read_text() == CHANGED,
        "the new file": _is(tree / "notes.txt", OWN),
        "what was said": _is(said, SAID),
    }
    return [what for what, is_there in found.items() if not is_there]


def missing_packed(packed: Path) -> list[str]:
    """What of it an archive does not hold, or all of it where that is not whole."""
    try:
        with tarfile.open(packed) as tar:
            parts = {name: _content(tar, name) for name in PARTS}
    except (tarfile.TarError, OSError, EOFError, KeyError) as error:
        return [f"a whole archive: {error}"]
    found: dict[str, Callable[[], bool]] = {
        "the change": lambda: b"+" + CHANGED.encode() in parts["changes.diff"],
        "the new file": lambda: parts["tree/notes.txt"] == OWN.encode(),
        "what was said": lambda: parts[f"state/{TALK}"] == SAID.encode(),
        "the stash": lambda: b'"stashes": ["' in parts["meta.json"],
        "the commits": lambda: _bundled(parts["work.bundle"]),
    }
    return [what for what, is_there in found.items() if not is_there()]


def _commit(tree: Path, name: str) -> None:
    (tree / f"{name}.py").write_text("x\n")
    git(tree, "add", f"{name}.py")
    git(tree, "commit", "-q", "-m", name)


def _is(path: Path, content: str) -> bool:
    return path.is_file() and path.read_text() == content


def _content(tar: tarfile.TarFile, name: str) -> bytes:
    found = tar.extractfile(name)
    assert found is not None
    return found.read()


def _bundled(bundle: bytes) -> bool:
    """Whether git itself takes all commits out of it."""
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        git(at, "init", "-q", "--bare", "one")
        (at / "bundle").write_bytes(bundle)
        fetch = ["git", "fetch", "-q", str(at / "bundle"), "+refs/*:refs/here/*"]
        if subprocess.run(fetch, cwd=at / "one", stderr=subprocess.DEVNULL, check=False).returncode:
            return False
        said = git(at / "one", "log", "--all", "--format=%s").splitlines()
    stashes = [each for each in said if each.startswith("WIP on ")]
    return set(MESSAGES) < set(said) and bool(stashes)
