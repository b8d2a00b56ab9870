"""What is to be done later, for the page. What "when" means, and at which times that is, the router says."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from flask import Blueprint, g, jsonify
from flask.typing import ResponseReturnValue
from msgspec import Meta, Struct

from pointsman.client.deferred import Deferred, DeferredChange, DeferredTask
from pointsman.client.records import Origin
from webhook_adapter.console import present
from webhook_adapter.console.ports import ConsoleControl, ConsoleRouter
from webhook_adapter.json_bodies import body, query

MOST = 1000  # as many as the router keeps
_Key = Annotated[str, Meta(pattern=r"^[0-9A-Za-z-]{8,64}\Z")]
_Zone = Annotated[str, Meta(max_length=64)]
_Words = Annotated[str, Meta(max_length=200)]


class Days(Struct):
    """From a moment to before another, in seconds since 1970, in the days of a zone."""

    since: Annotated[float, Meta(ge=0, le=2**33)]
    until: Annotated[float, Meta(ge=0, le=2**33)]
    zone: _Zone = ""


class Later(Struct):
    """Something to be done later. `key` is the UUID that the page gave it: what comes again with it is the same."""

    key: _Key
    task: Literal["TEXT", "REMINDER", "START"]
    when: _Words
    text: Annotated[str, Meta(max_length=4096)]
    zone: _Zone = ""
    session: str = ""
    machine_id: str = ""
    folder: str = ""


class GoOn(Struct):
    """A session that is to go on when its usage limit is over."""

    key: _Key
    session: str


class Change(Struct):
    """What becomes of something that waits."""

    key: _Key
    deferred_id: str
    change: Literal["PAUSE", "RESUME", "NOW", "MOVE", "CANCEL"]
    when: _Words = ""
    zone: _Zone = ""


def add_deferred(blueprint: Blueprint, router: ConsoleRouter) -> None:
    """Give the blueprint what its page of later things needs."""

    @blueprint.get("/console/api/occurrences")
    def occurrences() -> ResponseReturnValue:
        asked = query(Days)
        since, until = (datetime.fromtimestamp(each, UTC) for each in (asked.since, asked.until))
        found = router.own.occurrences(until, since, asked.zone)
        return jsonify(occurrences=present.all_shown(found.occurrences), cut=found.cut)

    @blueprint.post("/console/api/defer")
    def defer() -> ResponseReturnValue:
        sent = body(Later)
        kept = router.own.defer(
            sent.when, sent.text, DeferredTask[sent.task], sent.session, machine_id=sent.machine_id, folder=sent.folder,
            zone=sent.zone, request=f"web:{sent.key}", origin=_origin(), login_id=g.visitor.session_id,
        )  # fmt: skip
        return jsonify(present.shown(kept))

    @blueprint.post("/console/api/go-on")
    def go_on() -> ResponseReturnValue:
        sent, login_id = body(GoOn), g.visitor.session_id
        kept = router.own.continue_then(sent.session, request=f"web:{sent.key}", origin=_origin(), login_id=login_id)
        return jsonify(present.shown(kept))

    @blueprint.post("/console/api/change-deferred")
    def change_deferred() -> ResponseReturnValue:
        sent = body(Change)
        request = f"web:{sent.key}"
        if sent.change == "CANCEL":
            return jsonify(present.shown(router.own.cancel_deferred(sent.deferred_id, request=request)))
        change = DeferredChange[sent.change]
        changed = router.own.change_deferred(sent.deferred_id, change, sent.when, sent.zone, request=request)
        return jsonify(present.shown(changed))


def scheduled(ask: ConsoleControl) -> present.Json:
    """What waits, the next first."""
    there: Sequence[Deferred] = ask.deferred(limit=MOST)
    return {"deferred": present.all_shown(there)}


def _origin() -> Origin:
    # Without a chat: what becomes of it is told to all who hear of the session, and reminders to everybody.
    return Origin("web", g.visitor.actor(""))
