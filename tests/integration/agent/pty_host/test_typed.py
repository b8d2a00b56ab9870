"""That somebody types at a terminal of `pointsman run` is told to the agent: at once, seldom, and of people alone."""

import asyncio
import json
from pathlib import Path
from typing import Any

from agent.domain.command import Input, Outcome
from agent.pty_host.connection import TELL_EVERY, AgentLink
from tests.integration.agent.backends.local_agent import LocalAgent
from tests.integration.agent.backends.stages import recorder
from tests.integration.agent.backends.terminal import Terminal, host
from tests.integration.agent.test_local_server import Terminal as Attached
from tests.rigs.agent_rig import Rigs, eventually
from tests.waiting import wait_until


def test_keys_are_told_and_neither_answers_of_the_terminal_nor_texts_from_afar(data_dir: Path) -> None:
    agent = LocalAgent(data_dir / "sock")
    terminal = Terminal(host(*recorder(data_dir / "record"), socket=str(data_dir / "sock")))
    try:
        agent.attached()
        terminal.shows(b"READY")

        terminal.type(b"\x1b[?62;22c\x1b[I")
        wait_until(lambda: b"\x1b[I" in (data_dir / "record").read_bytes())
        agent.deliver(Input("from afar"))
        before = agent.said.count("typed")
        terminal.type(b"k")
        wait_until(lambda: "typed" in agent.said)

        assert before == 0
    finally:
        terminal.close()
        agent.close()


async def test_it_is_told_once_in_ten_seconds_and_only_to_an_agent_that_is_there(data_dir: Path) -> None:
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    now = 0.0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b'{"ok": true}\n')
        while line := await reader.readline():
            told.put_nowait(json.loads(line))
        writer.close()

    async def deliver(_: object) -> Outcome:
        return Outcome.done()

    link = AgentLink(data_dir / "sock", {}, deliver, now=lambda: now)
    await link.typed()  # nobody is there, and it is not held against the next one
    async with await asyncio.start_unix_server(serve, data_dir / "sock"):
        link.start()

        async def first() -> bool:
            await link.typed()
            return not told.empty()

        await eventually(first)
        now = TELL_EVERY - 1
        await link.typed()
        now = TELL_EVERY
        await link.typed()
        await link.finish(0)
        said = [(await asyncio.wait_for(told.get(), 20))["type"] for _ in range(3)]

    assert said == ["typed", "typed", "exit"]


async def test_the_next_heartbeat_tells_what_a_host_told(rigs: Rigs) -> None:
    async with rigs.running("127.0.0.1:1") as rig:
        terminal, _ = await Attached.attached(rig, session_id="s1")
        await terminal.say(type="typed")
        await eventually(lambda: rig.agent.link_handler.at_desk)
        told = [rig.agent.link_handler.typed() for _ in range(2)]
        await terminal.leave()

    assert told == [("s1",), ()]
