"""One session of a coding agent that speaks ACP, with its backend; `async with` is the agent's life."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.backends.acp.backend import AcpBackend
from agent.backends.acp.table import KNOWN, Kind
from agent.backends.claude.transcript_file import Cursor, TranscriptFile
from agent.backends.open_questions import NOTHING, Beside
from agent.domain.acp_question import Form, Json, Permission, form_answer, permission_answer
from agent.domain.command import Action, Input, KeyPress, Outcome
from agent.domain.permission import Decision
from agent.domain.session import Conversation, Session, SessionState
from agent.domain.session_event import What
from tests.integration.agent.backends.notes import Notes
from tests.rigs.agent_rig import eventually

STAND_IN = Path(__file__).resolve().parents[3] / "fakes" / "acp_agent.py"
IDLE, WAITING = SessionState.IDLE, SessionState.WAITING
LONG = 30.0  # seconds; other programs share the cores


class Person:
    """Decides as told; until then, waits."""

    def __init__(self, *decisions: Decision | None) -> None:
        self.questions: list[Permission | Form] = []
        self.decisions = list(decisions)
        self.withdrawn = 0
        self._chosen: asyncio.Queue[str] = asyncio.Queue()

    def choose(self, kind: str) -> None:
        """Answer the question that is open, or comes next, with an option of that kind."""
        self._chosen.put_nowait(kind)

    async def ask(self, session_id: str, asker: str, about: Permission | Form) -> tuple[Json, Beside]:
        assert session_id
        assert asker
        self.questions.append(about)
        if not self.decisions:
            try:
                kind = await self._chosen.get()
            except asyncio.CancelledError:
                self.withdrawn += 1
                raise
            assert isinstance(about, Permission)
            named = next(way.name for way in about.ways if way.kind == kind)
            return {"outcome": {"outcome": "selected", "optionId": named}}, NOTHING
        if isinstance(about, Form):
            decided = [one for one in self.decisions if one]
            return form_answer(about, decided), NOTHING
        decision = self.decisions.pop(0)
        return permission_answer(about, decision), Beside(decision.text if decision else "")


class StandIn:
    """The rude one: how it behaves, and what it got."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "stand-in"
        self.folder.mkdir(exist_ok=True)

    def behaves(self, **manners: Any) -> None:
        """From its next start on."""
        (self.folder / "manners").write_text(json.dumps(manners))

    def kind(self, **more: Any) -> Kind:
        argv = (sys.executable, "-I", "-S", str(STAND_IN), str(self.folder))
        return Kind("stand-in", "Stand-in", argv, **{"mode": "ask", "brings": (), **more})

    @property
    def prompts(self) -> list[str]:
        file = self.folder / "prompts"
        whole = file.read_text().rpartition("\n")[0] if file.exists() else ""  # a long one may be half there
        return [json.loads(line) for line in whole.splitlines()]

    @property
    def settings(self) -> list[str]:
        """What it was set to, in order: `mode plan`, `model m1`."""
        file = self.folder / "set"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def points(self) -> list[str]:
        file = self.folder / "points"
        return file.read_text().split() if file.exists() else []

    @property
    def collided(self) -> bool:
        """A prompt came while it was at another."""
        return (self.folder / "collided").exists()


class Scene:
    def __init__(
        self,
        folder: Path,
        kind: Kind,
        asker: Person | None = None,
        environ: Mapping[str, str] | None = None,
        talk: Conversation | None = None,
        patience: float = LONG,
        now: Callable[[], float] | None = None,
        trusted: Sequence[Path] = (),
    ) -> None:
        self.notes = Notes()
        self.notes.talk = talk
        self.folder = folder
        seen = {"HOME": str(folder / "home"), "PATH": os.environ["PATH"], **(environ or {})}
        more: dict[str, Any] = {"now": now} if now else {}
        self.backend = AcpBackend(
            seen, patience, trusted=trusted, records=folder / "records", kinds={**KNOWN, kind.name: kind}, **more
        )
        self.backend.connect(self.notes, asker)
        self.cwd = folder / "project"
        self.cwd.mkdir(exist_ok=True)
        self._session = Session("s1", "acp", target={"agent": kind.name})

    async def __aenter__(self) -> "Scene":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.backend.close()

    @property
    def session(self) -> Session:
        return replace(self._session, cwd=str(self.cwd), conversation=self.notes.talk)

    def resumes(self, conversation_id: str) -> None:
        self.chooses(resume=conversation_id)

    def chooses(self, **target: str) -> None:
        """As is kept of a session: its mode, its model, the conversation that it goes on with."""
        self._session = replace(self._session, target={**self._session.target, **target})

    async def say(self, text: str) -> Outcome:
        return await self.deliver(Input(text))

    async def esc(self) -> Outcome:
        return await self.deliver(KeyPress("esc"))

    async def deliver(self, action: Action) -> Outcome:
        return await self.backend.deliver(self.session, action)

    async def turn(self, text: str) -> str:
        """The words at the end of a turn that this text begins."""
        before = len(self.notes.texts)
        assert await self.say(text) == Outcome.done()
        await self.rests()
        assert len(self.notes.texts) > before
        return self.notes.texts[-1]

    async def rests(self) -> None:
        await eventually(lambda: self.notes.states[-1:] == [IDLE], LONG)

    async def waits(self) -> None:
        await eventually(lambda: self.notes.states[-1:] == [WAITING], LONG)

    async def obstacle(self) -> str:
        return await self.backend.obstacle(self.session, Input("text"))

    async def is_free(self) -> bool:
        return not await self.obstacle()

    async def killed(self) -> None:
        """Its program is ended as nobody can expect, and buried."""
        for pid in self.backend.pids:
            os.killpg(pid, signal.SIGKILL)
        await eventually(lambda: not self.backend.pids, LONG)

    def events(self) -> list[What]:
        """What is recorded of the session."""
        file, cursor = TranscriptFile(lambda text: text), Cursor()
        whats: list[What] = []
        assert self.notes.talk is not None
        while True:
            read = file.read(cursor, self.notes.talk.transcript)
            whats += [event.what for event in read.events]
            if not read.more:
                file.close()
                return whats
            cursor = read.cursor
