"""A repository as others have it: bare, in a folder, written to by real git."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

WHO = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in {
    "NAME": "Ada", "EMAIL": "ada@example.org", "DATE": "2026-11-28T10:00:00Z"}.items()}  # fmt: skip


def git(at: Path, *words: str) -> str:
    """Run it as a person does."""
    plain = {"HOME": str(at), "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *words], cwd=at, env=plain | WHO, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
    return done.stdout.strip()


class Upstream:
    """The repository, with one commit on main."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "upstream.git"
        self._work = folder / "somebody"
        for each in (self.path, self._work):
            each.mkdir(parents=True)
        git(self.path, "init", "-q", "--bare", "--initial-branch=main")
        git(self._work, "init", "-q", "--initial-branch=main")
        git(self._work, "remote", "add", "origin", str(self.path))
        self.push("refs/heads/main", {"README.md": "hello\n", "CLAUDE.md": "from the base\n"})

    @classmethod
    def there(cls, folder: Path) -> "Upstream":
        """The one that was made in this folder."""
        known = cls.__new__(cls)
        known.path, known._work = folder / "upstream.git", folder / "somebody"
        return known

    @property
    def address(self) -> str:
        return str(self.path)

    def push(self, ref: str, files: Mapping[str, str]) -> str:
        """One more commit on a branch, or for a pull request; which."""
        for name, content in files.items():
            path = self._work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        git(self._work, "add", "-A", "-f")
        git(self._work, "commit", "-q", "-m", f"for {ref}")
        git(self._work, "push", "-q", "origin", f"HEAD:{ref}")
        return git(self._work, "rev-parse", "HEAD")

    def link(self, ref: str, name: str, target: str) -> None:
        """A commit with a symbolic link."""
        (self._work / name).symlink_to(target)
        self.push(ref, {})

    def has(self, commit: str) -> bool:
        """Whether some branch has it."""
        return commit in git(self.path, "rev-list", "--all").split()
