"""Control: the trace of one thing, and what happens as it happens."""

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

from agentlink.v1 import control_pb2 as pb
from agentlink.v1.chat_link_pb2 import SubmitResponse

from router.api.control.part import Part
from router.api.convert.times import timestamp
from router.api.handlers import Call
from router.domain.errors import Reason, Refusal
from router.domain.scope import Scope
from router.services.wakeups import ANYTHING, set_within
from router.store import idempotency, names, sessions, trace

WATCH_PAGE = 200
WATCH_IDLE = 30.0  # seconds between looks when nothing wakes a watcher

Numbered = tuple[int, trace.TraceStep]


class TracePart(Part):
    """What may be asked of what has happened."""

    async def Trace(self, request: pb.TraceRequest, call: Call) -> pb.TraceResponse:
        found = await self._s.database.read(lambda c: _story(c, request.id, call.principal.scope))
        if not found:
            raise Refusal(Reason.NOT_FOUND, f"Nothing is known of {request.id[:128]}.")
        return pb.TraceResponse(steps=map(_step_message, found))

    async def WatchEvents(self, request: pb.WatchEventsRequest, call: Call) -> None:
        cursor = await self._s.database.read(lambda c: _begin(c, request))
        of = await self._s.database.read(lambda c: self._watched(c, call, request.session_id))
        await call.context.send_initial_metadata(())  # what happens from here on is seen
        async with aclosing(self._behind(cursor, of, call.principal.scope)) as pages:
            async for page in pages:
                for number, step in page:
                    await call.context.write(_event(number, step).SerializeToString())

    async def _behind(self, cursor: int, session_id: str, scope: Scope) -> AsyncGenerator[list[Numbered], None]:
        is_behind = True
        with self._s.wakeups.on(ANYTHING) as changed:
            while True:
                changed.clear()  # before the look: what happens meanwhile wakes again
                look = partial(_after, cursor=cursor, session_id=session_id, scope=scope, is_behind=is_behind)
                page, cursor, within = await self._s.database.read(look)
                yield [(number, step) for number, step in page if within is None or step.session_id in within]
                is_behind = len(page) == WATCH_PAGE
                if not page:
                    await set_within(changed, WATCH_IDLE)

    def _watched(self, on: sqlite3.Connection, call: Call, name: str) -> str:
        if call.principal.worker is None:
            return names.session(on, name, call.principal.scope)
        # By its whole id: a name that fits several would be answered with whose they are.
        self._check_own(on, call, name)
        return call.principal.worker.session_id


def _story(connection: sqlite3.Connection, name: str, scope: Scope) -> list[trace.TraceStep]:
    """The steps of whatever has this name, as far as they are about sessions of the scope."""
    subject = _command_of_update(connection, name) or name
    found = trace.story(connection, names.anything(connection, subject, scope))
    within = sessions.within(connection, scope)
    return [step for step in found if within is None or step.session_id in within]


def _begin(connection: sqlite3.Connection, request: pb.WatchEventsRequest) -> int:
    """The step behind which it begins. Raises Refusal where that cannot be."""
    newest, asked = trace.newest(connection), request.after_event_id
    if request.from_now_on:
        if asked:
            raise Refusal(Reason.INVALID_ARGUMENT, "Either from_now_on or after_event_id, not both.")
        return newest
    if asked > newest:
        text = f"There is no event {asked} yet: this router was put back from a backup. Watch after event 0."
        raise Refusal(Reason.EVENTS_BEGAN_ANEW, text)
    return asked or trace.whole_from(connection) - 1


def _after(
    connection: sqlite3.Connection, *, cursor: int, session_id: str, scope: Scope, is_behind: bool
) -> tuple[list[Numbered], int, list[str] | None]:
    """The next steps, where to go on behind them, and which sessions those may be about that are told.

    Raises Refusal where some of those were removed: nobody who was not behind lacks any.
    """
    page, behind = trace.after(connection, cursor, session_id, WATCH_PAGE)
    first = trace.whole_from(connection) if is_behind else 0  # behind the page, which was whole if this still is
    if cursor + 1 < first:
        text = (
            f"Events behind {cursor} are not kept any more. Watch after event {first - 1}, or 0 for all that are kept."
        )
        raise Refusal(Reason.EVENTS_GONE, text, first_event_id=str(first))
    return page, behind, sessions.within(connection, scope) if page else None


def _event(cursor: int, step: trace.TraceStep) -> pb.WatchEventsResponse:
    return pb.WatchEventsResponse(event_id=cursor, step=_step_message(step), session_id=step.session_id)


def _step_message(s: trace.TraceStep) -> pb.TraceStep:
    return pb.TraceStep(
        at=timestamp(s.at), subject_id=s.subject_id, event=s.event, from_state=s.from_state.upper(),
        to_state=s.to_state.upper(), actor=s.actor, detail=s.detail,
        identity=s.identity,
    )  # fmt: skip


def _command_of_update(connection: sqlite3.Connection, key: str) -> str:
    # People have the update's key from the adapter's log: "telegram:123:456". No id of ours has a colon.
    answer = idempotency.answered(connection, key, None) if key.count(":") >= 1 else None
    return SubmitResponse.FromString(answer).command_id if answer else ""
