"""How long from the real Claude Code's own record until the console's page shows it, in each kind of session.

A row of the record says when the program made it; that it writes it down later counts against us, as does all that
Chromium does until it stands in the document.
"""

import shutil
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.bench.figures import Figures
from tests.bench.seen_pages import late, shown
from tests.e2e import real_turns
from tests.e2e.real_turns import turns
from tests.e2e.system import System
from tests.fakes import claude_program
from tests.faults.table import quantile
from tests.rigs.browsed_console import CHROMIUM

_MOST_OF = 0.8  # the use of a tool that changes the plan is shown as that
KINDS = tuple(real_turns.KINDS)


def missing() -> str:
    """How to install what is not here."""
    if lacking := [name for name in ("tmux", "nvim") if shutil.which(name) is None]:
        return f"{' and '.join(lacking)}, as the system's packages"
    if CHROMIUM is None:
        return "chromium-headless-shell, as the system's package"
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
            with shown(_link(one.system), one.session) as page:
                opened = time.time()
                for _ in range(count):
                    one.turn()
                at = {seq: made for seq, made in one.at.items() if made >= opened}
                times = late(page, one.seen, at)
            if len(times) < _MOST_OF * len(at):
                raise RuntimeError(f"{kind}: the page shows {len(times)} of {len(at)}")
            if problems := one.problems():
                raise RuntimeError(f"{kind}: {problems[:3]}")
            figures[f"{kind} p50"], figures[f"{kind} p99"] = (quantile(times, part) for part in (0.5, 0.99))
    return figures


def _link(system: System) -> str:
    """Which lets somebody in."""
    listens = system.console.rpartition("/")[2]
    return str(system.cli("console", "--json", POINTSMAN_HTTP_LISTEN=listens)["url"])
