"""A session at work, as its machine tells it, and what chats see of it."""

from collections.abc import Callable
from typing import Any

from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import session_events_pb2 as events_pb
from agentlink.v1 import types_pb2 as types

from router.services import work_events
from router.services.outbox import work_messages
from tests.integration.router.harness import RouterUnderTest, fresh
from tests.rigs.thin_agent import ThinLink
from tests.rigs.thin_courier import ThinCourier
from tests.rigs.told_events import said as said
from tests.waiting import wait_until

Event = events_pb.SessionEvent
BUSY = Event(status=events_pb.SessionStatus(state=types.SESSION_STATE_BUSY))
IDLE = Event(status=events_pb.SessionStatus(state=types.SESSION_STATE_IDLE))


def began(tool_id: str, title: str = "npm test", name: str = "Bash", kind: int = events_pb.TOOL_KIND_RUN) -> Event:
    state = events_pb.WORK_STATE_RUNNING
    return Event(tool=events_pb.ToolUse(id=tool_id, name=name, kind=kind, title=title, state=state))  # type: ignore[arg-type]


def ended(tool_id: str, output: str = "", *, failed: bool = False) -> Event:
    state = events_pb.WORK_STATE_FAILED if failed else events_pb.WORK_STATE_DONE
    return Event(tool=events_pb.ToolUse(id=tool_id, state=state, output=output))


def plan(*entries: str) -> Event:
    """Entries that are done begin with a plus, those under way with a dot."""
    states = {"+": events_pb.WORK_STATE_DONE, ".": events_pb.WORK_STATE_RUNNING}
    listed = [
        events_pb.PlanEntry(text=each.lstrip("+."), state=states.get(each[0], events_pb.WORK_STATE_PENDING))
        for each in entries
    ]
    return Event(plan=events_pb.Plan(entries=listed))


class Worker:
    """Tells a session's events in their order, on the machine's link."""

    def __init__(self, router: RouterUnderTest, link: ThinLink, session_id: str, told: int = 0) -> None:
        self._router = router
        self._link = link
        self.session_id = session_id
        self._seq = told
        self._upstream = 0

    def does(self, *events: Event) -> None:
        """Tell of it; it is kept on return."""
        frame = events_pb.SessionEvents(
            session_id=self.session_id, generation=1, first_seq=self._seq + 1, events=events, cursor=b"c"
        )
        self._link.frame(session_events=frame)
        self._seq += len(events)
        assert self._link.take("events_ack").acked_seq == self._seq

    def says(self, text: str, **more: Any) -> None:
        """A message to its people; on disk on return."""
        self._upstream += 1
        note = link_pb.Notify(
            upstream_seq=self._upstream, notification_id=fresh("note"), session_id=self.session_id, text=text, **more
        )
        self._link.frame(notify=note)
        self._link.acked(self._upstream)

    def finishes(self, text: str) -> None:
        """Its turn is over, and these are its last words."""
        self.says(text, markdown=True, ends_turn=True)

    def until(self, happened: Callable[[], object]) -> None:
        """Let time pass, and then wait: what is on its way must not be taken for lost."""
        moments = iter(range(12))

        def has_happened() -> bool:
            if not (has := bool(happened())) and next(moments, None) is not None:
                self._router.advance(work_events.PACE)
                self._router.settle()
            return has

        wait_until(has_happened)

    def pause(self, seconds: float = work_messages.EVERY) -> None:
        """Time in which what is due is shown."""
        for _ in range(round(seconds / work_events.PACE) + 1):
            self._router.advance(work_events.PACE)
            self._router.settle()


HERE = types.ChatRef(transport="test", chat_id="1", message_id="10")
WORK = chat_pb.DELIVERY_KIND_WORK


def setting(router: RouterUnderTest, courier: ThinCourier, wish: str) -> str:
    router.submit(HERE, f"/settings {wish}")
    return courier.brought("1").notification.text


def shown(courier: ThinCourier, *message_ids: str) -> str:
    """What the next delivery says, which is an extra."""
    return extra(courier, *message_ids).notification.text


def extra(courier: ThinCourier, *message_ids: str) -> chat_pb.Delivery:
    """The next delivery, which is one."""
    delivery = courier.brought(*message_ids)
    assert (delivery.kind, delivery.silent, delivery.notification.markdown) == (WORK, True, True)
    return delivery
