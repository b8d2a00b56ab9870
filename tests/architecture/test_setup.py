"""A clone sets itself up: what is missing is installed where that is allowed, and else named in one line."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

PACKAGES, VENV = ROOT / ".ci" / "packages", ROOT / ".ci" / "venv"
# An apt-get that notes what it was asked for, and "installs" by making the program.
APT_GET = """#!/bin/sh
echo "$@" >> {asked}
for package; do :; done
name=${package%-imapd}
[ "$1" = update ] || [ "$package" = neovim ] || { echo '#!/bin/sh' > {folder}/$name && chmod +x {folder}/$name; }
"""


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """All programs of a machine that has nothing, not even Python, which looks for a library."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "chmod", "rm"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def run(script: Path, path: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": str(path), "PYTHON": "python3"}
    bash = shutil.which("bash") or "bash"
    return subprocess.run([bash, script, *arguments], env=environ, cwd=cwd, capture_output=True, text=True, timeout=60)


def apt_get(folder: Path, asked: Path) -> None:
    script = folder / "apt-get"
    script.write_text(APT_GET.replace("{asked}", str(asked)).replace("{folder}", str(folder)))
    script.chmod(0o755)


def test_who_may_not_install_reads_one_line_that_names_everything(bare: Path) -> None:
    done = run(PACKAGES, bare, "test")

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        "Missing here; as root on Debian: apt-get install"
        " git tmux neovim chromium-headless-shell curl valgrind redis-server strace dovecot-imapd postfix libatomic1\n"
    )


def test_what_is_there_is_not_asked_for(bare: Path) -> None:
    for name in (
        "git",
        "nvim",
        "chromium-headless-shell",
        "curl",
        "valgrind",
        "redis-server",
        "strace",
        "dovecot",
        "postfix",
    ):
        (bare / name).symlink_to("/bin/true")

    assert run(PACKAGES, bare, "test").stderr.endswith("apt-get install tmux libatomic1\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs packages")
def test_root_gets_it_installed_and_reads_what_its_release_does_not_have(bare: Path, tmp_path: Path) -> None:
    apt_get(bare, tmp_path / "asked")

    done = run(PACKAGES, bare, "test")

    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[0].startswith("update")
    assert [line.split()[-1] for line in asked[1:]] == [
        *(
            "git",
            "tmux",
            "neovim",
            "chromium-headless-shell",
            "curl",
            "valgrind",
            "redis-server",
            "strace",
            "dovecot-imapd",
            "postfix",
            "libatomic1",
        )
    ]
    assert (done.returncode, done.stderr) == (0, "Missing here; as root on Debian: apt-get install neovim libatomic1\n")


def test_without_any_way_to_a_venv_one_line_says_what_to_install(bare: Path, tmp_path: Path) -> None:
    (tmp_path / ".ci").symlink_to(ROOT / ".ci")

    done = run(VENV, bare, cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "apt-get install python3 python3-venv" in done.stderr


def test_the_packages_are_listed_in_one_place() -> None:
    others = [ROOT / "Makefile", ROOT / ".ci" / "run"]

    assert [name for name in others if "apt-get install" in name.read_text()] == []
    assert [name for name in others if ".ci/packages" not in name.read_text()] == []
