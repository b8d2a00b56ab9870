"""Frames as protobuf and back: the only place where the agent meets its messages."""

from collections.abc import Callable
from typing import Any

from agentlink.v1 import agent_link_pb2 as link
from agentlink.v1 import types_pb2 as types
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError

from agent.domain import frames
from agent.domain.command import (
    Command,
    Ending,
    FileInput,
    InboxState,
    Input,
    KeepSession,
    KeyPress,
    Lane,
    Order,
    Reason,
    StartSession,
    StopSession,
)
from agent.domain.control import MAX_MODE, MAX_MODEL, ControlKind, ControlSignal
from agent.domain.frames import AgentFrame, RouterFrame
from agent.domain.program import Program
from agent.domain.proposal import Proposal
from agent.domain.session import Session, SessionState
from agent.domain.workspace import WorkspaceChanged
from agent.link import event_messages, question_messages, workspace_messages
from agent.link.driver import Unreadable
from agent.link.protocol import PROTOCOL

MAX_DETAIL_BYTES = 4096  # the router takes no more; what is cut is the screen or an error text
MAX_WAITING_FOR = 100  # characters, as the router's: it stands in a list of sessions

_REASONS = {reason: types.Reason.Value(f"REASON_{reason.value}") for reason in Reason}
_INBOX_STATES = {state: link.InboxState.Value(f"INBOX_STATE_{state.name}") for state in InboxState}
_LOGINS = {None: types.LOGIN_FOUND_UNSPECIFIED, True: types.LOGIN_FOUND_YES, False: types.LOGIN_FOUND_NO}
_RECEIPTS = {one: link.ReceiptOutcome.Value(f"RECEIPT_OUTCOME_{one.value}") for one in frames.ReceiptOutcome}
_ENDINGS = {ending: link.ResultOutcome.Value(f"RESULT_OUTCOME_{ending.name}") for ending in Ending}
_MARKS = {mark: link.ResultOutcome.Value(f"RESULT_OUTCOME_{mark.value}") for mark in frames.Mark}
_CONTROLS = {types.ControlKind.Value(f"CONTROL_KIND_{kind.name}"): kind for kind in ControlKind}
_SESSION_STATES = {
    state: types.SessionState.Value("SESSION_STATE_" + ("UNSPECIFIED" if state is SessionState.UNKNOWN else state.name))
    for state in SessionState
}


def router_frame(data: bytes) -> RouterFrame:
    """Parse a frame of the router. Raises Unreadable."""
    try:
        message = link.RouterFrame.FromString(data)
    except DecodeError as error:
        raise Unreadable(str(error)) from None
    kind = message.WhichOneof("frame")
    body = _DOWN[kind](getattr(message, kind)) if kind is not None and kind in _DOWN else None
    return RouterFrame(message.link_epoch, body)  # a kind of a newer router has no body, and changes nothing


def agent_frame(frame: AgentFrame) -> bytes:
    """The bytes of a frame to the router."""
    message = link.AgentFrame(link_epoch=frame.link_epoch)
    match frame.body:
        case frames.Receipts(items):
            message.receipt.items.extend([_receipt(item) for item in items])
        case frames.Results(rows) if len(rows) == 1:  # as an older router knows it
            message.result.CopyFrom(_result(*rows[0]))
        case frames.Results(rows):
            message.results.results.extend([_result(seq, result) for seq, result in rows])
        case frames.Durable(seq, item):
            _set_durable(message, seq, item)
        case frames.Hello() as hello:
            message.hello.CopyFrom(_hello(hello))
        case frames.Heartbeat(nonce, depth, lag, typed):
            beat = link.Heartbeat(nonce=nonce, inbox_depth=depth, loop_lag=_duration(lag), typed_session_ids=typed)
            message.heartbeat.CopyFrom(beat)
        case frames.SessionEvents() | frames.EventsQuery() | frames.Screen() | frames.SaidDelta() as told:
            event_messages.put(message, told)
        case frames.Goodbye(reason, will_return):
            message.goodbye.CopyFrom(link.Goodbye(reason=reason, will_return=will_return))
    return message.SerializeToString()


def file_request(command_id: str, number: int) -> bytes:
    """The bytes of a question for a part of a command's file."""
    return link.GetCommandPartRequest(command_id=command_id, number=number).SerializeToString()


def file_part(data: bytes) -> bytes:
    """What the answer brings."""
    return bytes(link.GetCommandPartResponse.FromString(data).data)


def put_request(file_id: str, number: int, data: bytes) -> bytes:
    """The bytes of a part of a notice's file."""
    return link.PutPartRequest(file_id=file_id, number=number, data=data).SerializeToString()


