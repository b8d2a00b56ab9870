"""What an agent says in its hello that its machine can do."""

from pathlib import Path

import pytest

from agent.backends.claude.headless import HeadlessBackend
from agent.backends.claude.launch import PROGRAM
from tests.rigs.agent_rig import Rigs
from tests.rigs.scripted_link import running_router

ALWAYS = ["command_batch", "files", "keys", "permissions", "text"]


@pytest.mark.parametrize(
    ("installed", "allowed", "more"),
    [(True, True, ["start"]), (False, True, []), (True, False, [])],
    ids=["all there", "no program", "no folder"],
)
async def test_a_start_works_where_the_program_is_installed_and_a_folder_allowed(
    rigs: Rigs, data_dir: Path, *, installed: bool, allowed: bool, more: list[str]
) -> None:
    programs = data_dir / "bin"
    programs.mkdir()
    (programs / PROGRAM).touch(mode=0o755 if installed else 0o644)
    headless = HeadlessBackend({"HOME": str(data_dir), "PATH": str(programs)})
    folders = (data_dir,) if allowed else ()

    async with (
        running_router() as router,
        rigs.running(router.address, headless=headless, start_folders=folders),
    ):
        hello = (await router.link()).hello

    assert list(hello.capabilities) == ALWAYS + more
