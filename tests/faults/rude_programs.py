"""A coding agent that speaks ACP and is rude: it dies, hangs or talks nonsense at every point, round after round."""

import asyncio
import random
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.backends.acp import conversation
from agent.backends.acp.process import AcpProcess
from agent.domain.command import Ending, Outcome
from agent.domain.permission import Decision
from tests.faults.table import Row
from tests.integration.agent.backends.acp_scene import Person, Scene, StandIn

POINTS = (
    "started", "initialize", "session/new", "session/resume", "session/set_mode", "session/prompt", "asked", "told",
    "said", "ended", "session/cancel",
)  # fmt: skip
NONSENSE = ("%%%", '{"jsonrpc":"2.0","id":', "[]", '{"jsonrpc":"2.0","id":[],"method":"x"}', "\\u0000", "[" * 50_000)
TEXTS = ("%ask it", "%wait", "%form", "%big 200000", "%fail", "plain")
PATIENCE = 2.0  # seconds for what hangs
ENDS_WITHIN = 60.0  # seconds for one text, whatever happens


@dataclass
class Account:
    """What was said to be true, against what the program got."""

    texts: int = 0
    uncertain: int = 0
    broken: list[str] = field(default_factory=list)

    def judge(self, outcome: Outcome, given: int, what: str) -> None:
        self.texts += 1
        self.uncertain += outcome.ending is Ending.UNCERTAIN
        sound = {Ending.DONE: given == 1, Ending.FAILED: given == 0, Ending.UNCERTAIN: given <= 1}
        if not sound.get(outcome.ending, False):
            self.broken.append(f"{what}: {outcome.ending.value}, and it was given {given} times")


def manners(rng: random.Random) -> dict[str, Any]:
    """One way to be rude."""
    point = rng.choice(POINTS)
    how: list[dict[str, Any]] = [
        {"dies": point},
        {"hangs": point, "deaf": rng.random() < 0.5},
        {"odd": point, "line": rng.choice(NONSENSE)},
        {"odd": point, "huge": 20_000_000},
        {"slow": 0.1},
        {"ids": True},
    ]
    return rng.choice(how) | {"busy": "stops"}


def rude(rng: random.Random, rounds: int) -> Row:
    """So many lives of a program in one session, each rude in its way; texts come all the while."""
    account = Account()
    before = AcpProcess.stopping, conversation.CANCEL_PATIENCE
    AcpProcess.stopping, conversation.CANCEL_PATIENCE = 0.2, 1.0
    try:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(_lives(rng, rounds, Path(folder), account))
    finally:
        AcpProcess.stopping, conversation.CANCEL_PATIENCE = before
    remarks = [f"{account.texts} texts, {account.uncertain} of them uncertain"]
    return Row("rude program", rounds, remarks=remarks, failures=account.broken)


async def _lives(rng: random.Random, rounds: int, folder: Path, account: Account) -> None:
    stand_in = StandIn(folder)
    decisions = [Decision("option-2"), Decision("deny", "words"), None] * rounds
    async with Scene(folder, stand_in.kind(), Person(*decisions), patience=PATIENCE) as scene:
        for number in range(rounds):
            stand_in.behaves(**(how := manners(rng)))
            text = f"{rng.choice(TEXTS)}"
            if not await scene.is_free():  # texts are held; a person stops what hangs
                await scene.esc()
            before = stand_in.prompts.count(text)
            async with asyncio.timeout(ENDS_WITHIN):
                outcome = await scene.say(text)
            account.judge(outcome, stand_in.prompts.count(text) - before, f"round {number}, {how}, {text}")
            if rng.random() < 0.7:
                await scene.esc()
            if rng.random() < 0.5:
                await scene.killed()
        if stand_in.collided:
            account.broken.append("a text was given in a turn")
        if stray := [text for text in stand_in.prompts if text not in (*TEXTS, "words")]:
            account.broken.append(f"given though nobody wrote it: {stray[0][:60]}")
