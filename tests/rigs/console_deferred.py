"""What is to be done later, for a console over a router in memory; its times are those that a test gives."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pointsman.client.deferred import (
    Deferred,
    DeferredChange,
    DeferredState,
    DeferredTask,
    Occurrence,
    Occurrences,
)
from pointsman.client.errors import RouterError
from pointsman.client.records import Origin
from router.domain.errors import Refusal
from router.domain.schedule import alone, zone_of

_CHANGED = {DeferredChange.PAUSE: DeferredState.PAUSED, DeferredChange.RESUME: DeferredState.WAITING}
_LIVING = frozenset({DeferredState.WAITING, DeferredState.PAUSED})


class FakeDeferred:
    """A part of FakeControl. It reads when as the router does."""

    def __init__(self) -> None:
        self.known_deferred: dict[str, Deferred] = {}
        self.times: dict[str, Sequence[datetime]] = {}
        self.asked_for: list[tuple[datetime, datetime | None, str]] = []
        self.wanted_at: list[str] = []
        self._ids = itertools.count(1)

    def happened(self) -> None:
        """Whoever follows is woken."""
        raise NotImplementedError

    def keeps(
        self,
        text: str,
        when: str,
        task: DeferredTask = DeferredTask.TEXT,
        *,
        times: Sequence[datetime] = (),
        **more: object,
    ) -> Deferred:
        """Something waits, for those times."""
        blank = Deferred(
            f"later-{next(self._ids)}", task, "", text, "", "", when, "UTC", times[0] if times else None,
            DeferredState.WAITING, 0, "web", "", datetime.now(UTC), "",
        )  # fmt: skip
        made = replace(blank, **more)  # type: ignore[arg-type]
        self.known_deferred[made.deferred_id] = made
        self.times[made.deferred_id] = times
        self.happened()
        return made

    def deferred(self, session_id: str = "", *, include_over: bool = False, limit: int = 0) -> list[Deferred]:  # noqa: ARG002
        there = [one for one in self.known_deferred.values() if session_id in ("", one.session_id)]
        return [one for one in there if one.state in _LIVING]

    def occurrences(
        self, until: datetime, since: datetime | None = None, zone: str = "", session_id: str = ""
    ) -> Occurrences:
        self.asked_for.append((until, since, zone))
        found = [
            Occurrence(one.deferred_id, one.session_id, at, more=False)
            for one in self.deferred(session_id)
            for at in self.times[one.deferred_id]
            if one.state is DeferredState.WAITING and at < until and (since is None or at >= since)
        ]
        return Occurrences(sorted(found, key=lambda each: each.at), cut=False)

    def defer(
        self,
        when: str,
        text: str,
        task: DeferredTask = DeferredTask.TEXT,
        session_id: str = "",
        *,
        machine_id: str = "",
        folder: str = "",
        zone: str = "",
        request: str | None = None,  # noqa: ARG002
        origin: Origin | None = None,  # noqa: ARG002
        login_id: str = "",
    ) -> Deferred:
        self.wanted_at.append(login_id)
        first = self._first(when, zone)
        place = {"session_id": session_id, "machine_id": machine_id, "folder": folder, "zone": zone or "UTC"}
        return self.keeps(text, when, task, times=[first] if first else [], **place)

    def continue_then(
        self, session_id: str, *, request: str | None = None, origin: Origin | None = None, login_id: str = ""
    ) -> Deferred:
        task, words = DeferredTask.CONTINUE, "Go on where you were."
        return self.defer("on reset", words, task, session_id, request=request, origin=origin, login_id=login_id)

    def cancel_deferred(self, deferred_id: str, *, request: str | None = None) -> Deferred:  # noqa: ARG002
        return self._set(deferred_id, state=DeferredState.CANCELLED, next_at=None)

    def change_deferred(
        self,
        deferred_id: str,
        change: DeferredChange,
        when: str = "",
        zone: str = "",
        *,
        request: str | None = None,  # noqa: ARG002
    ) -> Deferred:
        if change is DeferredChange.MOVE:
            first = self._first(when, zone)
            self.times[deferred_id] = [first] if first else []
            return self._set(deferred_id, when=when, next_at=first)
        if change is DeferredChange.NOW:
            return self._set(deferred_id, occurrence=self.known_deferred[deferred_id].occurrence + 1)
        return self._set(deferred_id, state=_CHANGED[change])

    def _set(self, deferred_id: str, **changes: object) -> Deferred:
        self.known_deferred[deferred_id] = replace(self.known_deferred[deferred_id], **changes)  # type: ignore[arg-type]
        self.happened()
        return self.known_deferred[deferred_id]

    def _first(self, when: str, zone: str) -> datetime | None:
        now = datetime.now(UTC).timestamp()
        try:
            known = zone_of(zone or "UTC")
            schedule = alone(when, now, known)
        except Refusal as refusal:
            raise RouterError("INVALID_ARGUMENT", refusal.text, refusal.reason.name) from None
        first = None if schedule.condition else schedule.first(now, now, known)
        return None if first is None else datetime.fromtimestamp(first, UTC)
