"""What is to be done later: asking for it, seeing it, changing it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2

from pointsman.client import convert
from pointsman.client.calls import Calls, request_id
from pointsman.client.records import Chat, Origin


class DeferredTask(Enum):
    """What is done then."""

    UNKNOWN = "UNKNOWN"
    TEXT = "TEXT"
    REMINDER = "REMINDER"
    START = "START"
    CONTINUE = "CONTINUE"  # a session goes on that came to a usage limit
    SUMMARY = "SUMMARY"


class DeferredState(Enum):
    """Where it stands."""

    UNKNOWN = "UNKNOWN"
    WAITING = "WAITING"
    PAUSED = "PAUSED"
    DONE = "DONE"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


class DeferredChange(Enum):
    """What can be done about it beside taking it back."""

    PAUSE = "PAUSE"
    RESUME = "RESUME"
    NOW = "NOW"
    MOVE = "MOVE"


@dataclass(frozen=True, slots=True)
class Deferred:
    """Something that is done later, once or again and again. `next_at` is not there where it waits for no time."""

    deferred_id: str
    task: DeferredTask
    session_id: str
    text: str
    machine_id: str
    folder: str
    when: str
    zone: str
    next_at: datetime | None
    state: DeferredState
    occurrence: int  # how often it was done
    source: str
    actor: str
    created_at: datetime | None
    detail: str


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that something is done. `more`: that day has others of the same, which are not said."""

    deferred_id: str
    session_id: str
    at: datetime
    more: bool


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Times, the next first; `cut`: there are more, later than the last one."""

    occurrences: list[Occurrence]
    cut: bool


class DeferredTasks(Calls):
    """Every method raises RouterError."""

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
        request: str | None = None,
        origin: Origin | None = None,
        login_id: str = "",
    ) -> Deferred:
        """Keep something for later; `when` is in the router's own words: "tomorrow 9:00", "every weekday 9:00", …

        A TEXT needs a session; a START a machine, where there are several. `zone` is the router's where none is given.
        `login_id`: of the browser that it is asked for at.
        """
        asked = pb.DeferRequest(
            when=when, zone=zone, task=types_pb2.DeferredTask.Value(f"DEFERRED_TASK_{task.name}"),
            session_id=session_id, text=text, machine_id=machine_id, folder=folder, request_id=request_id(request),
            origin=self._sender(origin), login_id=login_id,
        )  # fmt: skip
        return _read(self._call(self._stub.Defer, asked).deferred)

    def deferred(self, session_id: str = "", *, include_over: bool = False, limit: int = 0) -> list[Deferred]:
        """What waits, the next first; for one session, if it is given."""
        asked = pb.ListDeferredRequest(session_id=session_id, include_over=include_over, limit=limit)
        return [_read(each) for each in self._call(self._stub.ListDeferred, asked).deferred]

    def occurrences(
        self, until: datetime, since: datetime | None = None, zone: str = "", session_id: str = ""
    ) -> Occurrences:
        """When what waits is done from now, or `since`, until then; `zone` says which days are meant."""
        asked = pb.ListOccurrencesRequest(zone=zone, session_id=session_id)
        # Not in the call: to protobuf, None would be a time, too.
        asked.until.FromDatetime(until)
        if since is not None:
            asked.since.FromDatetime(since)
        found = self._call(self._stub.ListOccurrences, asked)
        return Occurrences(convert.read_all(Occurrence, found.occurrences), found.cut)

    def continue_then(
        self, session_id: str, *, request: str | None = None, origin: Origin | None = None, login_id: str = ""
    ) -> Deferred:
        """Let a session that is at its usage limit go on when that is over, unless somebody writes to it before."""
        # Neither when nor what is the caller's to say: the router checks both when the limit is over.
        return self.defer(
            "", "", DeferredTask.CONTINUE, session_id, request=request, origin=origin, login_id=login_id
        )  # fmt: skip

    def summary(self, chat: Chat, at: str = "", *, request: str | None = None) -> str:
        """When a chat is told each day how its sessions stand; `at` sets it: "8:00", "off". Empty for never."""
        asked = pb.SetSummaryRequest(chat=convert.chat_ref(chat), at=at, request_id=request_id(request))
        return self._call(self._stub.SetSummary, asked).at

    def cancel_deferred(self, deferred_id: str, *, request: str | None = None) -> Deferred:
        """Take it back for good."""
        asked = pb.CancelDeferredRequest(deferred_id=deferred_id, request_id=request_id(request))
        return _read(self._call(self._stub.CancelDeferred, asked).deferred)

    def change_deferred(
        self, deferred_id: str, change: DeferredChange, when: str = "", zone: str = "", *, request: str | None = None
    ) -> Deferred:
        """Let it pause, go on, be done now, or, with `when`, have another time."""
        asked = pb.ChangeDeferredRequest(
            deferred_id=deferred_id, change=pb.DeferredChange.Value(f"DEFERRED_CHANGE_{change.name}"), when=when,
            zone=zone, request_id=request_id(request),
        )  # fmt: skip
        return _read(self._call(self._stub.ChangeDeferred, asked).deferred)


def _read(message: types_pb2.Deferred) -> Deferred:
    task = types_pb2.DeferredTask.Name(message.task) if message.task in types_pb2.DeferredTask.values() else ""
    state = types_pb2.DeferredState.Name(message.state) if message.state in types_pb2.DeferredState.values() else ""
    return convert.read(
        Deferred, message, task=convert.member(DeferredTask, task.removeprefix("DEFERRED_TASK_")),
        state=convert.member(DeferredState, state.removeprefix("DEFERRED_STATE_")), source=message.origin.source,
        actor=message.origin.actor,
    )  # fmt: skip
