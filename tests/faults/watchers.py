"""Who watches a session, through all deaths: over gRPC as `pointsman watch` does, over HTTP as a browser's EventSource,
and by the stream of the console's page as that page does.
"""

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from pointsman.client import connect
from pointsman.client.errors import RouterError
from tests.faults.load import API_KEY
from tests.faults.watched import Seen, Watched

PAUSE = 0.1  # seconds until a watcher comes again
PATIENCE = 30.0  # seconds without a byte, after which a browser's connection counts as lost
_VISIT = timedelta(seconds=5)  # of one stream: then it is resumed, as after a death

Comes = Callable[[Watched], None]  # watches once, and notes what it sees until the stream ends, for whatever reason


class Watcher:
    """One who comes again and again, until told to go."""

    def __init__(self, watched: Watched, comes: Comes) -> None:
        self.watched = watched
        self._comes = comes
        self._going = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def go(self) -> None:
        """Come no more."""
        self._going.set()

    def close(self) -> None:
        self.go()
        self._thread.join(PATIENCE)

    def _watch(self) -> None:
        while not (self._going.is_set() or self.watched.broke_off):
            self._comes(self.watched)
            self._going.wait(PAUSE)


def over_grpc(address: str, session: str, last: int = 0) -> Comes:
    def come(watched: Watched) -> None:
        after = watched.seen[-1].seq if watched.seen else 0
        with connect(address, API_KEY) as router:
            try:
                for event in router.session_events(session, after, last=0 if after else last, wait=_VISIT):
                    watched.seen.append(seen(event.seq, event.kind, event.content))
            except RouterError as error:
                if not error.may_pass:
                    watched.broke_off = str(error)

    return come


def over_http(address: str, session: str, last: int = 0) -> Comes:
    """As a browser's EventSource: any answer but 200 ends it for good, a broken connection does not."""

    def come(watched: Watched) -> None:
        headers = {"X-API-Key": API_KEY, "Accept": "text/event-stream"}
        if watched.seen:
            headers["Last-Event-ID"] = str(watched.seen[-1].seq)
        with (
            suppress(OSError, http.client.HTTPException),
            closing(http.client.HTTPConnection(address, timeout=PATIENCE)) as connection,
        ):
            connection.request("GET", f"/sessions/{session}/events?last={last}", headers=headers)
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                watched.broke_off = f"{answer.status} {answer.read()[:200]!r}"
                return
            for name, _, data in _dispatched(answer):
                if name not in ("away", "anew"):
                    event = json.loads(data)
                    watched.seen.append(seen(event["seq"], event["kind"], event["content"]))

    return come


def over_page(
    address: str, session: str, api_key: str = API_KEY, told: Callable[[Mapping[str, Any]], object] = bool
) -> Comes:
    """As the page follows the session that is open in it: each answer ends, and it comes again whatever that was."""
    cookie = position = ""

    def come(watched: Watched) -> None:
        nonlocal cookie, position
        with (
            suppress(OSError, http.client.HTTPException),
            closing(http.client.HTTPConnection(address, timeout=PATIENCE)) as connection,
        ):
            if not (cookie := cookie or _cookie(connection, api_key)):
                return
            headers = {"Cookie": cookie, "Accept": "text/event-stream", "Last-Event-ID": position}
            connection.request("GET", f"/console/api/live?{urlencode({'session': session})}", headers=headers)
            answer = connection.getresponse()
            if answer.status in _PUT_OUT:
                watched.broke_off = f"{answer.status} {answer.read()[:200]!r}"
            if answer.status != http.client.OK:
                return
            for name, number, data in _dispatched(answer):
                position = number
                if name == "did":
                    told(event := json.loads(data))
                    watched.seen.append(seen(event["seq"], event["kind"], event["content"]))
                elif name == "anew":
                    watched.broke_off = "it was told to begin anew"

    return come


_PUT_OUT = (http.client.UNAUTHORIZED, http.client.FORBIDDEN)


def _cookie(connection: http.client.HTTPConnection, api_key: str) -> str:
    """Of somebody who has logged in; empty where there is nobody to let them in."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/console/login", urlencode({"api_key": api_key}), form)
    answer = connection.getresponse()
    answer.read()
    set_cookies = [value for name, value in answer.getheaders() if name.lower() == "set-cookie"]
    return "; ".join(each.partition(";")[0] for each in set_cookies) if answer.status < http.client.BAD_REQUEST else ""


def _dispatched(answer: http.client.HTTPResponse) -> Iterator[tuple[str, str, str]]:
    """The name, id and data of the events that came whole: one without its empty line is dropped."""
    event = dict.fromkeys(("event", "id", "data"), "")
    while line := answer.readline().decode():
        name, _, value = line.rstrip("\n").partition(": ")
        if line != "\n":
            event[name] = value
        elif event["data"]:
            yield event["event"], event["id"], event["data"]
            event = dict.fromkeys(event, "")
        else:
            event = dict.fromkeys(event, "")


def seen(seq: int, kind: str, content: Mapping[str, Any]) -> Seen:
    """An event with the key that its thing has in the account of the record."""
    whole = json.dumps([kind, content], sort_keys=True, default=str)
    match kind:
        case "said":
            return Seen(seq, f"said {content['text']}", whole)
        case "tool":
            return Seen(seq, f"tool {content['id']} {content['state']}", whole)
        case "plan":
            return Seen(seq, f"plan {', '.join(each['text'] for each in content['entries'])}", whole)
        case "gap":
            return Seen(seq, f"gap {content}", whole)
    return Seen(seq, "", whole)
