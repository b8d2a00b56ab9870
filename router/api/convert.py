"""Protobuf <-> values, at the door and nowhere else."""

from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as control_pb
from agentlink.v1 import types_pb2 as pb

from router.api import actions, files, newer, questions, terms
from router.api.errors import status_of
from router.api.times import duration, seconds, timestamp
from router.domain import frames
from router.domain.command import (
    ChatRef,
    Command,
    CommandState,
    Lane,
    Origin,
)
from router.domain.credentials import ApiKey, Role
from router.domain.errors import Reason, Refusal
from router.domain.machine import Machine
from router.domain.notification import Button, Delivered, Event, Kind, Notification, NotificationState, Refused
from router.domain.routing import Inbound
from router.domain.session import Session, SessionState
from router.services.chat.inbound import Submitted
from router.services.chat.topics import Brought
from router.services.outbox.delivery_receipts import DeliveryReceipt, Later
from router.services.outbox.leases import Delivery, RateLimitPause
from router.store.audit import TraceStep

COMMAND_STATES = {state: pb.CommandState.Value(f"COMMAND_STATE_{state.name}") for state in CommandState}
STATES_OF_COMMANDS = {number: state for state, number in COMMAND_STATES.items()}
NOTIFICATION_STATES = {s: pb.NotificationState.Value(f"NOTIFICATION_STATE_{s.name}") for s in NotificationState}
SESSION_STATES = {
    state: 0 if state is SessionState.UNKNOWN else pb.SessionState.Value(f"SESSION_STATE_{state.name}")
    for state in SessionState
}
STATES_OF_SESSIONS = {number: state for state, number in SESSION_STATES.items()}
LANES = {Lane.NORMAL: pb.LANE_NORMAL, Lane.URGENT: pb.LANE_URGENT}
KINDS = {kind: chat_pb.DeliveryKind.Value(f"DELIVERY_KIND_{kind.name}") for kind in Kind}
ROLES = {role: control_pb.Role.Value(f"ROLE_{role.name}") for role in Role}
ROLES_BY_NUMBER = {number: role for role, number in ROLES.items()}
_RECEIPTS = {outcome.value: outcome for outcome in frames.ReceiptOutcome}
_RESULTS = {outcome.value: outcome for outcome in frames.ResultOutcome}
_REASONS = {reason.value: reason for reason in Reason}
MAX_WORDS = 1000  # characters kept of what a platform says
MAX_CHAT_ID = 128  # characters
MAX_WAITING_FOR = 100  # characters
MAX_DETAIL = 4096  # characters kept of what an agent says about a result
_YEAR_10000 = 253_402_300_800.0  # seconds since the epoch


def chat_ref(ref: pb.ChatRef) -> ChatRef:
    """Raises Refusal when the platform or the chat is missing."""
    if not ref.transport or not ref.chat_id:
        raise Refusal(Reason.INVALID_ARGUMENT, "A chat needs transport and chat_id.")
    return ChatRef(ref.transport, ref.chat_id, ref.thread_id, ref.message_id)


def buttons(messages: "list[pb.Button]") -> tuple[Button, ...]:
    return tuple(Button(button.label, button.action) for button in messages)


def inbound(request: chat_pb.SubmitRequest) -> Inbound:
    """Raises Refusal when update_key or chat is missing."""
    if not 0 < len(request.update_key) <= 200:
        raise Refusal(Reason.INVALID_ARGUMENT, "update_key must have 1 to 200 characters")
    button = request.button.data if request.HasField("button") else None
    return Inbound(
        request.update_key, chat_ref(request.chat), request.actor[:200], request.text, request.reply_to_message_id,
        button, request.session_id, request.edited, files.given(request), request.file_problem[:MAX_WORDS],
        request.album[:MAX_CHAT_ID], request.reply_to_ours,
    )  # fmt: skip


