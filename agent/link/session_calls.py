"""Calls to the router in the name of a session's program: what it uses of us that only the router can do.

Each is answered in words for a model. The router judges the worker token that is shown, as if the program had come by
itself; the same `request_id` again is the same call.
"""

from datetime import UTC
from typing import Protocol, TypeVar

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from google.protobuf.message import Message

from agent.domain.session import Session

Answer = TypeVar("Answer", bound=Message)


class Router(Protocol):
    """The way there."""

    async def in_name_of(self, session: Session, method: str, request: bytes) -> bytes:
        """The answer to a call. Raises Refusal for good, RouterUnreachable for now."""


class SessionCalls:
    """Each raises Refusal, RouterUnreachable."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def later(self, session: Session, when: str, text: str, request_id: str, *, reminder: bool) -> str:
        """Keep a text for the session, or a reminder for its people."""
        task = types.DEFERRED_TASK_REMINDER if reminder else types.DEFERRED_TASK_TEXT
        asked = pb.DeferRequest(when=when, task=task, session_id=session.session_id, text=text, request_id=request_id)
        kept = (await self._call(session, "Control/Defer", asked, pb.DeferResponse)).deferred
        if not kept.HasField("next_at"):
            return f"Kept as {kept.deferred_id}: {kept.when}."
        moment = kept.next_at.ToDatetime(tzinfo=UTC).isoformat(timespec="minutes")
        return f"Kept as {kept.deferred_id}: {kept.when}, that is {moment}."

    async def send_to_session(self, session: Session, to: str, text: str, reply_to: str, request_id: str) -> str:
        """Say something to another session."""
        asked = pb.SendToSessionRequest(to=to, text=text, reply_to=reply_to, request_id=request_id)
        said = (await self._call(session, "Control/SendToSession", asked, pb.SendToSessionResponse)).message
        if said.state == types.SESSION_MESSAGE_STATE_WAITING:
            return f"Message {said.message_id} waits: people are asked whether this session may send to that one."
        return f"Message {said.message_id} is on its way to {said.to_session_id}. An answer is typed into this session."

    async def _call(self, session: Session, method: str, request: Message, kind: type[Answer]) -> Answer:
        said = await self._router.in_name_of(session, f"/agentlink.v1.{method}", request.SerializeToString())
        return kind.FromString(said)
