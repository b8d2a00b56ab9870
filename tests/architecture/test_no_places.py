"""The repository is at home anywhere: it names no package registry's host and no folder of one machine."""

import re
import subprocess

import pytest

from tests.architecture.source import ROOT

# Bracketed so that this file does not find itself.
PLACES = re.compile(
    r"[p]ypi\.(org|python)|[p]ythonhosted\.org|[r]egistry\.npmjs|[f]iles\.pypi|[d]eb\.debian\.org|[g]hcr\.io|[d]ocker\.io"
    r"|[b]uf\.build/|--(extra-)?index-[u]rl|--find-[l]inks|--trusted-[h]ost|[f]ile:///"
    r"|(?<![\w.-])/(work|root|home/\w+|Users/\w+)/"
)


def tracked() -> list[str]:
    """What git tracks, or would with the next `git add`."""
    # The tree may belong to another user, which git would otherwise refuse to read.
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT)]
    listing = subprocess.run(
        [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True
    )
    return [name for name in listing.stdout.split("\0") if (ROOT / name).is_file()]


FILES = tracked()


@pytest.mark.skipif(not FILES, reason="not a git work tree")
def test_no_file_names_a_place() -> None:
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name in FILES
        for number, line in enumerate((ROOT / name).read_text(errors="replace").splitlines(), 1)
        if PLACES.search(line)
    ]

    assert not found