def submit_response(submitted: Submitted) -> chat_pb.SubmitResponse:
    state = COMMAND_STATES[submitted.state] if submitted.state else pb.COMMAND_STATE_UNSPECIFIED
    return chat_pb.SubmitResponse(
        command_id=submitted.command_id, state=state, session_id=submitted.session_id, answer=submitted.answer
    )


def agent_frame(frame: link_pb.AgentFrame) -> frames.AgentFrame:
    """Raises ValueError for a frame that says nothing we know."""
    match frame.WhichOneof("frame"):
        case "receipt":
            return frames.Receipts(tuple(_receipt(item) for item in frame.receipt.items))
        case "results":
            return frames.Upstream(tuple(_result(result) for result in frame.results.results))
        case "heartbeat":
            return frames.Heartbeat(frame.heartbeat.nonce)
        case "hello":
            return _hello(frame.hello)
        case "goodbye":
            return frames.Goodbye(frame.goodbye.reason)
        case None:
            return newer.frame(frame)
    return frames.Upstream((_durable(frame),))


def _durable(frame: link_pb.AgentFrame) -> frames.Durable:
    match frame.WhichOneof("frame"):
        case "result":
            return _result(frame.result)
        case "session_update":
            return _report(frame.session_update)
        case "session_closed":
            closed = frame.session_closed
            return frames.SessionClosed(closed.upstream_seq, closed.session_id, closed.generation, closed.detail)
        case "notify":
            return notify(frame.notify)
        case "permission_request":
            return questions.request(frame.permission_request)
        case "permission_withdrawn":
            return questions.withdrawn(frame.permission_withdrawn)
    raise TypeError("a kind of frame has no conversion")


def router_frame(frame: frames.RouterFrame, epoch: int) -> link_pb.RouterFrame:
    match frame:
        case Command():
            return link_pb.RouterFrame(link_epoch=epoch, command=command_frame(frame))
        case frames.UpstreamAck():
            return link_pb.RouterFrame(link_epoch=epoch, upstream_ack=terms.ack(frame))
        case frames.HeartbeatAck(nonce):
            return link_pb.RouterFrame(link_epoch=epoch, heartbeat_ack=link_pb.HeartbeatAck(nonce=nonce))
        case frames.Welcome():
            return link_pb.RouterFrame(link_epoch=epoch, welcome=terms.welcome(frame))
        case frames.Cancel(command_id, reason):
            cancel = link_pb.Cancel(command_id=command_id, reason=reason.value)  # type: ignore[arg-type]
            return link_pb.RouterFrame(link_epoch=epoch, cancel=cancel)
        case frames.Drain(deadline, reconnect_after):
            drain = link_pb.Drain(deadline=duration(deadline), reconnect_after=duration(reconnect_after))
            return link_pb.RouterFrame(link_epoch=epoch, drain=drain)
        case frames.FrameError(about, reason, text):
            error = link_pb.FrameError(about=about, status=status_of(Refusal(reason, text)))
            return link_pb.RouterFrame(link_epoch=epoch, frame_error=error)


def command_batch(commands: list[Command], epoch: int) -> link_pb.RouterFrame:
    batch = link_pb.CommandBatch(commands=[command_frame(command) for command in commands])
    return link_pb.RouterFrame(link_epoch=epoch, commands=batch)


def command_frame(command: Command) -> link_pb.CommandFrame:
    frame = link_pb.CommandFrame(
        command_id=command.command_id,
        session_id=command.session_id,
        generation=command.generation,
        sequence=command.sequence,
        attempt=command.attempt,
        lane=LANES[command.lane],
        action=actions.message(command.action),
        origin=_origin(command.origin),
    )
    if command.has_ttl and command.sent_at is not None:
        frame.ttl_remaining.CopyFrom(duration(max(0.0, command.expires_at - command.sent_at)))
    return frame


