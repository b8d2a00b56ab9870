"""What a session does, over HTTP: as server-sent events, and as lines of JSON.

An answer holds what there is, and ends. Whoever reads server-sent events comes again by itself, with the number of the
last one that it had, and waits here for the next: no thread and no memory belongs to a client that is slow or silent.
"""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, request
from msgspec import json as msgspec_json
from msgspec import to_builtins

from pointsman.client.control import Control
from pointsman.client.errors import RouterError
from pointsman.client.records import SessionEvent
from webhook_adapter import json_bodies
from webhook_adapter.endpoints import API_KEY, described
from webhook_adapter.http import event_bodies
from webhook_adapter.json_bodies import InvalidRequest

MOST, MOST_BYTES = 1000, 1024 * 1024  # of an answer
_WAIT = timedelta(seconds=10)
MOST_WAITING = 4  # of the server's 16 threads; whoever comes then is told to come again in a while
_SOON, _LATER = 100, 2000  # milliseconds until a client comes again
EVENT_STREAM, LINES = "text/event-stream", "application/x-ndjson"
_CONTENT = {
    EVENT_STREAM: {"type": "string", "description": "id: the number, event: the kind, data: the event as JSON."},
    LINES: {"type": "string", "description": "An event in each line, as JSON."},
}
_REFUSES = (400, 401, 403, 404, 429, 503)


def add_session_events(blueprint: Blueprint, control: Callable[[], Control]) -> None:
    """The endpoint."""
    waiting = threading.Semaphore(MOST_WAITING)

    @blueprint.get("/sessions/<session_id>/events")
    @described("sessions", *_REFUSES, security=(API_KEY,), takes=event_bodies.ListSessionEvents, content=_CONTENT)
    def list_session_events(session_id: str) -> Response:
        """What a session does: what is kept, then what comes.

        Server-sent events, which resume by Last-Event-ID; lines of JSON, of what there is, with Accept:
        application/x-ndjson. Fewer than there are may come: then ask again, after the last one.
        """
        json_bodies.sound(session_id, "session_id")
        asked = event_bodies.ListSessionEvents.asked()
        if LINES in request.headers.get("Accept", ""):
            lines = _of_limited_size(control().session_events(session_id, asked.after, last=asked.last))
            return Response("".join(f"{data}\n" for _, data in lines), mimetype=LINES)
        try:
            return Response(_stream(control(), session_id, asked, waiting), mimetype=EVENT_STREAM)
        except RouterError as error:
            # A browser that is refused comes no more, also where that passes.
            if not (error.may_pass and EVENT_STREAM in request.headers.get("Accept", "")):
                raise
            return Response(_away(error), mimetype=EVENT_STREAM)


def _away(error: RouterError) -> str:
    pause = max(_LATER, round(1000 * (error.retry_after or 0)))
    return f"retry: {pause}\n\nevent: away\ndata: {msgspec_json.encode({'code': error.code}).decode()}\n\n"


def _stream(
    router: Control, session_id: str, asked: event_bodies.ListSessionEvents, waiting: threading.Semaphore
) -> str:
    after, anew = _last_seen() or asked.after, ""
    last = 0 if _last_seen() else asked.last
    try:
        found = _of_limited_size(router.session_events(session_id, after, last=last))
    except RouterError as error:
        if error.code != "EVENTS_BEGAN_ANEW":
            raise
        # A browser that is refused comes no more: it is told, and begins with what there is.
        after, anew = 0, "event: anew\ndata: {}\n\n"
        found = _of_limited_size(router.session_events(session_id, last=asked.last))
    pause = _SOON
    if not found and not anew:
        found, pause = _waited_for(router, session_id, after, waiting)
    events = "".join(f"id: {event.seq}\nevent: {event.kind}\ndata: {data}\n\n" for event, data in found)
    return f"retry: {pause}\n\n{anew}{events}"


def _waited_for(
    router: Control, session_id: str, after: int, waiting: threading.Semaphore
) -> tuple[list[tuple[SessionEvent, str]], int]:
    """What comes within a while, and in how many milliseconds to come again."""
    if not waiting.acquire(blocking=False):
        return [], _LATER
    try:
        first = next(router.session_events(session_id, after, wait=_WAIT), None)
    finally:
        waiting.release()
    if first is None:
        return [], _SOON
    return [_written(first), *_of_limited_size(router.session_events(session_id, first.seq))], _SOON


def _last_seen() -> int:
    """The event after which a client goes on; 0 where it does not say. Raises InvalidRequest."""
    text = request.headers.get("Last-Event-ID", "")
    if text and not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise InvalidRequest("Last-Event-ID must be the number of an event")
    return int(text or 0)


def _of_limited_size(events: Iterator[SessionEvent]) -> list[tuple[SessionEvent, str]]:
    """The first of them, as JSON, as many as go into an answer."""
    found, size = [], 0
    for event in events:
        found.append(written := _written(event))
        size += len(written[1])
        if len(found) >= MOST or size >= MOST_BYTES:
            break
    return found


def _written(event: SessionEvent) -> tuple[SessionEvent, str]:
    shown: dict[str, Any] = to_builtins(event, builtin_types=(datetime,)) | {"at": _time(event.at)}
    return event, msgspec_json.encode(shown).decode()


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
