"""Control: what a session does."""

import asyncio
import sqlite3
from contextlib import aclosing

from agentlink.v1 import control_pb2 as pb

from router.api.control.part import Part, page_size
from router.api.convert.session_events import hit_message, watched
from router.api.handlers import Call
from router.domain.errors import Reason, Refusal
from router.domain.session import Session
from router.services import scopes
from router.store import names, search, sessions

MOST_HITS = 100  # of one answer
PATIENCE = 60.0  # seconds in which whoever watches has to take an event


class EventsPart(Part):
    """What may be asked of what sessions do."""

    async def WatchSession(self, request: pb.WatchSessionRequest, call: Call) -> None:
        session = await self._s.database.read(lambda c: self._session(c, call, request.session_id))
        told = self._s.events.watch(
            session.session_id, request.after_seq, request.last, once=request.once,
            may=lambda: self._s.database.read(lambda c: self._seen(c, call, session.session_id)),
            saying=session.machine_id if request.deltas else "",
        )  # fmt: skip
        await call.context.send_initial_metadata(())
        async with aclosing(told):  # at once, whatever ends it
            async for seq, event in told:
                await _within_patience(call, watched(seq, event), seq)

    async def Search(self, request: pb.SearchRequest, call: Call) -> pb.SearchResponse:
        words = search.expression(request.query)
        reached = await self._s.database.read(lambda c: self._reached(c, call, request.session_id))
        limit = min(page_size(request.limit or 20), MOST_HITS)
        found = await self._s.events.search(words, reached, request.before, limit)
        return pb.SearchResponse(hits=map(hit_message, found.hits), before=found.before)

    def _reached(self, on: sqlite3.Connection, call: Call, name: str) -> list[str] | None:
        """The ids of the sessions that are searched; None for all there are. Raises Refusal."""
        if name or call.principal.worker:
            return [self._named(on, call, name)]
        return sessions.within(on, call.principal.scope)

    async def Screen(self, request: pb.ScreenRequest, call: Call) -> pb.ScreenResponse:
        session = await self._s.database.read(lambda c: self._session(c, call, request.session_id))
        return pb.ScreenResponse(text=await self._s.screens.look(session))

    def _named(self, on: sqlite3.Connection, call: Call, name: str) -> str:
        return self._session(on, call, name).session_id

    def _session(self, on: sqlite3.Connection, call: Call, name: str) -> Session:
        session_id = name if call.principal.worker else names.session(on, name, call.principal.scope)
        self._seen(on, call, session_id)
        return sessions.get(on, session_id)

    def _seen(self, on: sqlite3.Connection, call: Call, session_id: str) -> None:
        """Raise Refusal where it is not the caller's to see, or is not any more."""
        self._check_own(on, call, session_id)
        scopes.check(on, call.principal.scope, session_id, sessions.unknown(session_id))


async def _within_patience(call: Call, event: bytes, seq: int) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await call.context.write(event)
    except TimeoutError:
        text = f"Nothing was taken for {PATIENCE:.0f} s. Watch again, after the last event that came."
        raise Refusal(Reason.WATCHER_TOO_SLOW, text, last_seq=str(seq - 1)) from None
