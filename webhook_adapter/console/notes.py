"""Notes that are known across sessions. The router says what the person at this browser may see and change."""

from typing import Annotated

from flask import Blueprint, g, jsonify
from flask.typing import ResponseReturnValue
from msgspec import Meta, Struct

from webhook_adapter.console import present
from webhook_adapter.console.ports import ConsoleRouter
from webhook_adapter.json_bodies import body, query

FOR_ALL = frozenset({"note_keep", "note_forget"})  # whatever somebody's role is
_PAGE = 50


class Wanted(Struct):
    """Which notes: with words the best, else the newest, from a number on."""

    words: Annotated[str, Meta(max_length=256)] = ""
    waiting: bool = False
    before: Annotated[int, Meta(ge=0, le=2**53)] = 0


class OfNote(Struct):
    """A note. `key` is the UUID that the page gave the request."""

    key: Annotated[str, Meta(pattern=r"^[0-9A-Za-z-]{8,64}\Z")]
    number: Annotated[int, Meta(ge=1, le=2**53)]


def add_notes(blueprint: Blueprint, router: ConsoleRouter) -> None:
    """Give the blueprint its endpoints."""

    @blueprint.get("/console/api/notes")
    def notes() -> ResponseReturnValue:
        asked, who = query(Wanted), g.visitor.session_id
        found = router.own.notes(
            query=asked.words, waiting=asked.waiting, limit=_PAGE, before=asked.before, login_id=who
        )
        # Ranked, they are the best there are; else there may be older ones.
        before = found[-1].number if len(found) == _PAGE and not asked.words else 0
        return jsonify(notes=present.all_shown(found), before=before)

    @blueprint.post("/console/api/note-keep")
    def note_keep() -> ResponseReturnValue:
        sent = body(OfNote)
        router.own.keep_note(sent.number, request=f"web:{sent.key}", login_id=g.visitor.session_id)
        return jsonify(ok=True)

    @blueprint.post("/console/api/note-forget")
    def note_forget() -> ResponseReturnValue:
        sent = body(OfNote)
        router.own.forget(sent.number, request=f"web:{sent.key}", login_id=g.visitor.session_id)
        return jsonify(ok=True)
