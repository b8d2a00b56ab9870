"""What an agent says in its hello that its machine can do."""

from pathlib import Path

import pytest

from agent.backends.claude.headless import HeadlessBackend
from agent.backends.claude.launch import PROGRAM
from tests.rigs.agent_rig import Rigs
from tests.rigs.scripted_link import running_router

ALWAYS = ["command_batch", "control", "deltas", "files", "keys", "permissions", "screen", "text"]


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


@pytest.mark.parametrize(
    ("program", "version"),
    [("echo 2.1.332 '(Claude Code)'", "2.1.332"), ("echo hello", ""), ("exit 1", ""), ("cat", "")],
    ids=["it says", "no version", "it fails", "it reads"],
)
async def test_a_machine_that_starts_sessions_tells_the_version_of_their_program_and_its_room(
    rigs: Rigs, data_dir: Path, program: str, version: str
) -> None:
    programs = data_dir / "bin"
    programs.mkdir()
    (programs / PROGRAM).write_text(f"#!/bin/sh\n{program}\n")
    (programs / PROGRAM).chmod(0o755)
    headless = HeadlessBackend({"HOME": str(data_dir), "PATH": f"{programs}:/usr/bin:/bin"})

    async with (
        running_router() as router,
        rigs.running(router.address, headless=headless, start_folders=(data_dir,)),
    ):
        hello = (await router.link()).hello

    assert [(each.name, each.version) for each in hello.programs] == [(PROGRAM, version)]
    assert hello.free_bytes > 0


async def test_one_that_starts_none_looks_for_no_program(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address):
        hello = (await router.link()).hello

    assert list(hello.programs) == []