def command(c: Command) -> pb.Command:
    return pb.Command(
        command_id=c.command_id, session_id=c.session_id, machine_id=c.machine_id, sequence=c.sequence,
        generation=c.generation, lane=LANES[c.lane], action=actions.message(c.action), state=COMMAND_STATES[c.state],
        reason=c.reason.value, detail=c.detail, attempt=c.attempt, origin=_origin(c.origin), redrive_of=c.redrive_of,  # type: ignore[arg-type]
        created_at=timestamp(c.created_at), sent_at=timestamp(c.sent_at), received_at=timestamp(c.received_at),
        typed_at=timestamp(c.typed_at), taken_at=timestamp(c.taken_at), finished_at=timestamp(c.finished_at),
        ended_at=timestamp(c.ended_at), dropped=c.dropped,
    )  # fmt: skip


def session(s: Session) -> pb.Session:
    return pb.Session(
        session_id=s.session_id, machine_id=s.machine_id, label=s.label, backend=s.backend, cwd=s.cwd,
        state=SESSION_STATES[s.state], generation=s.generation, connected=s.connected, distinction=s.distinction,  # type: ignore[arg-type]
        created_at=timestamp(s.created_at), updated_at=timestamp(s.updated_at), waiting_for=s.waiting_for,
    )  # fmt: skip


def machine(m: Machine) -> pb.Machine:
    return pb.Machine(
        machine_id=m.machine_id, connected=m.connected, revoked=m.revoked, quarantined=m.quarantined,
        link_epoch=m.epoch, created_at=timestamp(m.created_at), last_seen_at=timestamp(m.last_seen_at),
        agent_version=m.agent_version, start_folders=m.start_folders, capabilities=m.capabilities or (),
    )  # fmt: skip


def notification(n: Notification) -> pb.Notification:
    return pb.Notification(
        notification_id=n.notification_id, session_id=n.session_id, chat=_chat(n.chat), text=n.text,
        buttons=[pb.Button(label=b.label, action=b.action) for b in n.buttons], token=n.token,
        state=NOTIFICATION_STATES[n.state], detail=n.detail, message_ids=n.message_ids, command_id=n.command_id,
        created_at=timestamp(n.created_at), delivered_at=timestamp(n.delivered_at), attempt=n.attempt,
        permission_id=n.permission_id, files=files.listed(n.files), edits=n.edits,
    )  # fmt: skip


def delivery(d: Delivery, lease: float, about: Session | None) -> chat_pb.Delivery:
    n, title = d.notification, f"{about.machine_id} · {about.name}" if about else ""
    shown = notification(n)
    shown.chat.thread_id = d.placement.thread_id
    return chat_pb.Delivery(
        notification=shown, attempt=n.attempt, lease=duration(lease), kind=KINDS[n.kind],
        edit_message_ids=d.edit_message_ids, reply_to_message_id=n.chat.message_id,
        machine_id=about.machine_id if about else "", session_label=about.name if about else "",
        command_state=COMMAND_STATES[n.command_state] if n.command_state else pb.COMMAND_STATE_UNSPECIFIED,
        as_mark=n.as_mark, topic_title=title if d.placement.own_topic else "", close_topic=n.closes_topic,
        silent=d.placement.silent,
    )  # fmt: skip


def report(receipt: chat_pb.DeliveryReceipt) -> DeliveryReceipt | None:
    """None for a frame that reports nothing we know."""
    if (outcome := _outcome(receipt)) is None:
        return None
    return DeliveryReceipt(
        receipt.notification_id, receipt.attempt, outcome,
        RateLimitPause(seconds(receipt.rest.chat), seconds(receipt.rest.all)),
        receipt.moved_to[:MAX_CHAT_ID], receipt.refused.chat_closed,
        Brought(receipt.delivered.thread_id[:MAX_CHAT_ID], receipt.delivered.topic_problem[:MAX_WORDS]),
    )  # fmt: skip


