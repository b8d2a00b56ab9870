"""What a coding agent over ACP is started with."""

import json
from pathlib import Path

from agent.backends.acp.launch import Launcher
from agent.backends.acp.table import KNOWN
from agent.domain.session import Session
from tests.integration.agent.backends.acp_scene import StandIn

NAME = "STAND_IN_DEFAULTS"


async def given(data_dir: Path, theirs: Path, **environ: str) -> str | None:
    """The file of defaults that it is told of."""
    kind = StandIn(data_dir).kind(defaults={NAME: (Path("/ours"), theirs)})
    launcher = Launcher(environ, kinds={kind.name: kind})
    plan = await launcher.plan(Session("s1", "acp", cwd=str(data_dir), target={"agent": kind.name}))
    return plan.environ.get(NAME)


async def test_our_defaults_go_behind_those_of_a_person_and_of_the_machine(data_dir: Path) -> None:
    theirs = data_dir / "theirs"
    alone = await given(data_dir, theirs)
    persons = await given(data_dir, theirs, **{NAME: "/persons"})
    theirs.touch()
    machines = await given(data_dir, theirs)

    assert (alone, persons, machines) == ("/ours", "/persons", None)


def test_gemini_is_told_to_tidy_no_conversation_away() -> None:
    """Its tidying takes one away that was taken up twice."""
    [(ours, _)] = KNOWN["gemini"].defaults.values()

    assert json.loads(ours.read_text())["general"]["sessionRetention"] == {"enabled": False}
