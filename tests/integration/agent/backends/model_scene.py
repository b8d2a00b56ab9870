"""One session with a model behind an endpoint that is a stand-in; a `with` block is the endpoint's life."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from agent.backends.claude.transcript_file import Cursor, TranscriptFile
from agent.backends.model.backend import ModelBackend
from agent.backends.model.dialect import Api
from agent.backends.model.endpoint import Endpoint
from agent.backends.model.history import Histories
from agent.domain.command import Input, KeyPress, Outcome
from agent.domain.session import Session, SessionState
from agent.domain.session_event import What
from tests.fakes.model_endpoint import KEY, ModelEndpoint
from tests.integration.agent.backends.notes import Notes
from tests.rigs.agent_rig import eventually

LONG = 30.0  # seconds; other programs share the cores
BASES = {Api.ANTHROPIC: "", Api.OPENAI: "/v1"}


class ModelScene:
    def __init__(self, folder: Path, notes: Notes | None = None, api: Api = Api.ANTHROPIC, **more: Any) -> None:
        """`more` is how patient the endpoint's client is, and its key."""
        self.notes = notes or Notes()
        self.folder = folder
        self.endpoint = ModelEndpoint()
        self._asked = Endpoint(self.endpoint.url + BASES[api], "m-1", api, **{"key": KEY, **more})
        self.histories = Histories(folder / "histories")
        self.told_first: Callable[[Session], str] = lambda _: "Be kind."
        self.backend = self.another()
        self._session = Session("s1", "model")

    def another(self, notes: Notes | None = None) -> ModelBackend:
        """The backend of an agent that was started again."""
        made = ModelBackend(self._asked, self.histories, self.folder / "records", lambda one: self.told_first(one))
        made.connect(notes or self.notes)
        return made

    def __enter__(self) -> Self:
        self.endpoint.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.endpoint.__exit__()
        assert self.endpoint.complaints == []

    @property
    def session(self) -> Session:
        return replace(self._session, conversation=self.notes.talk)

    async def say(self, text: str) -> Outcome:
        return await self.backend.deliver(self.session, Input(text))

    async def esc(self) -> Outcome:
        return await self.backend.deliver(self.session, KeyPress("esc"))

    async def rests(self) -> None:
        await eventually(lambda: self.notes.states[-1:] == [SessionState.IDLE] and not self.backend.under_way, LONG)

    async def turn(self, text: str) -> str:
        """What people are told at the end of a turn that this text begins."""
        assert await self.say(text) == Outcome.done()
        await self.rests()
        return self.notes.texts[-1]

    def shown(self) -> list[tuple[str, str]]:
        """What the model was shown the last time: whose words, and which."""
        return [(one["role"], one["content"]) for one in self.endpoint.bodies[-1]["messages"]]

    def events(self) -> list[What]:
        """What is recorded of the session."""
        assert self.notes.talk is not None
        file, cursor = TranscriptFile(lambda text: text), Cursor()
        whats: list[What] = []
        while (read := file.read(cursor, self.notes.talk.transcript)).more or read.events:
            whats += [event.what for event in read.events]
            cursor = read.cursor
        file.close()
        return whats

    def written(self) -> str:
        """All that is on the disk of it."""
        kept = (path for path in self.folder.rglob("*") if path.is_file())
        return "\n".join(path.read_text() for path in kept)

    def modes(self) -> set[int]:
        """Who may read what was said."""
        return {path.stat().st_mode & 0o777 for path in (self.folder / "histories").iterdir()}
