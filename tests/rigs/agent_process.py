"""A whole agent as a process of its own, typing into a file: `python -m tests.rigs.agent_process FILE [BLOCKED]`.

A session whose text is BLOCKED hangs after the line is in the file, as a terminal would that takes its time.
"""

import asyncio
import logging
import os
import sys
from pathlib import Path

import uvloop

from agent.app import run
from agent.backends.acp.table import table as agents
from agent.backends.backend import Backends
from agent.backends.registry import backends
from agent.config import Config
from agent.domain.command import Action, Input, Outcome
from agent.domain.session import Session
from tests.rigs.recording_backend import RecordingBackend


class HangingBackend(RecordingBackend):
    """Types, and then does not come back for one text."""

    def __init__(self, path: Path, hangs_on: str) -> None:
        super().__init__(path)
        self._hangs_on = hangs_on

    async def deliver(self, session: Session, action: Action) -> Outcome:
        outcome = await super().deliver(session, action)
        if isinstance(action, Input) and action.text == self._hangs_on:
            await asyncio.Event().wait()
        return outcome


async def main(path: Path, hangs_on: str) -> None:
    config = Config.from_environ(os.environ)
    folders, kinds = config.trusted_folders, agents(config.agents)
    table = backends(os.environ, trusted=folders, kinds=kinds, records=config.records).table
    hanging = {name: table[name]._replace(backend=HangingBackend(path, hangs_on)) for name in ("command", "headless")}
    others = {name: table[name] for name in ("hooks", "acp")}
    await run(config, Backends({**hanging, **others}), _ready)


def _ready(machine_id: str) -> None:
    print(f"ready agent {machine_id}", flush=True)


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    uvloop.run(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
