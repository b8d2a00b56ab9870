"""Control: what people and programs ask. Every method parses, calls and maps."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from agentlink.v1 import control_pb2 as pb
from agentlink.v1.chat_link_pb2 import SubmitResponse
from google.protobuf.message import Message

from router.api import callers, convert, questions, times
from router.api.server import Call
from router.api.strangers import listed
from router.clock import Clock
from router.domain.command import Command, Origin
from router.domain.errors import Reason, Refusal
from router.domain.namesakes import told_apart
from router.domain.session import Session, SessionState
from router.link.hub import Hub
from router.services.delivery.dead_letters import DeadLetters
from router.services.delivery.engine import DeliveryEngine
from router.services.links.enrolment import Enrolment
from router.services.links.presence import Presence
from router.services.outbox.notifications import Notifications
from router.services.permissions import Permissions
from router.services.sessions import SessionService
from router.services.starts import Starts
from router.services.upkeep import retention
from router.services.upkeep.stats import Stats
from router.services.wakeups import ANYTHING, Wakeups, set_within
from router.store import audit, commands, idempotency, machines, names, notifications, permissions, sessions, strangers
from router.store.api_keys import page as all_api_keys
from router.store.backup import backup
from router.store.database import Database, Transaction

M = TypeVar("M", bound=Message)
MAX_WAIT = 3600.0  # seconds a call may wait for an end
MAX_PAGE, DEFAULT_PAGE = 1000, 100
WATCH_PAGE = 200
WATCH_IDLE = 30.0  # seconds between looks when nothing wakes a watcher


@dataclass(frozen=True, slots=True)
class ControlServices:
    """What Control needs of the house."""

    database: Database
    clock: Clock
    hub: Hub
    delivery: DeliveryEngine
    sessions: SessionService
    notifications: Notifications
    enrolment: Enrolment
    wakeups: Wakeups
    stats: Stats
    dead_letters: DeadLetters
    permissions: Permissions
    starts: Starts
    presence: Presence


class ControlServicer:
    """The service people and programs call."""

    def __init__(self, services: ControlServices) -> None:
        self._s = services

    async def RegisterSession(self, request: pb.RegisterSessionRequest, call: Call) -> pb.RegisterSessionResponse:
        def operation(tx: Transaction) -> pb.RegisterSessionResponse:
            who, s = call.principal.name, request
            session = self._s.sessions.register(tx, s.session_id, s.machine_id, s.label, who)
            return pb.RegisterSessionResponse(session=convert.session(session))

        return await self._once(call, request, pb.RegisterSessionResponse, operation)

    async def UnregisterSession(self, request: pb.UnregisterSessionRequest, call: Call) -> pb.UnregisterSessionResponse:
        def operation(tx: Transaction) -> pb.UnregisterSessionResponse:
            dead = self._s.sessions.unregister(tx, request.session_id, call.principal.name)
            return pb.UnregisterSessionResponse(dead_commands=dead)

        return await self._once(call, request, pb.UnregisterSessionResponse, operation)

    async def ListSessions(self, request: pb.ListSessionsRequest, _call: Call) -> pb.ListSessionsResponse:
        page = await self._s.database.read(lambda c: sessions.page(c, request.machine_id, ended=request.include_ended))
        found = [self._live(session) for session in told_apart(page)]
        return pb.ListSessionsResponse(sessions=[convert.session(session) for session in found])

    async def SendCommand(self, request: pb.SendCommandRequest, call: Call) -> pb.SendCommandResponse:
        draft = callers.draft(request, call)

        def operation(tx: Transaction) -> pb.SendCommandResponse:
            return pb.SendCommandResponse(command=convert.command(self._s.delivery.accept(tx, draft)))

        return await self._once(call, request, pb.SendCommandResponse, operation)

    async def GetCommand(self, request: pb.GetCommandRequest, _call: Call) -> pb.GetCommandResponse:
        wait = _wait(times.seconds(request.wait))
        identity = await self._s.database.read(lambda c: names.command(c, request.command_id))
        with self._s.wakeups.on(identity) as changed:
            until = self._s.clock.monotonic() + wait
            command = await self._command(identity)
            while command.state.live and (left := until - self._s.clock.monotonic()) > 0:
                await set_within(changed, left)
                changed.clear()
                command = await self._command(identity)
        return pb.GetCommandResponse(command=convert.command(command))

    async def ListCommands(self, request: pb.ListCommandsRequest, _call: Call) -> pb.ListCommandsResponse:
        states = [convert.STATES_OF_COMMANDS[s] for s in request.states if s in convert.STATES_OF_COMMANDS]
        limit, before, of = _page(request.limit), request.before_command_id, request.session_id
        found = await self._s.database.read(
            lambda c: commands.page(c, session_id=names.session(c, of), states=states, limit=limit, before=before)
        )
        return pb.ListCommandsResponse(commands=[convert.command(command) for command in found])

    async def CancelCommand(self, request: pb.CancelCommandRequest, call: Call) -> pb.CancelCommandResponse:
        def operation(tx: Transaction) -> pb.CancelCommandResponse:
            command = self._s.delivery.cancel(tx, request.command_id, call.principal.name)
            return pb.CancelCommandResponse(command=convert.command(command))

        return await self._once(call, request, pb.CancelCommandResponse, operation)

    async def Redrive(self, request: pb.RedriveRequest, call: Call) -> pb.RedriveResponse:
        def operation(tx: Transaction) -> pb.RedriveResponse:
            origin = Origin("grpc", call.principal.name)
            command = self._s.dead_letters.redrive(tx, request.command_id, request.session_id, origin)
            return pb.RedriveResponse(command=convert.command(command))

        return await self._once(call, request, pb.RedriveResponse, operation)

    async def DropDeadLetter(self, request: pb.DropDeadLetterRequest, call: Call) -> pb.DropDeadLetterResponse:
        def operation(tx: Transaction) -> pb.DropDeadLetterResponse:
            command = self._s.dead_letters.drop(tx, request.command_id, call.principal.name)
            return pb.DropDeadLetterResponse(command=convert.command(command))

        return await self._once(call, request, pb.DropDeadLetterResponse, operation)

    async def ListDeadLetters(self, request: pb.ListDeadLettersRequest, _call: Call) -> pb.ListDeadLettersResponse:
        limit = _page(request.limit)
        found = await self._s.database.read(lambda c: commands.dead_letters(c, limit))
        missing = await self._s.database.read(lambda c: notifications.dead(c, limit))
        listed = [convert.command(command) for command in found]
        return pb.ListDeadLettersResponse(commands=listed, notifications=map(convert.notification, missing))

    async def Notify(self, request: pb.NotifyRequest, call: Call) -> pb.NotifyResponse:
        targets = [convert.chat_ref(target) for target in request.targets]
        buttons = convert.buttons(list(request.buttons))

        def operation(tx: Transaction) -> pb.NotifyResponse:
            who = call.principal.name
            sent = self._s.notifications.send(tx, request.session_id, request.text, buttons, targets, who)
            return pb.NotifyResponse(notifications=[convert.notification(note) for note in sent])

        return await self._once(call, request, pb.NotifyResponse, operation)

    async def GetNotification(self, request: pb.GetNotificationRequest, _call: Call) -> pb.GetNotificationResponse:
        wait = _wait(times.seconds(request.wait))
        identity = await self._s.database.read(lambda c: names.notification(c, request.notification_id))
        with self._s.wakeups.on(identity) as changed:
            until = self._s.clock.monotonic() + wait
            found = await self._s.database.read(lambda c: notifications.get(c, identity))
            while found.state.live and (left := until - self._s.clock.monotonic()) > 0:
                await set_within(changed, left)
                changed.clear()
                found = await self._s.database.read(lambda c: notifications.get(c, identity))
        return pb.GetNotificationResponse(notification=convert.notification(found))

    async def ListNotifications(
        self, request: pb.ListNotificationsRequest, _call: Call
    ) -> pb.ListNotificationsResponse:
        limit = _page(request.limit)
        found = await self._s.database.read(lambda c: callers.notifications_page(c, request, limit))
        return pb.ListNotificationsResponse(notifications=[convert.notification(note) for note in found])

    async def ListMachines(self, _request: pb.ListMachinesRequest, _call: Call) -> pb.ListMachinesResponse:
        found = await self._s.database.read(machines.page)
        return pb.ListMachinesResponse(machines=[convert.machine(self._s.presence.live(machine)) for machine in found])

    async def CreateJoinToken(self, request: pb.CreateJoinTokenRequest, call: Call) -> pb.CreateJoinTokenResponse:
        ttl = times.seconds(request.ttl) if request.HasField("ttl") else None
        who, machine_id = call.principal.name, request.machine_id
        token, expires_at = await self._s.database.write(
            lambda tx: self._s.enrolment.create_token(tx, machine_id, ttl, who)
        )
        return pb.CreateJoinTokenResponse(join_token=token, expires_at=times.timestamp(expires_at))

    async def RevokeMachine(self, request: pb.RevokeMachineRequest, call: Call) -> pb.RevokeMachineResponse:
        who = call.principal.name
        dead = await self._s.database.write(lambda tx: self._s.enrolment.revoke_machine(tx, request.machine_id, who))
        return pb.RevokeMachineResponse(dead_commands=dead)

    async def CreateApiKey(self, request: pb.CreateApiKeyRequest, _call: Call) -> pb.CreateApiKeyResponse:
        if (role := convert.ROLES_BY_NUMBER.get(request.role)) is None:
            raise Refusal(Reason.INVALID_ARGUMENT, "role must be ADMIN, OPERATOR, CHAT or VIEWER")
        key, secret = await self._s.database.write(lambda tx: self._s.enrolment.create_key(tx, request.label, role))
        return pb.CreateApiKeyResponse(key=convert.api_key(key), secret=secret)

    async def ListApiKeys(self, _request: pb.ListApiKeysRequest, _call: Call) -> pb.ListApiKeysResponse:
        found = await self._s.database.read(all_api_keys)
        return pb.ListApiKeysResponse(keys=[convert.api_key(key) for key in found])

    async def RevokeApiKey(self, request: pb.RevokeApiKeyRequest, _call: Call) -> pb.RevokeApiKeyResponse:
        await self._s.database.write(lambda tx: self._s.enrolment.revoke_key(tx, request.key_id))
        return pb.RevokeApiKeyResponse()

    async def Trace(self, request: pb.TraceRequest, _call: Call) -> pb.TraceResponse:
        subject = await self._s.database.read(lambda c: _command_of_update(c, request.id)) or request.id
        subject = await self._s.database.read(lambda c: names.anything(c, subject))
        found = await self._s.database.read(lambda c: audit.story(c, subject))
        if not found:
            raise Refusal(Reason.NOT_FOUND, f"Nothing is known of {request.id[:128]}.")
        return pb.TraceResponse(steps=[convert.step(step) for step in found])

    async def WatchEvents(self, request: pb.WatchEventsRequest, call: Call) -> None:
        cursor = request.after_event_id or await self._s.database.read(audit.newest)
        of = await self._s.database.read(lambda c: names.session(c, request.session_id))
        await call.context.send_initial_metadata(())  # what happens from here on is seen
        with self._s.wakeups.on(ANYTHING) as changed:
            while True:
                changed.clear()
                page = await self._s.database.read(
                    lambda c, at=cursor: audit.after(c, at, of, WATCH_PAGE)  # type: ignore[misc]
                )
                for cursor, step in page:
                    event = pb.WatchEventsResponse(event_id=cursor, step=convert.step(step), session_id=step.session_id)
                    await call.context.write(event.SerializeToString())
                if not page:
                    await set_within(changed, WATCH_IDLE)

    async def Cleanup(self, _request: pb.CleanupRequest, _call: Call) -> pb.CleanupResponse:
        removed = more = await self._s.database.write(lambda tx: retention.clean(tx, self._s.clock.now()))
        while more.full:
            more = await self._s.database.write(lambda tx: retention.clean(tx, self._s.clock.now()))
            removed += more
        rows = removed.rows
        return pb.CleanupResponse(
            commands=rows["commands"], notifications=rows["notifications"], messages=rows["messages"],
            updates=rows["requests"], sessions=rows["sessions"], steps=rows["steps"],
        )  # fmt: skip

    async def GetStats(self, _request: pb.GetStatsRequest, _call: Call) -> pb.GetStatsResponse:
        figures = await self._s.stats.read()
        return pb.GetStatsResponse(
            commands=figures.rows["commands"], notifications=figures.rows["notifications"],
            agent_links=figures.agent_links,
            oldest_command_age=times.duration(figures.oldest_command_age), chat_links=figures.chat_links,
            commits=figures.commits, commit_p99=times.duration(figures.commit_p99), wal_bytes=figures.wal_bytes,
            resends=figures.resends, writable=figures.writable, uptime=times.duration(figures.uptime),
            version=figures.version,
        )  # fmt: skip

    async def Backup(self, request: pb.BackupRequest, _call: Call) -> pb.BackupResponse:
        size = await self._s.database.read(lambda c: backup(c, request.path))
        return pb.BackupResponse(bytes=size)

    async def ListPermissions(self, request: pb.ListPermissionsRequest, _call: Call) -> pb.ListPermissionsResponse:
        r, limit = request, _page(request.limit)
        found = await self._s.database.read(
            lambda c: permissions.page(
                c,
                session_id=names.session(c, r.session_id),
                permission_id=names.permission(c, r.permission_id),
                closed=r.include_closed,
                limit=limit,
            )
        )
        return pb.ListPermissionsResponse(permissions=[questions.permission(each) for each in found])

    async def RespondPermission(self, request: pb.RespondPermissionRequest, call: Call) -> pb.RespondPermissionResponse:
        origin, r = callers.origin(request, call), request

        def operation(tx: Transaction) -> pb.RespondPermissionResponse:
            decided = self._s.permissions.respond(tx, r.permission_id, r.input_digest, r.option_id, r.text, origin)
            return pb.RespondPermissionResponse(permission=questions.permission(decided))

        return await self._once(call, request, pb.RespondPermissionResponse, operation)

    async def StartSession(self, request: pb.StartSessionRequest, call: Call) -> pb.StartSessionResponse:
        wanted, origin, ttl, note = (
            callers.wanted(request),
            callers.origin(request, call),
            callers.ttl(request),
            callers.note(request),
        )

        def operation(tx: Transaction) -> pb.StartSessionResponse:
            command = self._s.starts.start(tx, wanted, origin, ttl=ttl, note=note)
            session = convert.session(self._live(sessions.get(tx, command.session_id)))
            return pb.StartSessionResponse(session=session, command=convert.command(command))

        return await self._once(call, request, pb.StartSessionResponse, operation)

    async def StopSession(self, request: pb.StopSessionRequest, call: Call) -> pb.StopSessionResponse:
        origin, note = callers.origin(request, call), callers.note(request)

        def operation(tx: Transaction) -> pb.StopSessionResponse:
            command = self._s.starts.stop(tx, request.session_id, origin, note)
            return pb.StopSessionResponse(command=convert.command(command))

        return await self._once(call, request, pb.StopSessionResponse, operation)

    async def ListStrangers(self, _request: pb.ListStrangersRequest, _call: Call) -> pb.ListStrangersResponse:
        found = await self._s.database.read(strangers.page)
        return pb.ListStrangersResponse(strangers=[listed(stranger) for stranger in found])

    async def _once(
        self, call: Call, request: Message, response_class: type[M], operation: Callable[[Transaction], M]
    ) -> M:
        """Run an operation, or replay the answer that the same request id got before."""
        request_id: str = request.request_id  # type: ignore[attr-defined]
        if not request_id:
            return await self._s.database.write(operation)
        if len(request_id) > 128:
            raise Refusal(Reason.INVALID_ARGUMENT, "request_id may have 128 characters")
        key = f"{call.principal.name}/{type(request).__name__}/{request_id}"
        body = request.SerializeToString(deterministic=True)

        def replayable(tx: Transaction) -> tuple[bytes | None, M | None]:
            if (known := idempotency.answered(tx, key, body)) is not None:
                return known, None
            response = operation(tx)
            idempotency.remember(tx, key, body, response.SerializeToString(), self._s.clock.now())
            return None, response

        known, response = await self._s.database.write(replayable)
        return response if response is not None else response_class.FromString(known or b"")

    async def _command(self, command_id: str) -> Command:
        return await self._s.database.read(lambda c: commands.get(c, command_id))

    def _live(self, session: Session) -> Session:
        ended = session.state is SessionState.ENDED
        return replace(session, connected=not ended and self._s.hub.connected(session.machine_id))


def _command_of_update(connection: sqlite3.Connection, key: str) -> str:
    answer = idempotency.answered(connection, key, None) if key.count(":") >= 1 else None
    return SubmitResponse.FromString(answer).command_id if answer else ""


def _page(limit: int) -> int:
    return min(limit or DEFAULT_PAGE, MAX_PAGE)


def _wait(seconds: float) -> float:
    return min(seconds, MAX_WAIT)
