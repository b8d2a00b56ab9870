"""Frames of an agent's link, both ways."""

from collections.abc import Callable
from typing import Any

from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import types_pb2 as types_pb
from google.protobuf.message import DecodeError

from router.api.convert import unknown_frames
from router.api.convert.command_frames import commands_frame
from router.api.convert.machines import HAS_LOGIN
from router.api.convert.notifications import notify
from router.api.convert.permissions import permission_request, permission_withdrawn
from router.api.convert.screens import screen, screen_query
from router.api.convert.session_events import deltas_wanted, events_ack, events_query, said_delta, session_events
from router.api.convert.sessions import session_report
from router.api.convert.times import duration, moment, timestamp
from router.api.convert.workspaces import workspace_report
from router.api.errors import status_of
from router.domain import frames
from router.domain.command import Command
from router.domain.delta import DeltasWanted
from router.domain.errors import Reason, Refusal
from router.domain.machine import ProgramTold
from router.domain.screen import ScreenQuery
from router.domain.session_event import EventsAck

_RECEIPTS = {outcome.value: outcome for outcome in frames.ReceiptOutcome}
_RESULTS = {outcome.value: outcome for outcome in frames.ResultOutcome}
_REASONS = {reason.value: reason for reason in Reason}
_UNSPECIFIED = Reason.UNSPECIFIED  # looked up in its enum, each time, it would cost as much as the rest of a receipt
_OF_SESSIONS: dict[str, Callable[[Any], frames.AgentFrame]] = {
    "session_events": session_events,
    "events_query": events_query,
    "screen": screen,
    "said_delta": said_delta,
}
MAX_FRAME_BYTES = 1024 * 1024
MAX_DETAIL = 4096  # characters kept of what an agent says about a result
_YEAR_10000 = 253_402_300_800.0  # seconds since the epoch
MOST_TYPED = 100  # sessions in one heartbeat


def read_frame(raw: bytes) -> tuple[int, frames.AgentFrame]:
    """Epoch and frame. Raises ValueError for what is none; a durable one that cannot be read still has its number."""
    if len(raw) > MAX_FRAME_BYTES:
        return unknown_frames.malformed(raw, f"a frame may have {MAX_FRAME_BYTES} bytes")
    try:
        frame = link_pb.AgentFrame.FromString(raw)
    except DecodeError as error:
        return unknown_frames.malformed(raw, str(error))
    return frame.link_epoch, agent_frame(frame)


def agent_frame(frame: link_pb.AgentFrame) -> frames.AgentFrame:
    """Raises ValueError for a frame that says nothing we know."""
    name = frame.WhichOneof("frame")
    if name in _OF_SESSIONS:
        return _OF_SESSIONS[name](getattr(frame, name))
    match name:
        case "receipt":
            return frames.Receipts(tuple([_receipt(item) for item in frame.receipt.items]))
        case "results":
            return frames.Upstream(tuple([_result(result) for result in frame.results.results]))
        case "heartbeat":
            return frames.Heartbeat(frame.heartbeat.nonce, tuple(frame.heartbeat.typed_session_ids[:MOST_TYPED]))
        case "hello":
            return _hello(frame.hello)
        case "goodbye":
            return frames.Goodbye(frame.goodbye.reason)
        case None:
            return unknown_frames.frame(frame)
    return frames.Upstream((_durable(frame),))


def router_frame(frame: frames.RouterFrame, epoch: int) -> link_pb.RouterFrame:
    match frame:
        case Command():
            return commands_frame([frame], epoch)
        case frames.UpstreamAck():
            return link_pb.RouterFrame(link_epoch=epoch, upstream_ack=_ack(frame))
        case frames.HeartbeatAck(nonce):
            return link_pb.RouterFrame(link_epoch=epoch, heartbeat_ack=link_pb.HeartbeatAck(nonce=nonce))
        case frames.Welcome():
            return link_pb.RouterFrame(link_epoch=epoch, welcome=_welcome(frame))
        case frames.Cancel(command_id, reason):
            cancel = link_pb.Cancel(command_id=command_id, reason=reason.value)  # type: ignore[arg-type]
            return link_pb.RouterFrame(link_epoch=epoch, cancel=cancel)
        case frames.Drain(deadline, reconnect_after):
            drain = link_pb.Drain(deadline=duration(deadline), reconnect_after=duration(reconnect_after))
            return link_pb.RouterFrame(link_epoch=epoch, drain=drain)
        case frames.FrameError(about, reason, text):
            error = link_pb.FrameError(about=about, status=status_of(Refusal(reason, text)))
            return link_pb.RouterFrame(link_epoch=epoch, frame_error=error)
    return _of_sessions(frame, epoch)


