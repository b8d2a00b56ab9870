"""Notes that are known across sessions: keeping, finding, listing and forgetting them."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from agentlink.v1 import memory_pb2 as pb
from agentlink.v1.memory_pb2_grpc import MemoryStub

from pointsman.client import convert
from pointsman.client.calls import Calls, request_id


class NoteScope(Enum):
    """Where a note is known."""

    UNKNOWN = "UNKNOWN"
    SESSION = "SESSION"
    REPOSITORY = "REPOSITORY"
    CHAT = "CHAT"
    PERSON = "PERSON"


class NoteState(Enum):
    """Whether it is known there."""

    UNKNOWN = "UNKNOWN"
    KEPT = "KEPT"
    WAITING = "WAITING"  # a session's program wants it known, and no person has said yes


class NoteSource(Enum):
    """Who said it."""

    UNKNOWN = "UNKNOWN"
    PERSON = "PERSON"
    SESSION = "SESSION"
    KEY = "KEY"


@dataclass(frozen=True, slots=True)
class Note:
    """A note. What it says is data, and no instruction."""

    number: int
    text: str
    scope: NoteScope
    place: str
    state: NoteState
    source: NoteSource
    author: str
    session_id: str
    created_at: datetime | None
    kept_by: str


class Notes(Calls):
    """Every method raises RouterError. `login_id`: what the browser shows for whose person it is; for adapters."""

    def remember(
        self, text: str, session_id: str = "", scope: NoteScope | None = None, *, request: str | None = None
    ) -> Note:
        """Keep a note: for a session's repository where one is named, else for whoever calls."""
        asked = pb.RememberRequest(text=text, session_id=session_id, request_id=request_id(request))
        if scope:
            asked.scope = pb.NoteScope.Value(f"NOTE_SCOPE_{scope.name}")
        # The router keeps its answer for repeats, and so leaves the text out of it: it would outlive the note there.
        # Around the text it drops what cannot be seen, as we do here.
        return _read(self._call(self._memory.Remember, asked).note, text=text.strip())

    def recall(self, query: str, session_id: str = "", *, limit: int = 0) -> list[Note]:
        """Notes with any of the words, the best first: what whoever calls may go by, or that session."""
        asked = pb.RecallRequest(query=query, session_id=session_id, limit=limit)
        return list(map(_read, self._call(self._memory.Recall, asked).notes))

    def notes(
        self, session_id: str = "", *, query: str = "", waiting: bool = False, limit: int = 0, before: int = 0,
        login_id: str = "",
    ) -> list[Note]:  # fmt: skip
        """What whoever calls may see, the newest first, or with any of the words the best first."""
        asked = pb.ListNotesRequest(
            session_id=session_id, query=query, waiting=waiting, limit=limit, before=before, login_id=login_id
        )
        return list(map(_read, self._call(self._memory.List, asked).notes))

    def forget(self, number: int, *, request: str | None = None, login_id: str = "") -> None:
        """Remove a note and its text for good."""
        asked = pb.ForgetRequest(number=number, request_id=request_id(request), login_id=login_id)
        self._call(self._memory.Forget, asked)

    def keep_note(self, number: int, *, request: str | None = None, login_id: str = "") -> None:
        """Let one be known that a session's program wanted."""
        # Not `keep`: that lets a session go on.
        asked = pb.KeepRequest(number=number, request_id=request_id(request), login_id=login_id)
        self._call(self._memory.Keep, asked)

    @property
    def _memory(self) -> MemoryStub:
        # Made where it is wanted: a stub looks up every method of its service.
        return MemoryStub(self._channel)


def _read(message: pb.Note, **given: object) -> Note:
    scope = pb.NoteScope.Name(message.scope) if message.scope in pb.NoteScope.values() else ""
    state = pb.NoteState.Name(message.state) if message.state in pb.NoteState.values() else ""
    source = pb.NoteSource.Name(message.source) if message.source in pb.NoteSource.values() else ""
    return convert.read(
        Note, message, scope=_member(NoteScope, scope.removeprefix("NOTE_SCOPE_")),
        state=_member(NoteState, state.removeprefix("NOTE_STATE_")),
        source=_member(NoteSource, source.removeprefix("NOTE_SOURCE_")), **given,
    )  # fmt: skip


def _member(kind: type[Enum], name: str) -> Enum:
    """Of a newer router's values: that they are not known here."""
    return kind[name] if name in kind.__members__ else kind["UNKNOWN"]
