"""What sessions do as protobuf, and how far the router is with it."""

from agentlink.v1 import agent_link_pb2 as link
from agentlink.v1 import session_events_pb2 as pb
from agentlink.v1 import types_pb2 as types

from agent.domain import frames
from agent.domain.session import SessionState
from agent.domain.session_event import (
    Became,
    Described,
    Event,
    Missing,
    Planned,
    Said,
    Speaker,
    ToolKind,
    ToolUsed,
    Used,
    WorkState,
)

YEAR_10_000 = 253_402_300_800  # seconds since the epoch; no calendar has it
_SPEAKERS = {one: pb.Speaker.Value(f"SPEAKER_{one.value}") for one in Speaker}
_KINDS = {one: pb.ToolKind.Value(f"TOOL_KIND_{one.value}") for one in ToolKind}
_WORK = {one: pb.WorkState.Value(f"WORK_STATE_{one.value}") for one in WorkState}


Told = frames.SessionEvents | frames.EventsQuery | frames.Screen | frames.SaidDelta


def put(message: link.AgentFrame, body: Told) -> None:
    """Make it the frame's."""
    match body:
        case frames.SessionEvents():
            message.session_events.CopyFrom(session_events(body))
        case frames.EventsQuery(session_ids):
            message.events_query.session_ids.extend(session_ids)
        case frames.Screen():
            message.screen.CopyFrom(screen(body))
        case frames.SaidDelta(session_id, answer_id, before, text):
            delta = pb.SaidDelta(session_id=session_id, answer_id=answer_id, before=before, text=text)
            message.said_delta.CopyFrom(delta)


def session_events(frame: frames.SessionEvents) -> pb.SessionEvents:
    return pb.SessionEvents(
        session_id=frame.session_id,
        generation=frame.generation,
        first_seq=frame.first_seq,
        events=[_event(one) for one in frame.events],
        cursor=frame.cursor,
    )


def events_ack(message: pb.EventsAck) -> frames.EventsAck:
    return frames.EventsAck(message.session_id, message.acked_seq, message.cursor, is_taken=not message.reason)


def screen(shown: frames.Screen) -> pb.Screen:
    reason = types.Reason.Value(f"REASON_{shown.reason.value}") if shown.reason.value else types.REASON_UNSPECIFIED
    return pb.Screen(query_id=shown.query_id, text=shown.text, reason=reason, detail=shown.detail)


def _event(event: Event) -> pb.SessionEvent:
    message = pb.SessionEvent()
    if event.at is not None and 0 <= event.at < YEAR_10_000:
        message.at.FromMicroseconds(round(event.at * 1e6))
    match event.what:
        case Said(by, text, is_error):
            message.said.CopyFrom(pb.Said(by=_SPEAKERS[by], text=text, is_error=is_error))
        case ToolUsed() as used:
            message.tool.CopyFrom(_tool(used))
        case Planned(entries):
            message.plan.entries.extend([pb.PlanEntry(text=text, state=_WORK[state]) for text, state in entries])
        case Used() as used:
            message.usage.CopyFrom(_usage(used))
        case Became() as became:
            message.status.CopyFrom(_status(became))
        case Described(title, model, mode, branch, commands):
            about = pb.SessionMetadata(title=title, model=model, mode=mode, branch=branch, commands=commands)
            message.metadata.CopyFrom(about)
        case Missing(why):
            message.gap.CopyFrom(pb.EventGap(why=why))
    return message


def _status(became: Became) -> pb.SessionStatus:
    state = became.state
    number = 0 if state is SessionState.UNKNOWN else types.SessionState.Value(f"SESSION_STATE_{state.name}")
    about = {"waiting_for": became.waiting_for, "by_screen": became.by_screen}
    status = pb.SessionStatus(state=number, **about)  # type: ignore[arg-type]
    if 0 < became.limited_until < YEAR_10_000:
        status.limited_until.FromSeconds(int(became.limited_until))
    return status


def _tool(used: ToolUsed) -> pb.ToolUse:
    return pb.ToolUse(
        id=used.tool_id,
        name=used.name,
        kind=_KINDS[used.kind] if used.kind else pb.TOOL_KIND_UNSPECIFIED,
        title=used.title,
        input=used.input,
        state=_WORK[used.state],
        output=used.output,
        diff=used.diff,
        parent_id=used.parent_id,
    )


def _usage(used: Used) -> pb.Usage:
    return pb.Usage(
        model=used.model,
        input_tokens=used.input,
        output_tokens=used.output,
        cache_read_tokens=used.cache_read,
        cache_written_tokens=used.cache_written,
        context_tokens=used.context or used.input + used.cache_read + used.cache_written + used.output,
        context_size=used.context_size,
        cost_usd=used.cost,
    )
