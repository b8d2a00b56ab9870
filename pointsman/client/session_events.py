"""What sessions do: what is kept of it, then what comes."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, timedelta

import grpc
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import session_events_pb2 as events_pb
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from pointsman.client.calls import Calls
from pointsman.client.credential import Metadata
from pointsman.client.records import SaidDelta, SessionEvent
from pointsman.client.refusals import from_call

Saying = Callable[[SaidDelta], object]


class SessionEvents(Calls):
    """Every method raises RouterError."""

    def watch_session(
        self, session_id: str, after: int = 0, *, last: int = 0, saying: Saying | None = None
    ) -> Iterator[SessionEvent]:
        """What the session did after that event, of that the newest `last`, and what it does; ends by a RouterError.

        Resume after the number of the last event. `saying` hears what it says while it says it, where its machine can
        tell; the whole comes as an event.
        """
        request = pb.WatchSessionRequest(session_id=session_id, after_seq=after, last=last, deltas=saying is not None)
        while True:
            shown = self._credential.shown()
            try:
                for event in self._events(request, shown, saying=saying):
                    request.after_seq, request.last = event.seq, 0
                    yield event
            except _Refused as refused:
                # A token is over after an hour, and its stream with it; by then there is another one.
                if not refused.error.is_stranger or self._credential.shown() == shown:
                    raise refused.error from None

    def session_events(
        self,
        session_id: str,
        after: int = 0,
        *,
        last: int = 0,
        wait: timedelta = timedelta(),
        saying: Saying | None = None,
    ) -> Iterator[SessionEvent]:
        """As it is now; where there is nothing, what comes within `wait`. `saying` hears what is said meanwhile."""
        request = pb.WatchSessionRequest(
            session_id=session_id, after_seq=after, last=last, once=not wait, deltas=saying is not None
        )
        try:
            yield from self._events(request, self._credential.shown(), wait, saying)
        except _Refused as refused:
            if not (wait and refused.error.status == "DEADLINE_EXCEEDED"):
                raise refused.error from None

    def screen(self, session_id: str) -> str:
        """What its terminal shows now, maybe with colours; whoever prints it lets nothing else through."""
        return str(self._call(self._stub.Screen, pb.ScreenRequest(session_id=session_id)).text)

    def _events(
        self,
        request: pb.WatchSessionRequest,
        shown: Metadata,
        wait: timedelta = timedelta(),
        saying: Saying | None = None,
    ) -> Iterator[SessionEvent]:
        # Without a deadline, but for a wait: keepalive finds out when nobody is there any more.
        timeout = wait.total_seconds() or None
        call = self._stub.WatchSession(request, metadata=shown, timeout=timeout)
        try:
            for response in call:
                if response.HasField("event"):
                    yield _event(response.event)
                elif saying and response.HasField("delta"):
                    delta = response.delta
                    saying(SaidDelta(delta.answer_id, delta.before, delta.text))
        except grpc.RpcError as error:
            raise _Refused(error) from None
        finally:
            call.cancel()  # type: ignore[no-untyped-call]  # whoever has enough leaves in the middle


class _Refused(Exception):
    """The stream ended, by this error."""

    def __init__(self, error: grpc.RpcError) -> None:
        super().__init__()
        self.error = from_call(error)


def _event(event: events_pb.SessionEvent) -> SessionEvent:
    kind = event.WhichOneof("event") or ""
    at = event.at.ToDatetime(UTC) if event.HasField("at") else None
    content = _plain(getattr(event, kind)) if kind else {}  # none of a newer router's kinds
    return SessionEvent(event.seq, event.generation, at, kind, content)


def _plain(message: Message) -> Mapping[str, object]:
    """What is set of a message, by the names that JSON has for it."""
    return {field.json_name: _value(field, value) for field, value in message.ListFields()}


def _value(field: FieldDescriptor, value: object) -> object:
    if field.is_repeated:
        return [_plain(each) if field.message_type else each for each in value]  # type: ignore[attr-defined]
    if isinstance(value, Timestamp):
        return value.ToDatetime(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if field.enum_type is None:
        return value
    prefix = field.enum_type.values_by_number[0].name.removesuffix("UNSPECIFIED")
    known = field.enum_type.values_by_number.get(value)  # type: ignore[call-overload]
    return known.name.removeprefix(prefix) if known else str(value)
