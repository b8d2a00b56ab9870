"""What all parts of Control share: the services they call, request ids, waiting, and who asks."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types_pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from msgspec.structs import replace

from router.api import worker_tokens
from router.api.auth import Guard
from router.api.control.scope import check_named
from router.api.convert.chats import chat_ref
from router.api.convert.notifications import notification_message
from router.api.convert.times import seconds
from router.api.handlers import Call
from router.api.people_calls import PeopleServices
from router.clock import Clock
from router.domain.command import CommandState, Origin
from router.domain.credentials import MAY_CLAIM, MAY_PRESS
from router.domain.errors import Reason, Refusal
from router.domain.notification import Notification, NotificationState
from router.domain.permission import PermissionState
from router.domain.scope import Scope
from router.domain.session import Session, SessionState
from router.link.hub import Hub
from router.services import scopes
from router.services.answer_rules import AnswerRules
from router.services.batches import Batches
from router.services.callbacks import Callbacks
from router.services.controls import Controls
from router.services.deferral.deferrals import Deferrals
from router.services.deferral.limits import Limits
from router.services.deferral.occurrences import Occurrences
from router.services.delivery.dead_letters import DeadLetters
from router.services.delivery.engine import DeliveryEngine
from router.services.events import EventLog
from router.services.gates import Gates
from router.services.janitor import Janitor
from router.services.links.enrolment import Enrolment
from router.services.links.machine_keys import MachineKeys
from router.services.links.presence import Presence
from router.services.outbox.notifications import Notifications
from router.services.people.api_keys import ApiKeys
from router.services.people.audience import check_target
from router.services.permissions import Permissions
from router.services.screens import Screens
from router.services.session_messages import SessionMessages
from router.services.sessions import SessionService
from router.services.starts import Starts
from router.services.upkeep.retention import Clean
from router.services.upkeep.stats import Stats
from router.services.wakeups import Wakeups, set_within
from router.store import idempotency, permissions, sessions
from router.store.database import Database, Transaction

M = TypeVar("M", bound=Message)
T = TypeVar("T")
MAX_WAIT = 3600.0  # seconds a call may wait for an end
MAX_PAGE, DEFAULT_PAGE = 1000, 100
Asked = (
    pb.SendCommandRequest | pb.RespondPermissionRequest | pb.StartSessionRequest | pb.StopSessionRequest
    | pb.DeferRequest | pb.AllowForRequest | pb.DoToManyRequest | pb.CloseWorkspaceRequest
    | pb.MoveWorkspaceRequest
    | pb.EndRuleRequest
)  # fmt: skip


class Ending(Protocol):
    """What goes through states and ends: a command, a notification."""

    @property
    def state(self) -> CommandState | NotificationState | PermissionState:
        """Live until it has ended."""

    @property
    def session_id(self) -> str:
        """What it is about."""


E = TypeVar("E", bound=Ending)


@dataclass(frozen=True, slots=True)
class Deferral:
    """What is to be done later."""

    kept: Deferrals
    occurrences: Occurrences
    limits: Limits


@dataclass(frozen=True, slots=True)
class ControlServices:
    """What Control needs of the house."""

    guard: Guard
    database: Database
    clock: Clock
    hub: Hub
    delivery: DeliveryEngine
    sessions: SessionService
    notifications: Notifications
    enrolment: Enrolment
    keys: ApiKeys
    machine_keys: MachineKeys
    wakeups: Wakeups
    stats: Stats
    dead_letters: DeadLetters
    permissions: Permissions
    starts: Starts
    controls: Controls
    presence: Presence
    gates: Gates
    clean: Clean
    events: EventLog
    screens: Screens
    people: PeopleServices
    deferral: Deferral
    session_messages: SessionMessages
    answer_rules: AnswerRules
    batches: Batches
    janitor: Janitor
    callbacks: Callbacks


class Part:
    """One noun's methods."""

    def __init__(self, services: ControlServices) -> None:
        self._s = services

    def _write(self, call: Call, operation: Callable[[Transaction], T], claimed: str = "") -> "asyncio.Future[T]":
        """Run an operation for whoever calls."""
        caller = call.caller(claimed)

        def acting(tx: Transaction) -> T:
            tx.caller = caller
            return operation(tx)

        return self._s.database.write(acting)

    def _shown(self, call: Call, found: Iterable[Notification]) -> Iterator[types_pb.Notification]:
        """Notifications for whoever calls: what presses their buttons is for those alone who may press."""
        to_press = call.principal.role in MAY_PRESS
        return (notification_message(each, to_press=to_press) for each in found)

    def _check_own(self, on: Transaction | sqlite3.Connection, call: Call, session_id: str) -> None:
        """Raise Refusal where a worker names another session than its own, or is none any more."""
        worker_tokens.check_own(on, call.principal.worker, session_id, self._s.clock.now())

    async def _once(
        self, call: Call, request: Message, response_class: type[M], operation: Callable[[Transaction], M]
    ) -> M:
        """Run an operation, or replay the answer that the same request id got before."""
        said = request_id(request.request_id)  # type: ignore[attr-defined]
        who = claim(request, call)
        operation = _checked(request, operation, call.principal.scope)
        if not said:
            return await self._write(call, operation, who)
        # Of this caller and this method alone: two scripts that count from 1 do not get each other's answers.
        key = f"{call.principal.key_id or call.principal.name}/{type(request).__name__}/{said}"
        body = request.SerializeToString(deterministic=True)

        def replayable(tx: Transaction) -> tuple[bytes | None, M | None]:
            if (known := idempotency.answered(tx, key, body)) is not None:
                return known, None
            response = operation(tx)
            idempotency.remember(tx, key, body, response.SerializeToString(), self._s.clock.now())
            return None, response

        known, response = await self._write(call, replayable, who)
        return response if response is not None else response_class.FromString(known or b"")

    async def _ended(
        self,
        call: Call,
        identity: str,
        wait: Duration,
        get: Callable[[sqlite3.Connection, str], E],
        unknown: Callable[[str], Refusal],
    ) -> E:
        """What has this id, as soon as it has ended, or as it is when the wait is over. Raises Refusal."""
        over: list[Refusal] = []

        def end(why: Refusal) -> None:
            over.append(why)
            changed.set()

        def look(c: sqlite3.Connection) -> E:
            found = get(c, identity)
            scopes.check(c, call.principal.scope, found.session_id, unknown(identity))
            return found

        # A wait is long enough for what the caller showed to be over meanwhile.
        with self._s.wakeups.on(identity) as changed, self._s.guard.until_over(call.principal, end):
            until = self._s.clock.monotonic() + min(seconds(wait), MAX_WAIT)
            found = await self._s.database.read(look)
            while found.state.live and (left := until - self._s.clock.monotonic()) > 0:
                await set_within(changed, left)
                if over:
                    raise over[0]
                changed.clear()  # before the look: what happens meanwhile wakes again
                found = await self._s.database.read(look)
        return found

    def _live(self, session: Session) -> Session:
        ended = session.state is SessionState.ENDED
        return replace(session, connected=not ended and self._s.hub.connected(session.machine_id))