def next_number(data: bytes) -> int:
    """What the answer to a part says: the first part that is not there."""
    return int(link.PutPartResponse.FromString(data).next_number)


def notification_request(notification: frames.Notify) -> bytes:
    """The bytes of a notice with files."""
    files = [types.NotificationFile(file_id=one.file_id, name=one.name, size=one.size) for one in notification.files]
    return link.NotifyWithFilesRequest(notify=_notify(0, notification), files=files).SerializeToString()


def _notify(seq: int, notification: frames.Notify) -> link.Notify:
    return link.Notify(
        upstream_seq=seq,
        notification_id=notification.notification_id,
        session_id=notification.session_id,
        text=notification.text,
        buttons=[types.Button(label=one.label, action=one.action) for one in notification.buttons],
        markdown=notification.is_markdown,
        ends_turn=notification.ends_turn,
        output_tokens=notification.output_tokens,
        proposal=_proposal(notification.proposal),
    )


def _proposal(told: Proposal | None) -> link.Proposal | None:
    if told is None:
        return None
    return link.Proposal(machine_id=told.machine, agent=told.agent, folder=told.folder, prompt=told.prompt)


def key_request(public_key: bytes, new_signature: bytes, old_signature: bytes) -> bytes:
    """Another key for this machine."""
    request = link.RotateKeyRequest(public_key=public_key, new_signature=new_signature, old_signature=old_signature)
    return bytes(request.SerializeToString())


def _welcome(message: link.Welcome) -> frames.Welcome:
    return frames.Welcome(
        message.link_epoch,
        message.router_id,
        _seconds(message.heartbeat_interval),
        _seconds(message.heartbeat_timeout),
        message.max_in_flight,
        message.upstream_acked_seq,
        {floor.session_id: floor.sequence for floor in message.resend_floors},
        tuple(message.recalled),
        message.inbox_outdated,
        message.protocol,
        frozenset(message.capabilities),
        message.key_wanted,
    )


def _command(message: link.CommandFrame) -> Command:
    return Command(
        message.command_id,
        message.session_id,
        message.generation,
        message.sequence,
        Lane.URGENT if message.lane == types.LANE_URGENT else Lane.NORMAL,
        _action(message.action),
        _seconds(message.ttl_remaining) if message.HasField("ttl_remaining") else None,
    )


def _action(message: types.Action) -> Order | None:
    match message.WhichOneof("kind"):
        case "input":
            return Input(message.input.text, message.input.submit)
        case "file":
            return FileInput(message.file.file_id, message.file.name, message.file.size, message.file.caption)
        case "key":
            return KeyPress(message.key.name)
        case "permission_decision":
            return question_messages.decision(message.permission_decision)
        case "start_session":
            start = message.start_session
            workspace = workspace_messages.workspace(start.workspace) if start.HasField("workspace") else None
            asked = (start.prompt, start.folder, start.conversation_id, start.keep, start.agent)
            return StartSession(*asked, workspace, start.platform)
        case "close_workspace" | "pack_workspace" | "take_workspace":
            return workspace_messages.order(message)
        case "stop_session":
            return StopSession()
        case "keep_session":
            return KeepSession()
        case "control" if message.control.kind in _CONTROLS:
            return ControlSignal(_CONTROLS[message.control.kind], message.control.value)
        case _:  # a newer kind: refused as UNSUPPORTED, which people are told
            return None


def _ack(message: link.UpstreamAck) -> frames.UpstreamAck:
    rejected = tuple((one.upstream_seq, _reason(one.reason), one.detail) for one in message.rejected)
    return frames.UpstreamAck(message.acked_seq, rejected)


def _reason(number: int) -> str:
    value = types.Reason.DESCRIPTOR.values_by_number.get(number)  # a newer router may have more of them
    return value.name if value else str(number)


_DOWN: dict[str, Callable[[Any], frames.Down]] = {
    "welcome": _welcome,
    "command": lambda message: frames.Commands((_command(message),)),
    "commands": lambda message: frames.Commands(tuple([_command(one) for one in message.commands])),
    "cancel": lambda message: frames.Cancel(message.command_id),
    "upstream_ack": _ack,
    "heartbeat_ack": lambda message: frames.HeartbeatAck(message.nonce),
    "drain": lambda message: frames.Drain(_seconds(message.deadline), _seconds(message.reconnect_after)),
    "events_ack": event_messages.events_ack,
    "screen_query": lambda message: frames.ScreenQuery(message.query_id, message.session_id),
    "deltas_wanted": lambda message: frames.DeltasWanted(message.session_id, message.seconds),
    "frame_error": lambda message: frames.FrameError(message.about, message.status.message),
}


