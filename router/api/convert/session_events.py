"""What sessions do: taken apart as far as the router has to know it, and given on as it came."""

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import session_events_pb2 as events_pb

from router.api.convert.sessions import MAX_WAITING_FOR, STATES_OF
from router.domain.delta import DeltasWanted, SaidDelta
from router.domain.session import SessionState
from router.domain.session_event import BEGIN, END, EventsAck, EventsQuery, Gap, Hit, SessionEvents
from router.domain.work import Became, Happened, Planned, Spoke, ToolKind, Used, WorkState

_WORK_STATES = {events_pb.WorkState.Value(f"WORK_STATE_{state.name}"): state for state in WorkState}
_TOOL_KINDS = {events_pb.ToolKind.Value(f"TOOL_KIND_{kind.name}"): kind for kind in ToolKind}
MAX_EVENTS = 256  # in a frame
MAX_EVENT_BYTES = 64 * 1024
MAX_CURSOR_BYTES = 4096
MAX_ASKED = 256
MAX_DELTA = 4096  # characters
MAX_SHOWN = 160  # characters of one piece of a snippet: a word may be as long as a text
_NO_MARKS = str.maketrans({BEGIN: " ", END: " "})
_GONE = "They are not kept any more."


def session_events(frame: events_pb.SessionEvents) -> SessionEvents:
    """Raises ValueError for what is too large."""
    if len(frame.events) > MAX_EVENTS or len(frame.cursor) > MAX_CURSOR_BYTES or not frame.first_seq:
        text = f"a frame of events has at most {MAX_EVENTS}, and {MAX_CURSOR_BYTES} bytes of cursor; it counts from 1"
        raise ValueError(text)
    payloads, said = [], []
    for seq, event in enumerate(frame.events, frame.first_seq):
        event.seq, event.generation = seq, frame.generation
        payloads.append(payload := event.SerializeToString())
        if len(payload) > MAX_EVENT_BYTES:
            raise ValueError(f"event {seq} of {frame.session_id[:64]} has more than {MAX_EVENT_BYTES} bytes")
        said.append(event.said.text.translate(_NO_MARKS))
    return SessionEvents(frame.session_id, frame.first_seq, tuple(payloads), frame.cursor, tuple(said))


def happened(payload: bytes) -> Happened | None:
    """What an event adds to a turn; None for what is no part of one."""
    event = events_pb.SessionEvent.FromString(payload)
    at = event.at.seconds + event.at.nanos / 1e9 if event.HasField("at") else None
    what = _part_of_turn(event)
    return None if what is None else Happened(event.seq, what, at)


def _part_of_turn(event: events_pb.SessionEvent) -> Spoke | Used | Planned | Became | None:
    match event.WhichOneof("event"):
        case "said" if event.said.by in (events_pb.SPEAKER_USER, events_pb.SPEAKER_ASSISTANT):
            return Spoke(event.said.text, by_person=event.said.by == events_pb.SPEAKER_USER)
        case "tool" if event.tool.state in _WORK_STATES:
            tool = event.tool
            kind = _TOOL_KINDS.get(tool.kind, ToolKind.OTHER)
            return Used(tool.id, _WORK_STATES[tool.state], kind, tool.name, tool.title, tool.output)
        case "plan":
            entries = event.plan.entries
            return Planned(tuple((_WORK_STATES.get(each.state, WorkState.PENDING), each.text) for each in entries))
        case "status":
            state = STATES_OF.get(event.status.state, SessionState.UNKNOWN)
            return Became(state, event.status.waiting_for[:MAX_WAITING_FOR])
    return None


def events_query(frame: events_pb.EventsQuery) -> EventsQuery:
    """Raises ValueError for too many."""
    if len(frame.session_ids) > MAX_ASKED:
        raise ValueError(f"a frame asks for {MAX_ASKED} sessions at most")
    return EventsQuery(tuple(frame.session_ids))


def events_ack(ack: EventsAck) -> events_pb.EventsAck:
    return events_pb.EventsAck(
        session_id=ack.session_id, acked_seq=ack.acked_seq, cursor=ack.cursor,
        reason=ack.reason.value,  # type: ignore[arg-type]
    )  # fmt: skip


def deltas_wanted(wanted: DeltasWanted) -> events_pb.DeltasWanted:
    return events_pb.DeltasWanted(session_id=wanted.session_id, seconds=wanted.seconds)


def said_delta(frame: events_pb.SaidDelta) -> SaidDelta:
    """Raises ValueError for what is too large."""
    if len(frame.text) > MAX_DELTA or len(frame.answer_id) > MAX_DELTA:
        raise ValueError(f"of what is being said a frame has {MAX_DELTA} characters at most")
    return SaidDelta(frame.session_id, frame.answer_id, frame.before, frame.text)


def watched(seq: int, told: bytes | Gap | SaidDelta) -> bytes:
    """What whoever watches gets."""
    response = pb.WatchSessionResponse()
    if isinstance(told, SaidDelta):
        delta = events_pb.SaidDelta(answer_id=told.answer_id, before=told.before, text=told.text)
        response.delta.CopyFrom(delta)
    elif isinstance(told, Gap):
        gap = events_pb.EventGap(why=_GONE, first_seq=told.first_seq, last_seq=told.last_seq)
        response.event.CopyFrom(events_pb.SessionEvent(seq=seq, gap=gap))
    else:
        response.event.ParseFromString(told)
    return response.SerializeToString()


def hit_message(hit: Hit) -> pb.SearchHit:
    """What whoever searches gets."""
    event = events_pb.SessionEvent.FromString(hit.payload)
    pieces = hit.snippet.replace(END, BEGIN).split(BEGIN)  # every other one is a word that was searched
    return pb.SearchHit(
        session_id=hit.session_id, seq=event.seq, generation=event.generation, by=event.said.by,
        at=event.at if event.HasField("at") else None,
        snippet=[
            pb.SnippetPart(text=_shortened(piece), is_hit=at % 2 == 1) for at, piece in enumerate(pieces) if piece
        ],
    )  # fmt: skip


def _shortened(piece: str) -> str:
    return piece if len(piece) <= MAX_SHOWN else f"{piece[: MAX_SHOWN // 2]}…{piece[-MAX_SHOWN // 2 :]}"