def request_id(given: str) -> str:
    """The id itself. Raises Refusal where it is too long."""
    if len(given) > 128:
        raise Refusal(Reason.INVALID_ARGUMENT, "request_id may have 128 characters")
    return given


def page_size(limit: int) -> int:
    """How many to list; a limit of 0 is none of the caller's."""
    return min(limit or DEFAULT_PAGE, MAX_PAGE)


def origin(request: Asked, call: Call) -> Origin:
    """Who asks, and from where."""
    if not request.HasField("origin"):
        return Origin("grpc", call.principal.name)
    chat = chat_ref(request.origin.chat) if request.origin.HasField("chat") else None
    return Origin(request.origin.source[:50] or "grpc", claim(request, call) or call.principal.name, chat)


def _checked(request: Message, operation: Callable[[Transaction], M], scope: Scope) -> Callable[[Transaction], M]:
    """The operation, for who names what they reach, and a chat that may be named: there is told what becomes of it."""
    asked = isinstance(request, Asked) and request.origin.HasField("chat")
    chat = chat_ref(request.origin.chat) if asked else None  # type: ignore[attr-defined]
    if chat is None and not scope.is_limited:
        return operation

    def checked(tx: Transaction) -> M:
        check_named(tx, scope, request)
        if chat is not None:
            check_target(tx, _session_of(tx, request), chat)
        return operation(tx)

    return checked


def _session_of(tx: Transaction, request: Message) -> Session | None:
    """What it is about; None where that is no session yet, or none."""
    if isinstance(request, pb.RespondPermissionRequest):
        asked = permissions.find(tx, request.permission_id)
        return sessions.find(tx, asked.session_id) if asked else None
    named = getattr(request, "session_id", "")
    return sessions.find(tx, named) if named else None


def claim(request: Message, call: Call) -> str:
    """The person that a call says to act for; empty where it does not, or may not: then who calls is who acts."""
    if not isinstance(request, Asked) or call.principal.role not in MAY_CLAIM:
        return ""
    return request.origin.actor[:200]


def ttl(request: pb.SendCommandRequest | pb.StartSessionRequest) -> float | None:
    """The caller's own limit in seconds, or None. Raises Refusal."""
    limit = seconds(request.ttl) if request.HasField("ttl") else None
    if limit is not None and limit <= 0:
        raise Refusal(Reason.INVALID_ARGUMENT, "ttl must be greater than zero")
    return limit


def note(request: Asked) -> str:
    """For the trace."""
    return f"request {request.request_id}" if request.request_id else ""
