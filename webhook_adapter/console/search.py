"""What is asked for once: what was said, found by its words; what a terminal shows now."""

from typing import Annotated

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from msgspec import Meta, Struct

from pointsman.client.search import SearchHit
from webhook_adapter.console import present
from webhook_adapter.console.ports import ConsoleRouter
from webhook_adapter.json_bodies import query

_HITS = 30


class Wanted(Struct):
    """Which words, and where to go on."""

    words: Annotated[str, Meta(max_length=256)]
    session: str = ""
    before: Annotated[int, Meta(ge=0, le=2**53)] = 0


class Shown(Struct):
    """Whose terminal."""

    session: str


def add_search(blueprint: Blueprint, router: ConsoleRouter) -> None:
    """Give the blueprint what is asked for once."""

    @blueprint.get("/console/api/search")
    def search() -> ResponseReturnValue:
        asked = query(Wanted)
        hits, before = router.own.search(asked.words, asked.session, limit=_HITS, before=asked.before)
        return jsonify(hits=list(map(_hit, hits)), before=before)

    @blueprint.get("/console/api/screen")
    def screen() -> ResponseReturnValue:
        return jsonify(text=router.own.screen(query(Shown).session))


def _hit(hit: SearchHit) -> present.Json:
    return present.shown(hit) | {"snippet": [present.shown(part) for part in hit.snippet]}
