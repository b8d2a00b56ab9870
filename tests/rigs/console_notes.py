"""Notes, for a console over a router in memory."""

from dataclasses import replace
from datetime import UTC, datetime

from pointsman.client.errors import RouterError
from pointsman.client.notes import Note, NoteScope, NoteSource, NoteState


def a_note(number: int, text: str, **given: object) -> Note:
    at = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    blank = Note(number, text, NoteScope.REPOSITORY, "devbox:/src/api", NoteState.KEPT, NoteSource.PERSON, "Ada", "s-1",
                 at, "")  # fmt: skip
    return replace(blank, **given)  # type: ignore[arg-type]


class FakeNotes:
    """A part of FakeControl."""

    known_notes: tuple[Note, ...] = ()
    notes_asked_by: str = ""

    def notes(self, *, query: str, waiting: bool, limit: int, before: int, login_id: str) -> list[Note]:
        self.notes_asked_by = login_id
        found = [note for note in reversed(self.known_notes) if not before or note.number < before]
        found = [note for note in found if any(word in note.text for word in query.split() or [""])]
        return [note for note in found if not waiting or note.state is NoteState.WAITING][:limit]

    def keep_note(self, number: int, *, request: str, login_id: str) -> None:
        self._change(number, request, login_id, NoteState.KEPT)

    def forget(self, number: int, *, request: str, login_id: str) -> None:
        self._change(number, request, login_id, None)

    def _change(self, number: int, request: str, login_id: str, state: NoteState | None) -> None:
        assert request.startswith("web:")
        self.notes_asked_by = login_id
        if all(note.number != number for note in self.known_notes):
            raise RouterError("NOT_FOUND", f"There is no note {number}.", "NOT_FOUND")
        kept = [replace(n, state=state) if n.number == number and state else n for n in self.known_notes]
        self.known_notes = tuple(note for note in kept if state or note.number != number)
