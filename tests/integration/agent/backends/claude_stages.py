"""The real Claude Code in each kind of terminal: typed into from afar, and by the person who sits there."""

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from agent.backends.terminals.nvim import NvimBackend
from agent.backends.terminals.terminal import TerminalBackend
from agent.backends.terminals.tmux import TmuxBackend
from agent.domain.command import Action, Outcome
from agent.domain.session import Session
from tests.fakes.claude_program import ClaudeHome
from tests.integration.agent.backends.local_agent import LocalAgent
from tests.integration.agent.backends.stages import NvimFixture, TmuxServerFixture
from tests.integration.agent.backends.terminal import Terminal, host

ENTER, ESC = b"\r", b"\x1b"


class ClaudeStage(Protocol):
    """One session with Claude Code in it."""

    def begin(self, action: Action) -> "Future[Outcome]":
        """Something typed from afar, which goes on while the test does something else."""

    def obstacle(self, action: Action) -> str: ...

    def clear_line(self) -> None: ...

    def person(self, keys: bytes) -> None:
        """Keys pressed at the terminal."""

    def close(self) -> None: ...


class _Elsewhere:
    """A terminal that somebody else made, typed into through its backend."""

    def __init__(self, backend: TerminalBackend, session: Session) -> None:
        self._backend = backend
        self.session = session
        self._afar = ThreadPoolExecutor(1)

    def begin(self, action: Action) -> "Future[Outcome]":
        return self._afar.submit(asyncio.run, self._backend.deliver(self.session, action))

    def obstacle(self, action: Action) -> str:
        return asyncio.run(self._backend.obstacle(self.session, action))

    def clear_line(self) -> None:
        asyncio.run(self._backend.clear_line(self.session))

    def close(self) -> None:
        self._afar.shutdown()


class TmuxClaude(_Elsewhere):
    def __init__(self, folder: Path, home: ClaudeHome) -> None:
        self._server = TmuxServerFixture(folder, home.command)
        super().__init__(TmuxBackend(), self._server.session())

    def person(self, keys: bytes) -> None:
        self._server.run("send-keys", "-t", self._server.pane, "-H", *(f"{byte:02x}" for byte in keys))

    def close(self) -> None:
        super().close()
        self._server.close()


class NvimClaude(_Elsewhere):
    def __init__(self, folder: Path, home: ClaudeHome) -> None:
        self._editor = NvimFixture(folder, home.command)
        super().__init__(NvimBackend(), self._editor.session())

    def person(self, keys: bytes) -> None:
        self._editor.send(keys.decode())

    def close(self) -> None:
        super().close()
        self._editor.close()


class PtyClaude:
    def __init__(self, folder: Path, home: ClaudeHome) -> None:
        self._agent = LocalAgent(folder / "sock")
        self._terminal = Terminal(host(*home.command, socket=str(folder / "sock")))
        self._pid = self._agent.attached()["pid"]

    def begin(self, action: Action) -> "Future[Outcome]":
        return self._agent.begin(action)

    def obstacle(self, action: Action) -> str:
        return self._agent.obstacle(action, self._pid)

    def clear_line(self) -> None:
        """The host clears what it left, before it types again."""

    def person(self, keys: bytes) -> None:
        self._terminal.type(keys)

    def close(self) -> None:
        self._terminal.close()
        self._agent.close()