def _outcome(receipt: chat_pb.DeliveryReceipt) -> Event | Later | None:
    match receipt.WhichOneof("outcome"):
        case "delivered":
            return Delivered(tuple(receipt.delivered.message_ids), receipt.delivered.detail[:MAX_WORDS])
        case "refused":
            return Refused(receipt.refused.detail[:MAX_WORDS])
        case "retry_later":
            later = receipt.retry_later
            after = seconds(later.retry_after) if later.HasField("retry_after") else None
            return Later(later.detail[:MAX_WORDS], after, later.alone)
    return None


def api_key(key: ApiKey) -> control_pb.ApiKey:
    return control_pb.ApiKey(
        key_id=key.key_id, label=key.label, role=ROLES[key.role], created_at=timestamp(key.created_at),
        revoked=key.revoked,
    )  # fmt: skip


def step(s: TraceStep) -> control_pb.TraceStep:
    return control_pb.TraceStep(
        at=timestamp(s.at), subject_id=s.subject_id, event=s.event, from_state=s.from_state.upper(),
        to_state=s.to_state.upper(),
        actor=s.actor, detail=s.detail,
    )  # fmt: skip


def _origin(origin: Origin) -> pb.Origin:
    return pb.Origin(source=origin.source, actor=origin.actor, chat=_chat(origin.chat) if origin.chat else None)


def _chat(chat: ChatRef) -> pb.ChatRef:
    return pb.ChatRef(
        transport=chat.transport, chat_id=chat.chat_id, thread_id=chat.thread_id, message_id=chat.message_id
    )


def _hello(hello: link_pb.Hello) -> frames.Hello:
    return frames.Hello(
        hello.machine_id, hello.instance_id, hello.inbox_id, hello.outbox_id, hello.last_link_epoch,
        hello.agent_version, hello.protocol_min, hello.protocol_max, frozenset(hello.capabilities),
        hello.max_in_flight, tuple(map(_report, hello.sessions)), tuple(held.command_id for held in hello.unresolved),
        tuple(held.command_id for held in hello.unresolved if held.inbox_state == link_pb.INBOX_STATE_RECEIVED),
        tuple(hello.start_folders), hello.upstream_acked_seq,
    )  # fmt: skip


def _receipt(item: link_pb.ReceiptItem) -> frames.Receipt:
    if (outcome := _RECEIPTS.get(item.outcome)) is None:
        raise ValueError(f"receipt of {item.command_id[:64]} has no outcome")
    has_ended = item.inbox_state == link_pb.INBOX_STATE_FINISHED
    return frames.Receipt(item.command_id, outcome, _reason(item.reason), has_ended)


def _result(result: link_pb.Result) -> frames.Result | frames.Unfit:
    if (outcome := _RESULTS.get(result.outcome)) is None:
        text = f"The result of {result.command_id[:64]!r} has no outcome that this router knows."
        return frames.Unfit(result.upstream_seq, Reason.INVALID_ARGUMENT, text)
    at = result.typed_at.seconds + result.typed_at.nanos / 1e9
    typed = at if result.HasField("typed_at") and 0 <= at < _YEAR_10000 else None  # else no calendar has it
    reason, detail = _reason(result.reason), result.detail[:MAX_DETAIL]
    return frames.Result(result.upstream_seq, result.command_id, outcome, reason, detail, typed)


def _reason(number: int) -> Reason:
    return _REASONS.get(number, Reason.UNSPECIFIED)


def _report(u: link_pb.SessionUpdate) -> frames.SessionReport:
    state = STATES_OF_SESSIONS.get(u.state, SessionState.UNKNOWN)
    waiting_for = u.waiting_for[:MAX_WAITING_FOR]
    return frames.SessionReport(
        u.upstream_seq, u.session_id, u.generation, u.label, u.backend, u.cwd, state, waiting_for
    )


def notify(n: link_pb.Notify) -> frames.Notify:
    targets = tuple(ChatRef(t.transport, t.chat_id, t.thread_id, t.message_id) for t in n.targets)
    return frames.Notify(n.upstream_seq, n.notification_id, n.session_id, n.text, buttons(list(n.buttons)), targets)
