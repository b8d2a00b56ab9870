"""Notes across sessions: kept, found, let be known, forgotten. Each call is one step inside one transaction."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from router.clock import Clock
from router.domain import router_buttons
from router.domain.audit import AuditEvent
from router.domain.errors import Reason, Refusal
from router.domain.note import (
    MOST_OF_ALL,
    MOST_OF_MACHINE,
    MOST_OF_PLACE,
    MOST_WAITING,
    SHARED,
    NewNote,
    Note,
    NoteScope,
    NoteSource,
    NoteState,
    Place,
    Reader,
    Speaker,
    checked_text,
    person_place,
    placed,
    ranked,
)
from router.domain.person import Deed
from router.domain.session import Session
from router.domain.wording import labels
from router.domain.wording import notes as wording
from router.services.memory import speakers
from router.services.memory.embeddings import Embeddings
from router.services.outbox.status_messages import StatusMessages
from router.services.people import rights
from router.services.people.audience import hearers
from router.store import audit, note_search, notes, notifications
from router.store.database import Transaction
from router.store.statements import Connection


@dataclass(frozen=True, slots=True)
class Memory:
    """All of them, and what each may know."""

    _status_messages: StatusMessages
    _clock: Clock
    embeddings: Embeddings

    @classmethod
    def of(cls, status_messages: StatusMessages, clock: Clock, model: str) -> "Memory":
        """With what this model says that notes mean; without any, where it is empty."""
        return cls(status_messages, clock, Embeddings(model, clock))

    def remember(
        self, tx: Transaction, speaker: Speaker, text: str, scope: NoteScope | None, about: Session | None
    ) -> Note:
        """Keep one; the one that says so already, where there is one. Raises Refusal, having written nothing."""
        said, place = checked_text(text), placed(scope, speaker, about)
        if about is not None and place.scope in SHARED:
            _check_right(tx, speaker, about.session_id)
        if known := self._known(tx, speaker, about, place, said):
            if known.state is NoteState.WAITING and speaker.source is not NoteSource.SESSION:
                return self._kept(tx, speaker, known)
            return known
        waits = speaker.source is NoteSource.SESSION and place.scope is not NoteScope.SESSION
        self._check_quota(tx, place, speaker.session, waits=waits)
        new = NewNote(said, place, speaker.source, speaker.name, about if place.scope in SHARED else None)
        state = NoteState.WAITING if waits else NoteState.KEPT
        note = notes.insert_new(tx, new, state, self._clock.now())
        self.embeddings.kept(tx)
        return self._ask(tx, note, about) if waits and about else note

    def recall(
        self, on: Connection, speaker: Speaker, query: str, about: Session | None, limit: int,
        meant: "array[float] | None" = None,
    ) -> list[Note]:  # fmt: skip
        """Those that they may go by with any of the words, or that mean the like, the best first. Raises Refusal."""
        reader = speakers.reader(on, speaker, about)
        said = list(islice(filter(reader.recalls, self._found(on, reader, query)), limit))
        if meant is None:
            return said
        # Looked for in what they may go by alone: so what is near tells nothing of what they may not.
        near = self.embeddings.near(on, meant, filter(reader.recalls, notes.pages(on, *_where(reader), 0)))
        found = {note.number: note for note in (*said, *near)}
        best = ranked([[note.number for note in each] for each in (said, near)])
        return [found[number] for number in best[:limit]]

    def list(
        self, on: Connection, speaker: Speaker, about: Session | None, limit: int, *,
        query: str = "", waiting: bool = False, before: int = 0,
    ) -> list[Note]:  # fmt: skip
        """Those that they may see: with any of these words the best first, else the newest. Raises Refusal."""
        reader = speakers.reader(on, speaker, about)
        found = self._found(on, reader, query) if query else notes.pages(on, *_where(reader), before)
        seen = (each for each in found if reader.sees(each) and (each.state is NoteState.WAITING or not waiting))
        return list(islice(seen, limit))

    def seen(self, on: Connection, speaker: Speaker, number: int) -> Note:
        """One of those that they may see. Raises Refusal."""
        note = notes.find(on, number)
        if note is None or not speakers.reader(on, speaker, None).sees(note):
            raise notes.unknown(number)
        return note

    def keep(self, tx: Transaction, speaker: Speaker, number: int) -> Note:
        """A person lets one be known that a session's program wanted. Raises Refusal."""
        note = self.seen(tx, speaker, number)
        _check_right(tx, speaker, note.session_id)
        return self._kept(tx, speaker, note)

    def forget(self, tx: Transaction, speaker: Speaker, number: int) -> None:
        """Remove one and its text for good. Raises Refusal."""
        note = self.seen(tx, speaker, number)
        if not speakers.may_remove(speaker, note):
            raise Refusal(Reason.PERMISSION_DENIED, wording.NOT_OF_THIS_SESSION)
        if note.place.scope is not NoteScope.PERSON:
            _check_right(tx, speaker, note.session_id)
        notes.forget(tx, note, speaker.name, self._clock.now())
        self._settle(tx, note, speaker, labels.LABELS["forget-note"], wording.FORGOTTEN.format(number=number))
        if speaker.session is None:  # what a session takes back of its own is in the trace
            self._audit(tx, AuditEvent.NOTE_FORGOTTEN, note)

    def take(self, tx: Transaction, speaker: Speaker, number: int) -> Note:
        """Let one be known to nobody but whoever says so. Raises Refusal."""
        note = self.seen(tx, speaker, number)
        if (note.author, note.source) != (speaker.name, speaker.source) or not speaker.whose:
            raise notes.unknown(number)
        place = person_place(speaker.whose)
        self._check_quota(tx, place, None, waits=False)
        return notes.move(tx, note, place, speaker.name, self._clock.now())

    def _known(self, tx: Transaction, speaker: Speaker, about: Session | None, place: Place, text: str) -> Note | None:
        reader = speakers.reader(tx, speaker, about if place.scope in SHARED else None)
        return next(filter(reader.sees, notes.same(tx, place, text)), None)

    def _found(self, on: Connection, reader: Reader, query: str) -> Iterator[Note]:
        for number in note_search.find(on, query, *_where(reader)):
            if (note := notes.find(on, number)) is not None:
                yield note

    def _kept(self, tx: Transaction, speaker: Speaker, note: Note) -> Note:
        kept = notes.keep(tx, note, speaker.name, self._clock.now())
        self.embeddings.kept(tx)
        self._settle(tx, note, speaker, labels.LABELS["keep-note"], "")
        self._audit(tx, AuditEvent.NOTE_KEPT, kept)
        return kept

    def _ask(self, tx: Transaction, note: Note, session: Session) -> Note:
        text, buttons = wording.asks(note, session.name), router_buttons.waiting_note_buttons(note.number)
        asked = self._status_messages.ask_all(tx, hearers(tx, session), text, session.session_id, buttons)
        return notes.asked(tx, note, asked) if asked else note

    def _settle(self, tx: Transaction, note: Note, speaker: Speaker, label: str, text: str) -> None:
        """Let each message that asked say what was chosen; that it was forgotten, without its text."""
        shown = notifications.find(tx, note.question) if note.question else None
        for copy in notifications.copies(tx, shown) if shown else []:
            if not copy.pressed:
                self._status_messages.chosen(tx, copy, label, speaker.name, text)

    def _audit(self, tx: Transaction, event: AuditEvent, note: Note) -> None:
        detail = f"{note.source.value}: {note.author}; {note.place.key}"
        audit.record(tx, self._clock.now(), event, tx.caller, subject=f"note-{note.number}", detail=detail)

    def _check_quota(self, tx: Transaction, place: Place, said_by: Session | None, *, waits: bool) -> None:
        full = [
            (wording.PLACE_FULL, notes.count_at(tx, place), MOST_OF_PLACE),
            (wording.ALL_FULL, notes.count(tx), MOST_OF_ALL),
        ]
        if said_by is not None:
            full.append((wording.MACHINE_FULL, notes.count_said(tx, said_by.machine_id), MOST_OF_MACHINE))
        if said_by is not None and waits:
            full.append((wording.TOO_MANY_WAIT, notes.count_waiting(tx, said_by.session_id), MOST_WAITING))
        for words, count, most in full:
            if count >= most:
                raise Refusal(Reason.QUOTA_NOTES, words.format(count=count))


def _where(reader: Reader) -> tuple[list[str], list[NoteScope]]:
    """Where to look for what they may know; which of that it is they say themselves."""
    scopes = list(NoteScope) if reader.sees_all else list(SHARED) if reader.reach is not None else []
    return [place.key for place in reader.places], scopes


def _check_right(tx: Transaction, speaker: Speaker, session_id: str) -> None:
    """Raise Refusal where a person may not say what others go by."""
    if why := rights.refusal(tx, speaker.person, Deed.TYPE, session_id):
        raise Refusal(Reason.PERMISSION_DENIED, why)
