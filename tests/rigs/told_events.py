"""What a session does, as a machine tells it and as somebody who watches sees it."""

from typing import Any

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import session_events_pb2 as events_pb

from tests.integration.router.harness import LIMIT, Caller, RouterUnderTest
from tests.rigs.thin_agent import ThinLink


def said(text: str, by: "events_pb.Speaker.ValueType" = events_pb.SPEAKER_ASSISTANT) -> events_pb.SessionEvent:
    """Words."""
    return events_pb.SessionEvent(said=events_pb.Said(by=by, text=text))


def tell(link: ThinLink, session_id: str, first_seq: int, *texts: str, cursor: bytes = b"") -> events_pb.EventsAck:
    """Words of the session from that number on; the router's answer."""
    events = [said(text) for text in texts]
    link.frame(
        session_events=events_pb.SessionEvents(
            session_id=session_id, generation=1, first_seq=first_seq, events=events, cursor=cursor
        )
    )
    ack: events_pb.EventsAck = link.take("events_ack")
    return ack


def asked(link: ThinLink, *session_ids: str) -> list[events_pb.EventsAck]:
    """How far the router is with each."""
    link.frame(events_query=events_pb.EventsQuery(session_ids=session_ids))
    return [link.take("events_ack") for _ in session_ids]


def watching(caller: RouterUnderTest | Caller, session_id: str, **request: Any) -> Any:
    """The open stream of somebody who watches. Somebody must cancel it."""
    call = caller.control.WatchSession(pb.WatchSessionRequest(session_id=session_id, **request), timeout=LIMIT)
    call.initial_metadata()
    return call


def kept(caller: RouterUnderTest | Caller, session_id: str, **request: Any) -> list[str]:
    """What is kept of it, in words."""
    request = {"once": True} | request
    return [shown(one.event) for one in watching(caller, session_id, **request)]


def shown(event: events_pb.SessionEvent) -> str:
    """An event in a word: its number and what was said, or which numbers are missing."""
    if event.HasField("gap"):
        return f"{event.gap.first_seq}-{event.gap.last_seq} missing"
    return f"{event.seq} {event.said.text}"
