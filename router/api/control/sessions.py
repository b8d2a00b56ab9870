"""Control: sessions, and starting and ending them from afar."""

import sqlite3
from collections import defaultdict

from agentlink.v1 import control_pb2 as pb
from msgspec.structs import replace

from router.api.control.part import Part, note, origin, ttl
from router.api.convert.commands import command_message
from router.api.convert.sessions import session_message
from router.api.convert.workspaces import workspace
from router.api.handlers import Call
from router.domain.action import StartSession
from router.domain.command import ChatRef
from router.domain.namesakes import told_apart
from router.domain.session import Session
from router.domain.start import Wanted
from router.domain.worker import Worker
from router.store import audience, sessions
from router.store.database import Transaction


class SessionsPart(Part):
    """What may be asked of sessions."""

    async def RegisterSession(self, request: pb.RegisterSessionRequest, call: Call) -> pb.RegisterSessionResponse:
        def operation(tx: Transaction) -> pb.RegisterSessionResponse:
            who, s = call.principal.name, request
            session = self._s.sessions.register(tx, s.session_id, s.machine_id, s.label, who)
            return pb.RegisterSessionResponse(session=session_message(session))

        return await self._once(call, request, pb.RegisterSessionResponse, operation)

    async def UnregisterSession(self, request: pb.UnregisterSessionRequest, call: Call) -> pb.UnregisterSessionResponse:
        def operation(tx: Transaction) -> pb.UnregisterSessionResponse:
            dead = self._s.sessions.unregister(tx, request.session_id, call.principal.name)
            return pb.UnregisterSessionResponse(dead_commands=dead)

        return await self._once(call, request, pb.UnregisterSessionResponse, operation)

    async def RenameSession(self, request: pb.RenameSessionRequest, call: Call) -> pb.RenameSessionResponse:
        def operation(tx: Transaction) -> pb.RenameSessionResponse:
            session = self._s.sessions.rename(tx, request.session_id, request.label, call.principal.name)
            return pb.RenameSessionResponse(session=session_message(session))

        return await self._once(call, request, pb.RenameSessionResponse, operation)

    async def ListSessions(self, request: pb.ListSessionsRequest, call: Call) -> pb.ListSessionsResponse:
        page = await self._s.database.read(lambda c: _with_homes(c, request.machine_id, ended=request.include_ended))
        page = list(filter(call.principal.scope.has, page))
        if worker := call.principal.worker:
            page = await self._s.database.read(lambda c: self._seen_by(c, page, worker, reachable=request.reachable))
        return pb.ListSessionsResponse(sessions=[session_message(self._live(session)) for session in told_apart(page)])

    def _seen_by(
        self, on: sqlite3.Connection, page: list[Session], worker: Worker, *, reachable: bool
    ) -> list[Session]:
        """What the program in a session is shown: its own, and those that it may send to."""
        own = [each for each in page if each.session_id == worker.session_id]
        reached = self._s.session_messages.reachable(on, own[0]) if own and reachable else []
        known = {each.session_id for each in (*own, *reached)}
        return [each for each in page if each.session_id in known]

    async def StartSession(self, request: pb.StartSessionRequest, call: Call) -> pb.StartSessionResponse:
        wanted, who, limit = _wanted(request), origin(request, call), ttl(request)

        def operation(tx: Transaction) -> pb.StartSessionResponse:
            command = self._s.starts.start(tx, wanted, who, ttl=limit, note=note(request))
            session = self._live(sessions.get(tx, command.session_id))
            return pb.StartSessionResponse(session=session_message(session), command=command_message(command))

        return await self._once(call, request, pb.StartSessionResponse, operation)

    async def StopSession(self, request: pb.StopSessionRequest, call: Call) -> pb.StopSessionResponse:
        who = origin(request, call)

        def operation(tx: Transaction) -> pb.StopSessionResponse:
            command = self._s.starts.stop(tx, request.session_id, who, note(request))
            return pb.StopSessionResponse(command=command_message(command))

        return await self._once(call, request, pb.StopSessionResponse, operation)


def _wanted(r: pb.StartSessionRequest) -> Wanted:
    place = workspace(r.workspace) if r.HasField("workspace") else None
    return Wanted(r.machine_id, StartSession(r.prompt, r.folder, r.conversation_id, r.keep, r.agent, place))


def _with_homes(on: sqlite3.Connection, machine_id: str, *, ended: bool) -> list[Session]:
    homes: dict[str, tuple[ChatRef, ...]] = defaultdict(tuple)
    for each in audience.everyone(on):
        if each.hearing.wants:
            homes[each.session_id] += (each.chat,)
    page = sessions.page(on, machine_id, ended=ended)
    return [replace(each, home=homes[each.session_id]) for each in page] if homes else page
