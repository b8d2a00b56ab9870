"""Receipts never stand long before what sessions say: good ends come together, and the two take turns."""

from collections.abc import Iterator

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.rigs.thin_courier import ThinCourier

CHAT = types.ChatRef(transport="test", chat_id="a")
REST = chat_pb.Rest(chat={"seconds": 20})
RESTED = 20.1  # seconds; no 200 replies take that long on a busy machine
FAILED = {"outcome": link_pb.RESULT_OUTCOME_FAILED, "reason": types.REASON_TARGET_GONE}
DELIVERED = types.NOTIFICATION_STATE_DELIVERED


class Person:
    """Replies in a chat; a machine carries out each reply as it comes."""

    def __init__(self, router: RouterUnderTest, session: str, link: ThinLink) -> None:
        self.session = session
        self._router = router
        self._link = link
        self.commands: list[str] = []

    def replies(self, times: int = 1, **end: object) -> None:
        """So many replies are written and carried out."""
        for _ in range(times):
            number = len(self.commands) + 1
            here = types.ChatRef(transport="test", chat_id="a", message_id=f"{number}")
            self.commands.append(self._router.submit(here, f"text {number}", session_id=self.session).command_id)
            self._link.commands(1)
            self._link.result(number, self.commands[-1], **end)
        self._link.acked(len(self.commands))

    def says(self, seq: int, command_id: str, outcome: "link_pb.ResultOutcome.ValueType") -> None:
        """The machine tells what the program did with a text."""
        self._link.result(seq, command_id, outcome=outcome)
        self._link.acked(seq)


@pytest.fixture
def person(router: RouterUnderTest) -> Iterator[Person]:
    agent: ThinAgent = router.machine("devbox")
    session = router.session(agent, "api")
    with agent.connected() as link:
        yield Person(router, session, link)


@pytest.fixture
def courier(router: RouterUnderTest) -> Iterator[ThinCourier]:
    with router.courier("test", "a") as courier:
        yield courier


def brought(router: RouterUnderTest, courier: ThinCourier, *ids: str) -> chat_pb.Delivery:
    """The next delivery of a chat that rests after each."""
    delivery = courier.brought(*ids, rest=REST)
    router.reported(delivery)
    router.advance(RESTED)
    return delivery


def test_after_200_replies_what_a_session_says_is_the_next_message_and_their_ends_are_one_line(
    router: RouterUnderTest, person: Person, courier: ThinCourier
) -> None:
    person.replies()
    router.reported(mark := courier.brought(rest=REST))
    person.replies(200)
    router.notify(person.session, CHAT, text="look at this")
    router.advance(RESTED)
    said, line = brought(router, courier, "500"), brought(router, courier, "501")
    router.settle()

    assert (mark.as_mark, said.notification.text) == (True, "look at this")
    assert line.notification.text == "✅ api has got this and the 199 before it."
    assert (line.as_mark, line.reply_to_message_id, line.kind) == (False, "201", chat_pb.DELIVERY_KIND_STATUS)
    assert courier.waiting() == 0
    assert {note.state for note in router.notifications(person.session)} == {DELIVERED}


def test_few_ends_are_a_mark_each(router: RouterUnderTest, person: Person, courier: ThinCourier) -> None:
    person.replies()
    router.reported(courier.brought(rest=REST))
    person.replies(3)
    router.advance(RESTED)

    marks = [brought(router, courier) for _ in range(3)]

    assert [(each.as_mark, each.reply_to_message_id) for each in marks] == [(True, "2"), (True, "3"), (True, "4")]


def test_a_bad_end_among_them_comes_by_itself_in_its_place(
    router: RouterUnderTest, person: Person, courier: ThinCourier
) -> None:
    person.replies()
    router.reported(courier.brought(rest=REST))
    person.replies(4)
    person.replies(**FAILED)
    person.replies(5)
    router.advance(RESTED)

    before, failed, after = (brought(router, courier, f"{number}") for number in range(3))

    assert (before.reply_to_message_id, "the 3 before it" in before.notification.text) == ("5", True)
    assert failed.notification.text.startswith("❌ Not typed into api")
    assert (failed.reply_to_message_id, failed.command_state) == ("6", types.COMMAND_STATE_FAILED)
    assert (after.reply_to_message_id, "the 4 before it" in after.notification.text) == ("11", True)


def test_bad_ends_and_what_a_session_says_take_turns(
    router: RouterUnderTest, person: Person, courier: ThinCourier
) -> None:
    person.replies()
    router.reported(courier.brought(rest=REST))
    person.replies(4, **FAILED)
    for text in ("one", "two"):
        router.notify(person.session, CHAT, text=text, buttons=[types.Button(label="x", action="y")])
    router.advance(RESTED)

    kinds = [brought(router, courier, f"{number}").kind for number in range(6)]

    receipt, progress = chat_pb.DELIVERY_KIND_STATUS, chat_pb.DELIVERY_KIND_PROGRESS
    assert kinds == [progress, receipt, progress, receipt, receipt, receipt]


def test_what_is_said_of_one_later_leaves_the_line_as_it_is(
    router: RouterUnderTest, person: Person, courier: ThinCourier
) -> None:
    person.replies()
    router.reported(courier.brought(rest=REST))
    person.replies(4)
    router.advance(RESTED)
    brought(router, courier, "500")
    taken, missed = person.commands[2:4]
    person.says(6, taken, link_pb.RESULT_OUTCOME_TAKEN)
    person.says(7, missed, link_pb.RESULT_OUTCOME_NOT_TAKEN)
    line = brought(router, courier, "501")
    router.settle()

    assert (list(line.edit_message_ids), line.reply_to_message_id) == ([], "4")
    assert "has not taken it" in line.notification.text
    assert courier.waiting() == 0


def test_a_reply_to_the_line_reaches_the_session_and_trace_tells_of_the_others(
    router: RouterUnderTest, person: Person, courier: ThinCourier
) -> None:
    person.replies()
    router.reported(courier.brought(rest=REST))
    person.replies(4)
    router.advance(RESTED)
    line = brought(router, courier, "500")

    reply = router.submit(CHAT, "more", reply_to_message_id="500")

    assert reply.session_id == person.session
    assert router.trace(line.notification.notification_id)[1].detail.startswith("together with ")
    about = [step.detail for step in router.trace(person.commands[-1]) if step.event == "Leased"]
    assert about == [f"together with {line.notification.notification_id}"]


@pytest.mark.parametrize("way", ["not now", "refused"])
def test_what_becomes_of_the_line_becomes_of_all(
    router: RouterUnderTest, person: Person, courier: ThinCourier, way: str
) -> None:
    person.replies()
    router.reported(courier.brought(rest=REST))
    person.replies(4)
    router.advance(RESTED)
    line = courier.take()
    outcome = {
        "not now": {"retry_later": chat_pb.RetryLater(retry_after={"seconds": 5})},
        "refused": {"refused": chat_pb.Refused(detail="no")},
    }[way]
    courier.answer(line, **outcome)
    router.reported(line)
    states = [note.state for note in router.notifications(person.session) if note.command_id][:4]
    router.advance(6)
    again = courier.brought("1")

    expected = {"not now": types.NOTIFICATION_STATE_QUEUED, "refused": types.NOTIFICATION_STATE_REFUSED}[way]
    assert states == [expected] * 4
    assert ("the 3 before it" in again.notification.text, "could not be shown" in again.notification.text) == (
        way == "not now",
        way == "refused",
    )
