"""Mangled lines to the local socket of a running agent: each is answered or passed over, none breaks it."""

import asyncio
import json
import logging
from pathlib import Path

import pytest

from agent.local import client
from tests.fuzz.mutations import Mutator
from tests.fuzz.on_machines import ASK, HOOK, LINES, REGISTER
from tests.rigs.agent_rig import Rig, Rigs

NOBODY = "127.0.0.1:1"
INPUTS = 600
COMMAND = {"op": "register", "session_id": "s-1", "backend": "command", "target": {"command": "cat"}, "cwd": "/"}
HOOKED = {**HOOK, "environ": {**HOOK["environ"], "POINTSMAN_SESSION_ID": "s-1"}}  # type: ignore[dict-item]
SEEDS = [*(line.encode() for line in LINES), *(json.dumps(one).encode() for one in (ASK, REGISTER, COMMAND, HOOKED))]


async def said(rig: Rig, lines: bytes) -> list[dict[str, object]]:
    """What the agent answers to them, and hangs up."""
    reader, writer = await asyncio.open_unix_connection(client.socket_path(rig.data_dir), limit=1 << 22)
    writer.write(lines.removesuffix(b"\n") + b"\n")
    writer.write_eof()
    answers = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return [json.loads(line) for line in answers.splitlines()]


async def all_said(data_dir: Path) -> list[dict[str, object]]:
    mutator, heard = Mutator(SEEDS, 1), []
    async with Rigs(data_dir).running(NOBODY) as rig:
        await rig.session("s-1")
        for _ in range(INPUTS):
            heard += await said(rig, mutator.make())
        assert (await said(rig, b'{"op": "status"}'))[0]["machine_id"]
    return heard


def test_none_is_answered_with_a_mistake_of_the_agents(data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        heard = asyncio.run(all_said(data_dir))

    assert [answer for answer in heard if answer.get("reason") == "INTERNAL"] == []
    assert [record.getMessage() for record in caplog.records] == []
    assert {True, False} == {answer["ok"] for answer in heard}
