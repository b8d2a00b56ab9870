"""Whoever sent a command from a chat sees there how far it got: one line, edited while it changes."""

from collections.abc import Callable

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.domain.errors import Reason
from router.store.database import Transaction
from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier

HERE = types.ChatRef(transport="test", chat_id="1", message_id="10")


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    return router.machine("devbox")


@pytest.fixture
def session(router: RouterUnderTest, agent: ThinAgent) -> str:
    return router.session(agent, "api")


def test_while_the_machine_is_there_one_line_says_how_it_ended(
    router: RouterUnderTest, agent: ThinAgent, session: str, courier: ThinCourier
) -> None:
    with agent.connected() as link:
        became = router.submit(HERE, "x", session_id=session)
        link.commands(1)
        link.receipt(became.command_id)
        link.result(1, became.command_id)
        link.acked(1)
        delivery = courier.brought("500")

    assert delivery.kind == chat_pb.DELIVERY_KIND_STATUS
    assert delivery.notification.command_id == became.command_id
    assert delivery.command_state == types.COMMAND_STATE_DONE
    assert delivery.reply_to_message_id == "10"
    assert list(delivery.edit_message_ids) == []
    assert "Typed into api" in delivery.notification.text
    assert (delivery.machine_id, delivery.session_label) == ("devbox", "api")


def test_the_line_goes_on_with_what_the_program_does(
    router: RouterUnderTest, agent: ThinAgent, session: str, courier: ThinCourier
) -> None:
    with agent.connected() as link:
        became = router.submit(HERE, "x", session_id=session)
        link.commands(1)
        link.result(1, became.command_id)
        typed = courier.brought("500")
        link.result(2, became.command_id, outcome=link_pb.RESULT_OUTCOME_TAKEN)
        taken = courier.brought("500")
        link.result(3, became.command_id, outcome=link_pb.RESULT_OUTCOME_FINISHED)
        finished = courier.brought("500")

    assert [line.notification.text for line in (typed, taken, finished)] == [
        "✅ Typed into api.",
        "▶️ api is working on it.",
        "🏁 api has finished it.",
    ]
    assert [list(line.edit_message_ids) for line in (typed, taken, finished)] == [[], ["500"], ["500"]]


def test_a_mark_stands_for_what_the_program_does_but_not_for_what_it_does_not(
    router: RouterUnderTest, agent: ThinAgent, session: str, courier: ThinCourier
) -> None:
    with agent.connected() as link:
        first, second = (router.submit(HERE, text, session_id=session).command_id for text in ("x", "y"))
        link.commands(2)
        link.result(1, first)
        marked = courier.brought()
        router.reported(marked)
        link.result(2, first, outcome=link_pb.RESULT_OUTCOME_TAKEN)
        link.result(3, second)
        router.reported(courier.brought())
        link.result(4, second, outcome=link_pb.RESULT_OUTCOME_NOT_TAKEN)
        missed = courier.brought("500")

    assert marked.as_mark
    assert (missed.notification.command_id, missed.as_mark) == (second, False)
    assert "has not taken it" in missed.notification.text


def test_a_machine_that_is_away_is_told_of_and_the_line_changes_when_it_ends(
    router: RouterUnderTest, agent: ThinAgent, session: str, courier: ThinCourier
) -> None:
    became = router.submit(HERE, "x", session_id=session)
    away = courier.brought("500")

    with agent.connected() as link:
        link.commands(1)
        sent = courier.brought("500")
        link.receipt(became.command_id)
        received = courier.brought("500")
        link.result(1, became.command_id)
        done = courier.brought("500")

    assert "devbox is away" in away.notification.text
    assert "24 h" in away.notification.text
    assert list(away.edit_message_ids) == []
    changes = [sent, received, done]
    assert [list(change.edit_message_ids) for change in changes] == [["500"]] * 3
    assert [change.command_state for change in changes] == [
        types.COMMAND_STATE_SENT,
        types.COMMAND_STATE_RECEIVED,
        types.COMMAND_STATE_DONE,
    ]


def test_a_line_nobody_has_seen_yet_is_rewritten_instead_of_edited(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    became = router.submit(HERE, "x", session_id=session)
    with agent.connected() as link:
        link.commands(1)
        link.receipt(became.command_id)
        link.result(1, became.command_id)
        link.acked(1)

    with router.courier("test") as courier:
        delivery = courier.brought("500")

    assert delivery.command_state == types.COMMAND_STATE_DONE
    assert "Typed" in delivery.notification.text
    assert len(router.notifications(session)) == 1


def test_an_end_while_the_first_line_is_on_its_way_becomes_an_edit_of_it(
    router: RouterUnderTest, session: str, courier: ThinCourier
) -> None:
    became = router.submit(HERE, "x", session_id=session)
    away = courier.take()
    router.control.CancelCommand(pb.CancelCommandRequest(command_id=became.command_id))
    courier.delivered(away, "500")
    over = courier.brought("500")

    assert list(over.edit_message_ids) == ["500"]
    assert over.command_state == types.COMMAND_STATE_CANCELLED


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (link_pb.RESULT_OUTCOME_FAILED, "Not typed into api: the terminal is gone (pane %3)"),
        (link_pb.RESULT_OUTCOME_UNCERTAIN, "Perhaps typed into api: the terminal is gone (pane %3)"),
    ],
)
def test_a_bad_end_says_why(
    router: RouterUnderTest,
    agent: ThinAgent,
    session: str,
    courier: ThinCourier,
    outcome: "link_pb.ResultOutcome.ValueType",
    words: str,
) -> None:
    with agent.connected() as link:
        became = router.submit(HERE, "x", session_id=session)
        link.commands(1)
        link.receipt(became.command_id)
        link.result(1, became.command_id, outcome=outcome, reason=types.REASON_TARGET_GONE, detail="pane %3")
        delivery = courier.brought("500")

    assert words in delivery.notification.text


