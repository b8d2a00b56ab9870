"""How long from the real Claude Code's own record until a page of the console has it, in each kind of session.

A row of the record says when the program made it; that it writes it down later counts against us.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.bench.figures import Figures
from tests.e2e import real_turns
from tests.e2e.real_turns import turns
from tests.fakes import claude_program
from tests.faults.table import quantile

KINDS = tuple(real_turns.KINDS)


def missing() -> str:
    """How to install what is not here."""
    if lacking := [name for name in ("tmux", "nvim") if shutil.which(name) is None]:
        return f"{' and '.join(lacking)}, as the system's packages"
    try:
        claude_program.program()
    except pytest.skip.Exception:
        return "`python -m tests.fakes.claude_program`"
    return ""


def measure(folder: Path, count: int, kinds: Iterable[str]) -> Figures:
    """So many turns of each of these kinds."""
    figures = Figures()
    for kind in kinds:
        inside = folder / kind
        inside.mkdir()
        with turns(inside, kind) as one:
            for _ in range(count):
                one.turn()
            if problems := one.problems():
                raise RuntimeError(f"{kind}: {problems[:3]}")
            figures[f"{kind} p50"], figures[f"{kind} p99"] = (quantile(one.late, part) for part in (0.5, 0.99))
    return figures
