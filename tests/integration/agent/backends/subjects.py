"""Those whose promises are judged: one session behind each backend, with whatever it types into, and what that got."""

import asyncio
import itertools
import os
import shlex
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from agent.backends.acp.backend import AcpBackend
from agent.backends.acp.table import table
from agent.backends.claude.headless import HeadlessBackend
from agent.backends.open_questions import NOTHING, Beside
from agent.backends.programs import ProgramBackend
from agent.domain.acp_question import Form, Json, Permission
from agent.domain.claude_question import ToolUse, verdict
from agent.domain.command import Input, KeyPress, Outcome
from agent.domain.permission import Decision
from agent.domain.session import Session, SessionState
from tests.fakes.claude_program import ClaudeHome
from tests.fakes.model_api import ModelApi
from tests.fakes.model_dialects import Models
from tests.integration.agent.backends.acp_scene import StandIn
from tests.integration.agent.backends.notes import Notes
from tests.integration.agent.backends.stages import CommandStage, NvimStage, PtyStage, Stage, TmuxStage
from tests.rigs.agent_rig import eventually
from tests.rigs.tapped_agent import TappedAgent

LONG = 100.0  # seconds; the largest take 20 to start on busy cores, and one waits for the next minute


class Subject:
    """One session. Texts for it are all different, and a `lasting` one is not over before somebody ends it."""

    lasting = "%slow 60 " + "on and " * 100  # one says that it has it with its model's first word
    plain = "%slow 0"

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)

    def judge(self, promise: Callable[..., Awaitable[None]]) -> None:
        """Run it in the loop that the session lives in."""

        async def run() -> None:
            await promise(self)

        self._runner.run(run())

    def text(self, words: str = "") -> str:
        return f"{self.plain} {words} number {next(self._numbers)}".strip()

    def long(self) -> str:
        return f"{self.lasting} {next(self._numbers)}"

    async def says(self, text: str) -> Outcome:
        raise NotImplementedError

    async def rests(self) -> None:
        """It has done with what it has."""

    def given(self) -> list[str]:
        """What it got so far, in order; whole once it rests."""
        raise NotImplementedError

    def close(self) -> None:
        self._runner.close()


class Typed(Subject):
    """Behind a stage that records what is typed."""

    plain = ""

    def __init__(self, stage: Callable[[Path], Stage], folder: Path) -> None:
        super().__init__()
        self._stage = stage(folder)
        self._given: list[str] = []

    async def says(self, text: str) -> Outcome:
        return await asyncio.to_thread(self._stage.deliver, Input(text))

    async def rests(self) -> None:
        self._given += [text.decode() for text in await asyncio.to_thread(self._stage.submissions)]

    def given(self) -> list[str]:
        return self._given

    def close(self) -> None:
        self._stage.close()
        super().close()


class Person:
    """Is asked, and answers when told to; `shown` is what they could read."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.yes: asyncio.Queue[bool] = asyncio.Queue()


class OfAcp(Person):
    """What they decide in ACP's words."""

    async def ask(self, session_id: str, asker: str, about: Permission | Form) -> tuple[Json, Beside]:  # noqa: ARG002
        assert isinstance(about, Permission)
        self.shown.append(about.shown)
        kind = "allow_once" if await self.yes.get() else "reject_once"
        named = next(way.name for way in about.ways if way.kind == kind)
        return {"outcome": {"outcome": "selected", "optionId": named}}, NOTHING


class OfClaude(Person):
    """What they decide in Claude Code's words."""

    async def ask(self, session_id: str, asker: str, use: ToolUse) -> tuple[Mapping[str, object], Beside]:  # noqa: ARG002
        self.shown.append(str(use.given))
        return verdict(use, [Decision("allow" if await self.yes.get() else "deny")]), NOTHING