def _hello(hello: frames.Hello) -> link.Hello:
    return link.Hello(
        machine_id=hello.machine_id,
        instance_id=hello.instance_id,
        inbox_id=hello.inbox_id,
        outbox_id=hello.outbox_id,
        last_link_epoch=hello.last_link_epoch,
        agent_version=hello.agent_version,
        protocol_min=PROTOCOL,
        protocol_max=PROTOCOL,
        capabilities=hello.capabilities,
        upstream_acked_seq=hello.upstream_acked_seq,
        sessions=[_session(0, session) for session in hello.sessions],
        unresolved=[
            link.UnresolvedCommand(command_id=command_id, inbox_state=_INBOX_STATES[state])
            for command_id, state in hello.unresolved
        ],
        start_folders=hello.start_folders,
        programs=map(_program, hello.condition.programs),
        free_bytes=hello.condition.free_bytes,
    )


def _program(each: Program) -> types.ProgramVersion:
    return types.ProgramVersion(
        name=each.name, version=each.version, mode=each.mode, lacks=each.lacks, login=_LOGINS[each.has_login]
    )  # fmt: skip


def _receipt(item: frames.Receipt) -> link.ReceiptItem:
    message = link.ReceiptItem(command_id=item.command_id, outcome=_RECEIPTS[item.outcome])
    if item.state is not None:
        message.inbox_state = _INBOX_STATES[item.state]
    if item.reason is not Reason.NONE:
        message.reason = _REASONS[item.reason]
    return message


def _result(seq: int, result: frames.CommandResult | frames.CommandMark) -> link.Result:
    if isinstance(result, frames.CommandResult):
        return _ended(seq, result)
    outcome, detail = _MARKS[result.mark], _clipped(result.shown)
    return link.Result(upstream_seq=seq, command_id=result.command_id, outcome=outcome, detail=detail)


def _ended(seq: int, result: frames.CommandResult) -> link.Result:
    outcome = result.outcome
    message = link.Result(
        upstream_seq=seq,
        command_id=result.command_id,
        outcome=_ENDINGS[outcome.ending],
        reason=_REASONS[outcome.reason],
        detail=_clipped(outcome.detail),
    )
    if result.typed_at is not None:
        message.typed_at.FromNanoseconds(int(result.typed_at * 1e9))
    return message


def _session(seq: int, session: Session) -> link.SessionUpdate:
    message = link.SessionUpdate(
        upstream_seq=seq,
        session_id=session.session_id,
        generation=session.generation,
        label=session.label,
        backend=session.backend,
        cwd=session.cwd,
        state=_SESSION_STATES[session.state],
        waiting_for=session.waiting_for[:MAX_WAITING_FOR],
        mode=session.mode[:MAX_MODE],
        model=session.model[:MAX_MODEL],
        modes=session.modes,
        controls=[types.ControlKind.Value(f"CONTROL_KIND_{kind.name}") for kind in session.controls],
    )
    if session.limited_until:
        message.limited_until.FromSeconds(int(session.limited_until))
    return message


def _set_durable(message: link.AgentFrame, seq: int, item: frames.Item) -> None:
    match item:
        case frames.SessionChanged(session):
            message.session_update.CopyFrom(_session(seq, session))
        case frames.SessionGone(session_id, generation, detail):
            gone = link.SessionClosed(session_id=session_id, generation=generation, detail=detail, upstream_seq=seq)
            message.session_closed.CopyFrom(gone)
        case frames.Notify():
            message.notify.CopyFrom(_notify(seq, item))
        case frames.PermissionAsked(question):
            message.permission_request.CopyFrom(question_messages.request(seq, question))
        case frames.PermissionOver(permission_id, over, detail):
            state = types.PermissionState.Value(f"PERMISSION_STATE_{over.name}")
            ended = link.PermissionWithdrawn(upstream_seq=seq, permission_id=permission_id, state=state, detail=detail)
            message.permission_withdrawn.CopyFrom(ended)
        case WorkspaceChanged() as changed:
            message.workspace_update.CopyFrom(workspace_messages.update(seq, changed))
        case frames.CommandResult() | frames.CommandMark():
            message.result.CopyFrom(_result(seq, item))


def _clipped(text: str) -> str:
    return text.encode(errors="replace")[:MAX_DETAIL_BYTES].decode(errors="ignore")


def _seconds(duration: Duration) -> float:
    return float(duration.seconds + duration.nanos / 1e9)


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(int(seconds * 1e9))
    return duration
