"""What people are told of notes."""

from collections.abc import Sequence

from router.domain.note import Note, NoteScope
from router.domain.wording.questions import actor_name

NOT_OF_THIS_SESSION = "A session removes what it said itself, and nothing else."
PLACE_FULL = "{count} notes are kept here already, as many as may: forget some. `pointsman notes`"
ALL_FULL = "{count} notes are kept already, as many as may, of all together."
MACHINE_FULL = "{count} notes of this machine's sessions are kept already, as many as may."
TOO_MANY_WAIT = "{count} notes of this session wait for a person already, as many as may."
FORGOTTEN = "🧠 Forgotten: note {number}."
ASKS = (
    "🧠 {name} wants this to be known {where}. It may have read it anywhere; no other session goes by it before you say"
    " so.\n\n{text}"
)
NOTED = "🧠 Note {number}, known {where}."
LINE = "{number}. {text} — {author}, {where}"
HEAD = "🧠 What was noted:"
NOTHING = "🧠 Nothing is noted here. /remember TEXT notes something."
NOTHING_FOUND = "🧠 Nothing that you may see was noted with these words."
HOW = {
    "remember": "/remember TEXT notes it for the repository of the session that it answers, or that is chosen here;"
    " else for this chat, or for you alone. Sessions recall it, and so do you with /recall.",
    "recall": "/recall WORDS finds what was noted with any of them. Under a session's message: what that one knows.",
    "forget": "/forget N removes note N for good. /notes and /recall show the numbers.",
}
_LONGEST = 500  # characters of a note in a list
_WHERE = {
    NoteScope.SESSION: "in its session",
    NoteScope.REPOSITORY: "in {place}",
    NoteScope.CHAT: "in this chat",
    NoteScope.PERSON: "to {author} alone",
}


def asks(note: Note, name: str) -> str:
    """A session's program wants something known."""
    return ASKS.format(name=name, where=where(note), text=note.text)


def noted(note: Note) -> str:
    """It is known now."""
    return NOTED.format(number=note.number, where=where(note))


def listed(notes: Sequence[Note], nothing: str) -> str:
    """Several of them, a line each."""
    return "\n".join([HEAD, *map(_line, notes)]) if notes else nothing


def _line(note: Note) -> str:
    text = note.text if len(note.text) <= _LONGEST else note.text[: _LONGEST - 1] + "…"
    return LINE.format(number=note.number, text=text, author=actor_name(note.author), where=where(note))


def where(note: Note) -> str:
    """Where it is known, for people."""
    return _WHERE[note.place.scope].format(place=note.place.name, author=actor_name(note.author))