class Hosted(Subject):
    """A program that the agent runs itself."""

    is_tapped = True  # else what it got is what its model was asked

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self.stack = ExitStack()
        self.notes = Notes()
        self.person: Person = Person()
        self.project = folder / "project"
        self._states_before = 0
        self._runner.run(self._begin())

    async def _begin(self) -> None:
        self._session, self._backend = await self._made(self.notes)

    async def _made(self, notes: Notes) -> tuple[Session, Any]:
        """A session in the project, and an agent's backend for it."""
        raise NotImplementedError

    async def says(self, text: str) -> Outcome:
        await eventually(lambda: self._is_free(text), LONG)
        self._states_before = len(self.notes.states)
        return await self._backend.deliver(self.session, Input(text))

    async def _is_free(self, text: str) -> bool:
        return not await self._backend.obstacle(self.session, Input(text))

    @property
    def session(self) -> Session:
        return replace(self._session, conversation=self.notes.talk)

    async def rests(self) -> None:
        await eventually(lambda: self._has_rested(self.notes.states[self._states_before :]), LONG)

    @staticmethod
    def _has_rested(states: list[SessionState]) -> bool:
        """It began, and has ended: one of them says so only behind its receipt."""
        return any(state is not SessionState.IDLE for state in states) and states[-1] is SessionState.IDLE

    async def stops(self) -> Outcome:
        return await self._backend.deliver(self.session, KeyPress("esc"))

    def wish(self) -> tuple[str, Path]:
        """A text that makes it want to make a file, and that file."""
        file = self.project / f"made-{next(self._numbers)}"
        return f"%bash touch {file.name}", file

    def asked(self) -> list[str]:
        """What a person could read of each question."""
        return self.person.shown

    def answers(self, *, is_allowed: bool) -> None:
        self.person.yes.put_nowait(is_allowed)

    def told(self) -> list[str]:
        return self.notes.texts

    def states(self) -> list[SessionState]:
        return self.notes.states

    def conversation(self) -> str:
        return self.notes.talk.conversation_id if self.notes.talk else ""

    def running(self) -> tuple[int, ...]:
        return self._backend.pids

    async def kill(self) -> None:
        """End what runs, as nobody can expect; without harm where nothing does."""
        for pid in self._backend.pids:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        await eventually(lambda: not self._backend.pids, LONG)

    async def ends(self) -> None:
        await self._backend.release(self.session)
        await eventually(lambda: not self._backend.pids, LONG)

    async def says_elsewhere(self, text: str) -> Outcome:
        """To another agent of the machine, which takes the conversation up at the same time."""
        session, backend = await self._made(Notes())
        try:
            target = {**session.target, "resume": self.conversation()}
            return await backend.deliver(replace(session, session_id="s2", target=target), Input(text))
        finally:
            await backend.close()

    def close(self) -> None:
        self._runner.run(self._backend.close())
        self.stack.close()
        super().close()


class Claude(Hosted):
    """The real one."""

    is_tapped = False

    async def _made(self, notes: Notes) -> tuple[Session, ProgramBackend[Any, Any, Any]]:
        if not isinstance(self.person, OfClaude):
            self.person = OfClaude()
            self._api = self.stack.enter_context(ModelApi())
            self._home = ClaudeHome(self._folder, self._api)
        backend = HeadlessBackend(self._home.environ)
        backend.connect(notes, self.person)
        target = {"program": str(self._home.program)}
        return Session("s1", "headless", cwd=str(self.project), target=target), backend

    def given(self) -> list[str]:
        return self._api.prompts


class Acp(Hosted):
    """A real coding agent, known by its name; a tap before it knows what it got."""

    name = ""
    agents = ""  # as a person writes them

    async def _made(self, notes: Notes) -> tuple[Session, ProgramBackend[Any, Any, Any]]:
        if not isinstance(self.person, OfAcp):
            self.person = OfAcp()
            self.project.mkdir()
            self.set_up()
        backend = AcpBackend(
            self.environ, LONG, trusted=(self.project,), records=self._folder / "records", kinds=table(self.agents)
        )
        backend.connect(notes, self.person)
        return Session("s1", "acp", cwd=str(self.project), target={"agent": self.name}), backend

    def set_up(self) -> None:
        models = self.stack.enter_context(Models())
        self._tapped = TappedAgent(self.program, self._folder, models.url)
        self.environ = self._tapped.environ

    @property
    def program(self) -> str:
        return self.name

    def given(self) -> list[str]:
        return [one.text for one in self._tapped.prompted]


class Codex(Acp):
    name = "codex"


class Codex2(Codex):
    """Spoken to in version 2 of the protocol."""

    agents = "codex@2 = codex-acp"


class OpenCode(Acp):
    """In the environment of somebody who does not want to be asked."""

    name = "opencode"

    def set_up(self) -> None:
        super().set_up()
        self.environ = {**self.environ, "OPENCODE_PERMISSION": '{"bash": "allow"}'}


class Gemini(Acp):
    name = "gemini"


class Added(Acp):
    """Nobody here knows more of it than its command and the mode in which it asks."""

    name = "added"
    agents = "added:default = qwen --acp"

    @property
    def program(self) -> str:
        return "qwen"


class Copilot(Acp):
    """In such an environment, too."""

    name = "copilot"

    def set_up(self) -> None:
        super().set_up()
        self.environ = {**self.environ, "COPILOT_ALLOW_ALL": "true"}


class RudeOne(Acp):
    """The stand-in, at its best behaviour."""

    name = "stand-in"
    lasting = "%wait"
    plain = ""

    def set_up(self) -> None:
        self._stand_in = StandIn(self._folder)
        self._stand_in.behaves(busy="stops")
        self.agents = f"stand-in = {shlex.join(self._stand_in.kind().argv)}"
        self.environ = {"HOME": str(self._folder / "home"), "PATH": os.environ["PATH"]}

    def long(self) -> str:
        return self.lasting

    def wish(self) -> tuple[str, Path]:
        text, file = super().wish()
        return text.replace("%bash", "%ask"), file

    def given(self) -> list[str]:
        return self._stand_in.prompts


SUBJECTS: Mapping[str, Callable[[Path], Subject]] = {
    "tmux": partial(Typed, TmuxStage), "pty": partial(Typed, PtyStage), "nvim": partial(Typed, NvimStage),
    "command": partial(Typed, CommandStage), "claude": Claude, "stand-in": RudeOne, "codex": Codex,
    "opencode": OpenCode, "gemini": Gemini, "added": Added, "copilot": Copilot, "codex2": Codex2,
}  # fmt: skip
