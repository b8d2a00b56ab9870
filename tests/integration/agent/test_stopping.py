"""An agent that is told to stop does, whatever it waits for."""

import asyncio
import os

import psutil
import pytest

from agent.backends import spawning
from agent.backends.claude.headless import HeadlessBackend
from tests.rigs.agent_rig import Rigs, eventually
from tests.rigs.scripted_link import running_router
from tests.waiting import PATIENCE


async def test_a_program_that_does_not_say_its_version_holds_up_no_stop(
    rigs: Rigs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spawning, "PATIENCE", 3600.0)
    hung, asked = rigs.data_dir / "claude", rigs.data_dir / "asked"
    hung.write_text(f"#!/bin/sh\necho $$ > {asked}.new && mv {asked}.new {asked}\nexec sleep 3600\n")
    hung.chmod(0o700)
    backend = HeadlessBackend({"PATH": f"{rigs.data_dir}:{os.environ['PATH']}", "HOME": str(rigs.data_dir)})
    starting = {"headless": backend, "start_folders": (rigs.data_dir,)}
    async with running_router() as router, rigs.running(router.address, **starting) as rig:
        await eventually(asked.exists)
        pid = int(await asyncio.to_thread(asked.read_text))
        rig.stop.set()
        await asyncio.wait_for(asyncio.shield(rig.task), PATIENCE)

    assert not psutil.pid_exists(pid)
