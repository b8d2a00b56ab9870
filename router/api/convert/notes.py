"""Notes that are known across sessions."""

from agentlink.v1 import memory_pb2 as pb

from router.api.convert.times import timestamp
from router.domain.errors import Reason, Refusal
from router.domain.note import Note, NoteScope, NoteSource, NoteState

SCOPES = {scope: pb.NoteScope.Value(f"NOTE_SCOPE_{scope.name}") for scope in NoteScope}
STATES = {state: pb.NoteState.Value(f"NOTE_STATE_{state.name}") for state in NoteState}
SOURCES = {source: pb.NoteSource.Value(f"NOTE_SOURCE_{source.name}") for source in NoteSource}
_ASKED = {number: scope for scope, number in SCOPES.items()}


def note_scope(number: "pb.NoteScope.ValueType") -> NoteScope | None:
    """What was asked for; None where nothing was. Raises Refusal."""
    if number and number not in _ASKED:
        raise Refusal(Reason.INVALID_ARGUMENT, "scope must be SESSION, REPOSITORY, CHAT or PERSON")
    return _ASKED.get(number)


def note_message(note: Note, *, with_text: bool = True) -> pb.Note:
    """A note; without its text where the message is kept for longer than it."""
    return pb.Note(
        number=note.number, text=note.text if with_text else "", scope=SCOPES[note.place.scope],
        place=note.place.name, state=STATES[note.state], source=SOURCES[note.source], author=note.author,
        session_id=note.session_id, created_at=timestamp(note.created_at), kept_by=note.kept_by,
    )  # fmt: skip
