"""What a page follows, as one stream: machines, sessions, open questions, what its person has read on any page of
theirs, and of one session all that happens there.

Server-sent events. An answer holds what has changed behind what the page has, waits where that is nothing, and ends;
the page comes again with the id of the last one. That says how far it is with each, so nothing is missing and nothing
belongs to it here: no thread, and no memory.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Annotated, Literal

import msgspec
from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue
from msgspec import Meta, Struct

from pointsman.client.errors import RouterError
from pointsman.client.records import SaidDelta, SessionEvent
from webhook_adapter.console import present
from webhook_adapter.console.deferred import scheduled
from webhook_adapter.console.inbox import inbox
from webhook_adapter.console.overview import Overview
from webhook_adapter.console.ports import ConsoleControl, ConsoleRouter
from webhook_adapter.console.timeline import PAGE, timeline, waiting
from webhook_adapter.console.wakeups import EVERY, Wakeups
from webhook_adapter.endpoints import served_on_loop
from webhook_adapter.json_bodies import InvalidRequest, body, query
from webhook_adapter.loop import aside

Digested = Callable[[], tuple[bytes, str]]  # what a page is told, as JSON, and its digest

EVENTS = 200  # at once: some screens of them
_MOST_BYTES = 1024 * 1024  # of events in an answer
_PAGES = {"queue": waiting, "scheduled": scheduled}
_AGAIN = 100  # milliseconds until the page comes again: what a session does in between comes as one


class Watched(Struct):
    """Which session is open, or which of the pages that are told."""

    session: str = ""
    page: Literal["", "queue", "scheduled"] = ""


class Read(Struct):
    """Up to which notification somebody has read what a session said."""

    session: Annotated[str, Meta(min_length=1, max_length=200)]
    notification: Annotated[str, Meta(min_length=1, max_length=64)]


class Earlier(Struct):
    """What a session did before the event of a number."""

    session: str
    before: Annotated[int, Meta(ge=1, le=2**53)]
    count: Annotated[int, Meta(ge=1, le=1000)] = EVENTS


@dataclass(frozen=True, slots=True)
class Seen:
    """How far a page is: the number of an event, and of the rest digests."""

    seq: int = 0
    overview: str = ""
    questions: str = ""
    rest: str = ""
    read: str = ""
    said: str = ""

    @classmethod
    def of(cls, text: str) -> "Seen":
        """As the page shows it. Raises InvalidRequest."""
        parts = text.split(".") if text else ["0"]
        if len(parts) > len(fields(cls)) or not (parts[0].isascii() and parts[0].isdecimal() and len(parts[0]) < 19):
            raise InvalidRequest("Last-Event-ID must be that of an event")
        return cls(int(parts[0]), *parts[1:])

    def __str__(self) -> str:
        return f"{self.seq}.{self.overview}.{self.questions}.{self.rest}.{self.read}.{self.said}"


def add_live(blueprint: Blueprint, router: ConsoleRouter, overview: Overview) -> None:
    """The stream, and what came before its beginning."""
    questions = partial(_questions, router)
    wakeups = Wakeups(lambda: router.own, lambda: overview.read()[1] + questions()[1])

    @blueprint.get("/console/api/live")
    @served_on_loop
    def live() -> ResponseReturnValue:
        watched, seen = query(Watched), Seen.of(request.headers.get("Last-Event-ID", ""))
        marks = partial(_read_marks, router, g.visitor.session_id)

        def news() -> str:
            saying = wakeups.saying(watched.session) if watched.session else None
            return aside(lambda: "".join(_news(router.own, overview, (questions, marks), watched, seen, saying)))

        with wakeups.on(EVERY if watched.page else watched.session) as wait:
            told = news()
            if not told:
                wait()
                if not router.browser(g.visitor.session_id).is_open:  # they may have been put out meanwhile
                    return jsonify(error="Log in again.", code="UNAUTHENTICATED"), 401
                told = news()
        return Response(f"retry: {_AGAIN}\n\n{told}", mimetype="text/event-stream")

    @blueprint.post("/console/api/read")
    def mark_read() -> ResponseReturnValue:
        sent = body(Read)
        router.mark_read(g.visitor.session_id, sent.session, sent.notification)
        return jsonify(ok=True)

    @blueprint.get("/console/api/events")
    def events() -> ResponseReturnValue:
        asked = query(Earlier)
        found = _page(router.own, asked.session, max(0, asked.before - 1 - asked.count), most=asked.count)
        found = [each for each in found if each["seq"] < asked.before]
        return jsonify(events=found)


def _news(ask: ConsoleControl, overview: Overview, more: tuple[Digested, Digested], watched: Watched,
          seen: Seen, saying: SaidDelta | None = None) -> Iterator[str]:  # fmt: skip
    """What has changed, each with how far the page is then."""
    questions, marks = more
    data, digest = overview.read(anew=not seen.overview)  # who comes anew sees what they did a moment ago
    if digest != seen.overview:
        seen = replace(seen, overview=digest)
        yield _event("overview", data, seen)
    data, digest = questions()
    if digest != seen.questions:
        seen = replace(seen, questions=digest)
        yield _event("questions", data, seen)
    data, digest = marks()
    if digest != seen.read:
        seen = replace(seen, read=digest)
        yield _event("read", data, seen)
    if watched.page or watched.session:
        told = _PAGES[watched.page](ask) if watched.page else timeline(ask, watched.session, PAGE)
        data, digest = _digested(told)
        if digest != seen.rest:
            seen = replace(seen, rest=digest)
            yield _event(watched.page or "chat", data, seen)
    # Before what it did, which is what takes the place of what was heard of it.
    if saying is not None:
        data, digest = _digested(present.shown(saying))
        if digest != seen.said:
            seen = replace(seen, said=digest)
            yield _event("saying", data, seen)
    if watched.session:
        yield from _done(ask, watched.session, seen)


def _done(ask: ConsoleControl, session_id: str, seen: Seen) -> Iterator[str]:
    """What the session did behind what the page has; to a page that has nothing, the newest of it."""
    try:
        found = _page(ask, session_id, seen.seq, last=0 if seen.seq else EVENTS)
    except RouterError as error:
        if error.code != "EVENTS_BEGAN_ANEW":
            if error.may_pass and error.code != "STORAGE_UNAVAILABLE":
                raise
            return  # an older router, or one that keeps none now: the conversation is there without them
        seen = replace(seen, seq=0)
        yield _event("anew", b"{}", seen)
        found = _page(ask, session_id, 0, last=EVENTS)
    for each in found:
        seen = replace(seen, seq=each["seq"])
        yield _event("did", msgspec.json.encode(each), seen)


def _page(ask: ConsoleControl, session_id: str, after: int, *, last: int = 0, most: int = EVENTS) -> list[present.Json]:
    found, size = [], 0
    for event in ask.session_events(session_id, after, last=last):
        found.append(_shown(event))
        size += len(msgspec.json.encode(found[-1]))
        if len(found) >= most or size >= _MOST_BYTES:
            break
    return found


def _shown(event: SessionEvent) -> present.Json:
    at = None if event.at is None else event.at.timestamp()
    return {"seq": event.seq, "generation": event.generation, "at": at, "kind": event.kind, "content": event.content}


def _read_marks(router: ConsoleRouter, login_id: str) -> tuple[bytes, str]:
    return _digested({"marks": router.read_marks(login_id)})


def _questions(router: ConsoleRouter) -> tuple[bytes, str]:
    return _digested({"questions": inbox(router.own)})


def _digested(value: present.Json) -> tuple[bytes, str]:
    data = msgspec.json.encode(value)
    return data, hashlib.blake2b(data, digest_size=6).hexdigest()


def _event(name: str, data: bytes, seen: Seen) -> str:
    return f"id: {seen}\nevent: {name}\ndata: {data.decode()}\n\n"