def test_a_dead_letter_is_told_where_it_was_sent_from(
    router: RouterUnderTest, session: str, courier: ThinCourier
) -> None:
    router.submit(HERE, "x", session_id=session)
    courier.brought("500")
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=session))
    before, dead = courier.brought("500"), courier.brought("501")

    assert (before.notification.text, list(before.notification.buttons)) == (dead.notification.text, [])
    assert list(before.edit_message_ids) == ["500"]
    assert list(dead.edit_message_ids) == []  # an edit would make no sound
    assert dead.command_state == types.COMMAND_STATE_DEAD
    assert "has ended" in dead.notification.text


def test_a_repeated_dead_letter_answers_in_the_same_chat(
    router: RouterUnderTest, agent: ThinAgent, session: str, courier: ThinCourier
) -> None:
    became = router.submit(HERE, "x", session_id=session)
    courier.brought("500")
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=session))
    courier.brought("500")
    courier.brought("501")
    other = router.session(agent, "web")
    again = router.control.Redrive(pb.RedriveRequest(command_id=became.command_id, session_id=other)).command
    delivery, settled = courier.brought("502"), courier.brought("501")

    assert list(settled.edit_message_ids) == ["501"]
    assert "Sent again to web" in settled.notification.text
    assert list(settled.notification.buttons) == []
    assert again.origin.chat == HERE
    assert delivery.notification.command_id == again.command_id
    assert delivery.reply_to_message_id == "10"


def test_a_command_from_outside_a_chat_has_no_receipt(router: RouterUnderTest, session: str) -> None:
    router.send(session)

    assert router.notifications(session) == []


@pytest.mark.rule("C9")
def test_a_reply_to_a_receipt_reaches_the_session(router: RouterUnderTest, session: str, courier: ThinCourier) -> None:
    router.submit(HERE, "x", session_id=session)
    router.reported(courier.brought("500"))

    assert router.submit(HERE, "more", reply_to_message_id="500").session_id == session


def test_receipts_are_part_of_the_commands_story(router: RouterUnderTest, session: str, courier: ThinCourier) -> None:
    became = router.submit(HERE, "x", session_id=session)
    delivery = courier.brought("500")
    subjects = {step.subject_id for step in router.trace(became.command_id)}

    assert subjects == {became.command_id, delivery.notification.notification_id}


def test_a_line_that_goes_out_as_its_command_is_taken_back_says_so_behind_it(
    router: RouterUnderTest, session: str, courier: ThinCourier
) -> None:
    command_id = rested(router, session, courier)
    before_anybody_looks(router, lambda tx: router.router._delivery.cancel(tx, command_id, "ada"))
    again, changed = courier.brought("500"), courier.brought("500")

    assert "Queued" in again.notification.text
    assert changed.notification.text == "↩️ Taken back; it was not typed."
    assert list(changed.edit_message_ids) == ["500"]


def test_a_line_that_goes_out_as_its_command_is_given_up_is_followed_by_one_that_is_heard(
    router: RouterUnderTest, session: str, courier: ThinCourier
) -> None:
    rested(router, session, courier)
    before_anybody_looks(router, lambda tx: router.router._delivery.give_up_session(tx, session, Reason.SESSION_ENDED))
    again, changed, heard = (courier.brought("500") for _ in range(3))

    assert "Queued" in again.notification.text
    assert list(changed.edit_message_ids) == ["500"]
    assert list(heard.edit_message_ids) == []
    assert heard.command_state == types.COMMAND_STATE_DEAD


def rested(router: RouterUnderTest, session: str, courier: ThinCourier) -> str:
    """A command that waits, and whose line does until its chat has rested for three seconds."""
    command_id = router.submit(HERE, "x", session_id=session).command_id
    first = courier.take()
    courier.answer(first, retry_later=chat_pb.RetryLater(detail="429", retry_after={"seconds": 3}))
    router.reported(first)
    return command_id


def before_anybody_looks(router: RouterUnderTest, operation: Callable[[Transaction], object]) -> None:
    """The chat has its rest behind it, and the operation comes first."""

    def late(tx: Transaction) -> None:
        router.time.skipped += 4
        operation(tx)

    router.taken(late)
