"""What sessions do, for a console over a router in memory: events, screens, questions, words that are found."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pointsman.client.errors import RouterError
from pointsman.client.permission_records import Permission, PermissionOption
from pointsman.client.records import Event, SaidDelta, Session, SessionEvent, TraceStep
from pointsman.client.search import SearchHit, SnippetPart
from pointsman.client.session_events import Saying
from tests.rigs.console_deferred import FakeDeferred


class FakeEvents(FakeDeferred):
    """A part of FakeControl. Whoever follows is woken, as by the router."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = threading.Condition()
        self.events: dict[str, list[SessionEvent]] = {}
        self.steps = 0
        self.sayings: dict[str, SaidDelta] = {}
        self.listened: list[str] = []
        self.known_sessions: list[Session] = []
        self.screens: dict[str, str] = {}
        self.asked: list[Permission] = []
        self.failure: RouterError | None = None
        self.events_failure: RouterError | None = None

    def do(self, session_id: str, what: str, at: datetime | None = None, /, **content: object) -> SessionEvent:
        """A session does something."""
        with self.changed:
            done = self.events.setdefault(session_id, [])
            event = SessionEvent(len(done) + 1, 1, at or datetime.now(UTC), what, content)
            done.append(event)
            self.changed.notify_all()
        return event

    def do_many(self, session_id: str, kind: str, contents: list[dict[str, object]], ends: datetime) -> None:
        """One in each second, the last one then."""
        begins = ends - timedelta(seconds=len(contents))
        for number, content in enumerate(contents):
            self.do(session_id, kind, begins + timedelta(seconds=number), **content)

    def happened(self) -> None:
        """A step of a command or a message."""
        with self.changed:
            self.steps += 1
            self.changed.notify_all()

    def watch(self, session_id: str = "", after: int = 0) -> Iterator[Event]:
        self._refuse()
        seen = after or self.steps
        while True:
            is_new, seen = self._step_after(seen)
            for each in [session_id, *self.events] if is_new else []:
                yield Event(seen, each, TraceStep(None, "", "", "", "", "", ""))

    def _step_after(self, seen: int) -> tuple[bool, int]:
        with self.changed:
            self.changed.wait_for(lambda: self.steps > seen, 10.0)
            return self.steps > seen, self.steps

    def session_events(
        self,
        session_id: str,
        after: int = 0,
        *,
        last: int = 0,
        wait: timedelta = timedelta(),
        saying: Saying | None = None,
    ) -> Iterator[SessionEvent]:
        self._refuse()
        if self.events_failure is not None:
            raise self.events_failure
        done = self.events.get(session_id, [])
        if after > len(done):
            raise RouterError("OUT_OF_RANGE", "its numbers began anew", "EVENTS_BEGAN_ANEW")
        at = max(after, len(done) - last) if last else after
        if wait:
            self._wait(session_id, at, time.monotonic() + wait.total_seconds(), saying)
        yield from self.events.get(session_id, [])[at:]

    def _wait(self, session_id: str, at: int, until: float, saying: Saying | None) -> None:
        """For an event; what is said meanwhile is heard, the newest alone."""
        heard = None
        if saying:
            self.listened.append(session_id)

        def is_new() -> bool:
            return len(self.events.get(session_id, [])) > at or (self.sayings.get(session_id, heard) is not heard)

        while len(self.events.get(session_id, [])) <= at and (left := until - time.monotonic()) > 0:
            with self.changed:
                self.changed.wait_for(is_new, left)
                new = self.sayings.get(session_id, heard)
            if new is not heard and saying and new:
                heard = new
                saying(new)

    def says(self, session_id: str, text: str, before: int = 0, answer: str = "a-1") -> None:
        """A session is saying something, and has got so far."""
        with self.changed:
            self.sayings[session_id] = SaidDelta(answer, before, text)
            self.changed.notify_all()

    def screen(self, session_id: str) -> str:
        self._refuse()
        if session_id not in self.screens:
            raise RouterError("FAILED_PRECONDITION", "this kind of session has no screen", "UNSUPPORTED")
        return self.screens[session_id]

    def search(
        self, words: str, session_id: str = "", *, limit: int = 20, before: int = 0
    ) -> tuple[list[SearchHit], int]:
        self._refuse()
        hits = [
            SearchHit(
                each, event.seq, 1, event.at, str(event.content["by"]), _snippet(str(event.content["text"]), words)
            )
            for each, done in self.events.items()
            for event in reversed(done)
            if session_id in ("", each) and event.kind == "said" and words in str(event.content["text"])
        ]
        end = before + limit
        return hits[before:end], end if len(hits) > end else 0

    def rename(self, session_id: str, label: str, *, request: str) -> Session:  # noqa: ARG002
        [at] = [number for number, one in enumerate(self.known_sessions) if one.session_id == session_id]
        self.known_sessions[at] = replace(self.known_sessions[at], label=label)
        return self.known_sessions[at]

    def permissions(self, session_id: str = "", permission_id: str = "", limit: int = 0) -> list[Permission]:
        self._refuse()
        found = [one for one in reversed(self.asked) if session_id in ("", one.session_id)]
        return [one for one in found if permission_id in ("", one.permission_id)][: limit or None]

    def ask(self, permission_id: str, session_id: str, tool: str, text: str, **given: object) -> Permission:
        """A question; what shows it is said beside it."""
        options = (PermissionOption("allow", ""), PermissionOption("deny", ""))
        blank = {"kind": "TOOL", "created_at": datetime.now(UTC), "options": options} | given
        kind, created_at, options = blank["kind"], blank["created_at"], blank["options"]  # type: ignore[assignment]
        made = Permission(
            permission_id, session_id, "devbox", str(kind), tool, text, "d" * 64, options, "OPEN", "", "", "", "", "",
            created_at, None, None,  # type: ignore[arg-type]
        )  # fmt: skip
        made = replace(made, **{name: given[name] for name in ("risks", "machine_id", "details") if name in given})  # type: ignore[arg-type]
        self.asked.append(made)
        return made

    def _refuse(self) -> None:
        if self.failure is not None:
            raise self.failure


def _snippet(text: str, words: str) -> tuple[SnippetPart, ...]:
    before, _, after = text.partition(words)
    return tuple(SnippetPart(part, part == words) for part in (before, words, after) if part)
