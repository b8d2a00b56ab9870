"""Programs that we run, which end before they are told anything."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from agent.backends.acp.process import AcpProcess
from agent.backends.child import Child, Ended
from agent.backends.claude.process import ClaudeProcess

Runner = Callable[[Coroutine[Any, Any, str]], str]


async def hear(_said: object) -> None: ...


async def asked_over_acp(child: AcpProcess) -> None:
    await child.call("initialize", {}, 30)


async def asked_as_claude(child: ClaudeProcess) -> None:
    await child.say("text")


@pytest.mark.parametrize("runner", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize(
    ("kind", "asked"), [(AcpProcess, asked_over_acp), (ClaudeProcess, asked_as_claude)], ids=["acp", "claude"]
)
def test_one_that_has_ended_says_how_to_whoever_writes_to_it(
    runner: Runner, kind: type[Child[Any]], asked: Callable[[Any], Coroutine[Any, Any, None]]
) -> None:
    async def scene() -> str:
        child = await kind.start(("/bin/sh", "-c", "echo ill >&2; kill -SEGV $$"), "/", {}, "s1", hear)
        await asyncio.wait([child.ended])
        with pytest.raises(Ended) as ended:
            await asked(child)
        return str(ended.value)

    assert runner(scene()) == "ended by SIGSEGV: ill"
