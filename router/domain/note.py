"""Notes that are known across sessions: where each is known, to whom, and how its words are found.

A note that a session's program wanted is WAITING until a person says yes: what it read may have come from anybody, and
a note is read by sessions that never saw where it came from.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from enum import Enum

from msgspec import Struct

from router.domain.command import ChatRef
from router.domain.errors import Reason, Refusal
from router.domain.masks import secret_in
from router.domain.person import Person
from router.domain.scope import Scope
from router.domain.session import Session

MAX_TEXT_BYTES = 2048
MOST_OF_PLACE, MOST_OF_ALL = 1000, 20_000
MOST_OF_MACHINE = 2000  # that programs in its sessions said: they are not to fill what is for all
MOST_WAITING = 20  # of one session: each is a question to people
MOST_CHARACTERS, MOST_WORDS = 256, 16  # of what is searched
LONG_ENOUGH = 3  # characters that are found inside of words
HOLDER = "holder of the key"  # the person of all admins' keys, and of browsers that were let in with the key
_SMOOTH = 60  # ranks from different lists are added up by their reciprocals; so the first few do not decide alone


class NoteScope(Enum):
    """Where a note is known."""

    SESSION = "session"
    REPOSITORY = "repository"
    CHAT = "chat"
    PERSON = "person"


SHARED = (NoteScope.SESSION, NoteScope.REPOSITORY)
"""For whoever may see the session that they are from."""


class NoteState(Enum):
    """Whether it is known there."""

    KEPT = "kept"
    WAITING = "waiting"


class NoteSource(Enum):
    """Who said it."""

    PERSON = "person"
    SESSION = "session"
    KEY = "key"


class Place(Struct, frozen=True):
    """One session, repository, chat or person."""

    scope: NoteScope
    name: str

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.scope.value} {self.name}"


class NewNote(Struct, frozen=True):
    """What is to be kept. `session` is what it is from, or about."""

    text: str
    place: Place
    source: NoteSource
    author: str
    session: Session | None = None


class Note(Struct, frozen=True):
    """What is kept. `label` and `machine_id` are the session's of then: it may be gone. One forgotten has no text."""

    number: int
    text: str
    place: Place
    state: NoteState
    source: NoteSource
    author: str
    session_id: str
    label: str
    machine_id: str
    created_at: float
    kept_by: str = ""
    forgotten_at: float | None = None
    question: str = ""  # the first of the messages that ask people about it

    def is_within(self, scope: Scope) -> bool:
        """Whether the session that it is from is one of these."""
        return scope.has_named(self.machine_id, self.label, self.session_id)


class Speaker(Struct, frozen=True):
    """Whoever wants something of the notes: a person or a key, `whose` is theirs alone; or the program of a session."""

    name: str
    source: NoteSource
    whose: str = ""
    person: Person | None = None  # None: somebody who may do everything, or no person
    session: Session | None = None  # whose program it is
    chat: Place | None = None  # of several people, in which it is said
    sees_all: bool = False  # they have the key, and with it the database


class Reader(Struct, frozen=True):
    """Somebody who wants to know: a person, a key or a session's program."""

    places: tuple[Place, ...] = ()
    reach: Scope | None = None  # and all notes of sessions in it
    sees_all: bool = False  # but recalls no more for it
    session_id: str = ""  # of a session's program
    witnesses: tuple[Scope, ...] = ()  # of those who hear what is recalled: it is what each of them may see

    def sees(self, note: Note) -> bool:
        """Whether it may know that there is such a note."""
        if note.forgotten_at is not None:
            return False
        if self.sees_all:
            return True
        return self._is_theirs(note) and (not self.session_id or self._is_known(note))

    def recalls(self, note: Note) -> bool:
        """Whether it may go by what the note says."""
        return note.forgotten_at is None and self._is_theirs(note) and self._is_known(note)

    def _is_theirs(self, note: Note) -> bool:
        is_shared = note.place.scope in SHARED
        if is_shared and not all(note.is_within(each) for each in self.witnesses):
            return False
        reached = is_shared and self.reach is not None and note.is_within(self.reach)
        return reached or note.place in self.places

    def _is_known(self, note: Note) -> bool:
        own = bool(self.session_id) and note.session_id == self.session_id and note.source is NoteSource.SESSION
        return note.state is NoteState.KEPT or own


def places_of(session: Session) -> tuple[Place, ...]:
    """Where a session's notes are: its own, and its repository's."""
    return Place(NoteScope.SESSION, session.session_id), repository_of(session)


def repository_of(session: Session) -> Place:
    """The repository that a session works in; one that works nowhere that is known is alone."""
    if not session.cwd:
        return Place(NoteScope.SESSION, session.session_id)
    return Place(NoteScope.REPOSITORY, f"{session.machine_id}:{session.cwd.rstrip('/') or '/'}")


def chat_place(chat: ChatRef) -> Place:
    """A chat of several people."""
    return Place(NoteScope.CHAT, f"{chat.transport}:{chat.chat_id}")


def person_place(whose: str) -> Place:
    """What is one person's alone."""
    return Place(NoteScope.PERSON, whose)


def theirs(person_id: str) -> Place:
    """What is the own of somebody who was let in by a code, wherever they write."""
    return person_place(f"person {person_id}")


def users(transport: str, user_id: str) -> Place:
    """What is the own of somebody whom the settings let in."""
    return person_place(f"{transport} user {user_id}")


def placed(scope: NoteScope | None, speaker: Speaker, about: Session | None) -> Place:
    """Where a new note belongs; None: where one would look for it. Raises Refusal where there is no such place."""
    chosen = scope or (NoteScope.REPOSITORY if about else NoteScope.CHAT if speaker.chat else NoteScope.PERSON)
    if about and chosen in SHARED:
        return repository_of(about) if chosen is NoteScope.REPOSITORY else places_of(about)[0]
    if chosen is NoteScope.CHAT and speaker.chat:
        return speaker.chat
    if chosen is NoteScope.PERSON and speaker.whose:
        return person_place(speaker.whose)
    raise Refusal(Reason.INVALID_ARGUMENT, f"Here is nothing to note of scope {chosen.name}: name a session, or none.")


def checked_text(text: str) -> str:
    """The text itself. Raises Refusal for one that is not kept."""
    said = text.strip()
    if not 0 < len(said.encode()) <= MAX_TEXT_BYTES:
        raise Refusal(Reason.TOO_LARGE, f"A note must have 1 to {MAX_TEXT_BYTES} bytes.")
    if secret := secret_in(said):
        raise Refusal(Reason.LOOKS_SECRET, f"There is what looks like a secret in it ({secret}): nothing was kept.")
    return said


def folded(text: str) -> str:
    """What of a text counts in a search: neither case nor accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if unicodedata.category(letter) != "Mn")


def words_of(query: str) -> list[str]:
    """The words to search, folded. Raises Refusal."""
    words = "".join(letter if letter.isprintable() else " " for letter in folded(query)).split()
    if not words or len(query) > MOST_CHARACTERS or len(words) > MOST_WORDS:
        text = f"Give 1 to {MOST_WORDS} words to search, of {MOST_CHARACTERS} characters together."
        raise Refusal(Reason.INVALID_ARGUMENT, text)
    return words


def ranked(lists: Iterable[Sequence[int]]) -> list[int]:
    """One order out of several, each with the best first: what stands high in most of them comes first."""
    scores: dict[int, float] = {}
    for found in lists:
        for rank, number in enumerate(found):
            scores[number] = scores.get(number, 0.0) + 1.0 / (_SMOOTH + rank)
    return sorted(scores, key=lambda number: (-scores[number], -number))
