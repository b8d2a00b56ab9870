"""REST: what is to be done later."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from flask import Blueprint
from msgspec import Meta

from pointsman.client import deferred
from pointsman.client.control import Control
from pointsman.client.deferred import DeferredChange, DeferredState, DeferredTask
from pointsman.client.records import Origin
from webhook_adapter.endpoints import Answer, Body, Query, endpoint
from webhook_adapter.http.bodies import Time, shown
from webhook_adapter.json_bodies import InvalidRequest

REST = Origin("rest")
_Moment = Annotated[datetime, Meta(tz=True)]


class Defer(Body):
    """Something to be done later."""

    when: Annotated[str, Meta(description='"in 10m", "tomorrow 9:00", "every weekday 9:00", "on return", …')] = ""
    text: str = ""
    task: Annotated[
        Literal["TEXT", "REMINDER", "START", "CONTINUE"],
        Meta(
            description="Type it into a session, tell people, start a session with it; or let a session that is at its "
            "usage limit go on when that is over: that takes neither `when` nor `text`."
        ),
    ] = "TEXT"
    session_id: str | None = None
    machine_id: str | None = None
    folder: str | None = None
    zone: Annotated[str | None, Meta(description="Time zone, as Europe/Berlin; the router's where there is none.")] = (
        None
    )
    idempotency_key: str | None = None


class ListDeferred(Query):
    """Which of what is to be done later."""

    session_id: str | None = None
    over: Annotated[bool, Meta(description="Also what is over.")] = False
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class ListOccurrences(Query):
    """Which days."""

    until: Annotated[_Moment, Meta(description="With its offset from UTC; at most 62 days behind the beginning.")]
    since: Annotated[_Moment | None, Meta(description="With its offset from UTC; now where there is none.")] = None
    zone: Annotated[str, Meta(description="Whose days are meant; the router's where there is none.")] = ""
    session_id: str | None = None


class ChangeDeferred(Body):
    """What is to be changed."""

    change: Literal["PAUSE", "RESUME", "NOW", "MOVE"]
    when: Annotated[str | None, Meta(description="With MOVE.")] = None
    zone: Annotated[str | None, Meta(description="With MOVE; as it was where there is none.")] = None


class Deferred(Answer):
    """What is done later. `nextAt` is null where it waits for no time, and when it is over."""

    deferred_id: str
    task: DeferredTask
    state: DeferredState
    when: str
    zone: str
    next_at: Time | None
    text: str
    session_id: str
    machine_id: str
    folder: str
    occurrence: Annotated[int, Meta(description="How often it was done.")]
    created_at: Time | None
    detail: str


class Occurrence(Answer):
    """One time that it is done, as far as is known now."""

    deferred_id: str
    session_id: str
    at: Time
    more: Annotated[bool, Meta(description="That day has others of the same, which are not said.")]


class Occurrences(Answer):
    """When what waits is done, the next first. What waits for no time, or is paused, is not there."""

    occurrences: list[Occurrence]
    cut: Annotated[bool, Meta(description="There are more, later than the last one.")]


def add_deferred(blueprint: Blueprint, control: Callable[[], Control], keyed: tuple[int, ...]) -> None:
    """The endpoints of what is to be done later."""

    @blueprint.post("/deferred")
    @endpoint("deferred", *keyed, 404, 409)
    def defer(asked: Defer) -> Deferred:
        """Keep something to be done later, once or again and again."""
        missing = [] if asked.task == "CONTINUE" else [each for each in ("when", "text") if not getattr(asked, each)]
        if missing:
            raise InvalidRequest(f"when and text required; missing: {', '.join(missing)}")
        kept = control().defer(
            asked.when,
            asked.text,
            DeferredTask[asked.task],
            asked.session_id or "",
            machine_id=asked.machine_id or "",
            folder=asked.folder or "",
            zone=asked.zone or "",
            request=asked.idempotency_key or "",
            origin=REST,
        )
        return _shown(kept)

    @blueprint.get("/deferred")
    @endpoint("deferred", *keyed)
    def list_deferred(asked: ListDeferred) -> list[Deferred]:
        """What waits to be done later, the next first."""
        found = control().deferred(asked.session_id or "", include_over=asked.over, limit=asked.limit)
        return [_shown(each) for each in found]

    @blueprint.get("/deferred/occurrences")
    @endpoint("deferred", *keyed)
    def list_occurrences(asked: ListOccurrences) -> Occurrences:
        """The times of the days to come at which something is done."""
        found = control().occurrences(asked.until, asked.since, asked.zone, asked.session_id or "")
        return Occurrences([shown(Occurrence, each) for each in found.occurrences], found.cut)

    @blueprint.post("/deferred/<deferred_id>/cancel")
    @endpoint("deferred", *keyed, 404, 409)
    def cancel_deferred(deferred_id: str) -> Deferred:
        """Take it back for good."""
        return _shown(control().cancel_deferred(deferred_id))

    @blueprint.post("/deferred/<deferred_id>/change")
    @endpoint("deferred", *keyed, 404, 409)
    def change_deferred(deferred_id: str, asked: ChangeDeferred) -> Deferred:
        """Let it pause, go on, be done now, or have another time."""
        change = DeferredChange[asked.change]
        return _shown(control().change_deferred(deferred_id, change, asked.when or "", asked.zone or ""))


def _shown(known: deferred.Deferred) -> Deferred:
    return shown(Deferred, known)