def _of_sessions(frame: frames.OfSessions, epoch: int) -> link_pb.RouterFrame:
    match frame:
        case EventsAck():
            return link_pb.RouterFrame(link_epoch=epoch, events_ack=events_ack(frame))
        case ScreenQuery():
            return link_pb.RouterFrame(link_epoch=epoch, screen_query=screen_query(frame))
        case DeltasWanted():
            return link_pb.RouterFrame(link_epoch=epoch, deltas_wanted=deltas_wanted(frame))


def _durable(frame: link_pb.AgentFrame) -> frames.Durable:
    match frame.WhichOneof("frame"):
        case "result":
            return _result(frame.result)
        case "session_update":
            return session_report(frame.session_update)
        case "session_closed":
            closed = frame.session_closed
            return frames.SessionClosed(closed.upstream_seq, closed.session_id, closed.generation, closed.detail)
        case "notify":
            return notify(frame.notify)
        case "permission_request":
            return permission_request(frame.permission_request)
        case "permission_withdrawn":
            return permission_withdrawn(frame.permission_withdrawn)
        case "workspace_update":
            return workspace_report(frame.workspace_update)
    raise TypeError("a kind of frame has no conversion")


def _hello(hello: link_pb.Hello) -> frames.Hello:
    return frames.Hello(
        hello.machine_id, hello.instance_id, hello.inbox_id, hello.outbox_id, hello.last_link_epoch,
        hello.agent_version, hello.protocol_min, hello.protocol_max, frozenset(hello.capabilities),
        hello.max_in_flight, tuple(map(session_report, hello.sessions)),
        tuple(held.command_id for held in hello.unresolved),
        tuple(held.command_id for held in hello.unresolved if held.inbox_state == link_pb.INBOX_STATE_RECEIVED),
        tuple(hello.start_folders), hello.upstream_acked_seq,
        tuple(map(_program, hello.programs)),
        min(hello.free_bytes, 2**63 - 1) or None,
    )  # fmt: skip


def _program(told: types_pb.ProgramVersion) -> ProgramTold:
    return ProgramTold(told.name, told.version, told.mode, told.lacks, HAS_LOGIN.get(told.login))


def _welcome(w: frames.Welcome) -> link_pb.Welcome:
    return link_pb.Welcome(
        link_epoch=w.link_epoch, router_id=w.router_id, router_time=timestamp(w.router_time),
        heartbeat_interval=duration(w.heartbeat_interval), heartbeat_timeout=duration(w.heartbeat_timeout),
        max_in_flight=w.max_in_flight, max_frame_bytes=MAX_FRAME_BYTES, upstream_acked_seq=w.upstream_acked,
        resend_floors=[link_pb.ResendFloor(session_id=s, sequence=n) for s, n in w.resend_floors],
        recalled=w.recalled, inbox_outdated=w.inbox_outdated, protocol=w.protocol, capabilities=w.capabilities,
        key_wanted=w.key_wanted,
    )  # fmt: skip


def _ack(frame: frames.UpstreamAck) -> link_pb.UpstreamAck:
    refused = [
        link_pb.UpstreamRejection(upstream_seq=one.upstream_seq, reason=one.reason.value, detail=one.text)  # type: ignore[arg-type]
        for one in frame.rejected
    ]
    return link_pb.UpstreamAck(acked_seq=frame.acked, rejected=refused)


def _receipt(item: link_pb.ReceiptItem) -> frames.Receipt:
    if (outcome := _RECEIPTS.get(item.outcome)) is None:
        # Not durable, so it has no number by which it could be refused: the frame is bad as a whole.
        raise ValueError(f"receipt of {item.command_id[:64]} has no outcome")
    has_ended = item.inbox_state == link_pb.INBOX_STATE_FINISHED
    return frames.Receipt(item.command_id, outcome, _REASONS.get(item.reason, _UNSPECIFIED), has_ended)


def _result(result: link_pb.Result) -> frames.Result | frames.Unfit:
    if (outcome := _RESULTS.get(result.outcome)) is None:
        text = f"The result of {result.command_id[:64]!r} has no outcome that this router knows."
        return frames.Unfit(result.upstream_seq, Reason.INVALID_ARGUMENT, text)
    at = moment(result.typed_at) if result.HasField("typed_at") else -1.0
    typed = at if 0 <= at < _YEAR_10000 else None  # else no calendar has it
    reason, detail = _REASONS.get(result.reason, _UNSPECIFIED), result.detail[:MAX_DETAIL]
    return frames.Result(result.upstream_seq, result.command_id, outcome, reason, detail, typed)
