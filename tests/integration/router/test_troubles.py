"""A message that fails while the platform answers others silences no chat: what waits for it, when it is set aside."""

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.permissions.asking import ask
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier

A = types.ChatRef(transport="test", chat_id="a")
B = types.ChatRef(transport="test", chat_id="b")
HERE = types.ChatRef(transport="test", chat_id="a", message_id="10")
ALONE = chat_pb.RetryLater(detail="500 Internal Server Error", alone=True)
AWAY = chat_pb.RetryLater(detail="no answer")
FLOOD = chat_pb.RetryLater(detail="429", retry_after={"seconds": 3})
STEP = 4.1  # seconds: the longest wait of a message that others wait for
QUEUED, DELIVERED, DEAD = (
    types.NOTIFICATION_STATE_QUEUED,
    types.NOTIFICATION_STATE_DELIVERED,
    types.NOTIFICATION_STATE_DEAD,
)
CHOICE = [types.Button(label="Go on", action="continue")]  # what has buttons comes by itself, never in a digest


def noted(router: RouterUnderTest, session: str, chat: types.ChatRef, *texts: str) -> list[str]:
    return [router.notify(session, chat, text=text, buttons=CHOICE)[0].notification_id for text in texts]


def now(router: RouterUnderTest, notification_id: str) -> types.Notification:
    return router.control.GetNotification(pb.GetNotificationRequest(notification_id=notification_id)).notification


def fails(
    router: RouterUnderTest, courier: ThinCourier, how: chat_pb.RetryLater = ALONE, step: float = STEP
) -> chat_pb.Delivery:
    """The next delivery fails, and the time of its next try has come."""
    delivery = courier.take()
    courier.answer(delivery, retry_later=how)
    router.reported(delivery)
    router.advance(step)
    router.settle()
    return delivery


def due(router: RouterUnderTest, courier: ThinCourier) -> None:
    """Time goes on until something is tried again: how long each waits is left to chance."""
    while not courier.waiting():
        router.advance(STEP)
        router.settle()


def texts(courier: ThinCourier, router: RouterUnderTest, count: int) -> list[str]:
    """What so many deliveries say, which the platform takes."""
    taken = [courier.brought(f"{number}") for number in range(count)]
    for delivery in taken:
        router.reported(delivery)
    return [delivery.notification.text for delivery in taken]


def test_one_that_fails_again_is_set_aside_once_the_next_is_taken_and_the_chat_is_told_why(
    router: RouterUnderTest, session: str
) -> None:
    bad, good = noted(router, session, A, "bad", "good")

    with router.courier("test") as courier:
        tries = [fails(router, courier).notification.text for _ in range(2)]
        passed = courier.take()
        meanwhile = now(router, bad).state
        courier.delivered(passed, "1")
        told = courier.brought("2")
        router.advance(3600)
        router.settle()
        again = courier.waiting()

    found = now(router, bad)
    assert (tries, passed.notification.notification_id, meanwhile) == (["bad", "bad"], good, QUEUED)
    assert (found.state, again) == (DEAD, 0)
    assert found.detail == "set aside after 2 tries, while others were answered: 500 Internal Server Error"
    assert (found.detail in told.notification.text, bad in told.notification.text) == (True, True)
    assert router.events(bad)[-1] == "SetAside"
    listed = router.control.ListDeadLetters(pb.ListDeadLettersRequest()).notifications
    assert [(each.notification_id, each.detail) for each in listed] == [(bad, found.detail)]
    assert router.control.GetStats(pb.GetStatsRequest()).notifications["DEAD"] == 1
    assert router.trace(bad)[-1].detail == found.detail


def test_one_that_fails_once_keeps_its_place(router: RouterUnderTest, session: str) -> None:
    noted(router, session, A, "one", "two")

    with router.courier("test") as courier:
        fails(router, courier, step=0.0)
        early = courier.waiting()
        router.advance(STEP)

        assert (early, texts(courier, router, 2)) == (0, ["one", "two"])


def test_one_that_failed_for_long_and_is_taken_before_the_next_keeps_its_place(
    router: RouterUnderTest, session: str
) -> None:
    noted(router, session, A, "one", "two")

    with router.courier("test") as courier:
        tried = [fails(router, courier, step=5.1).notification.text for _ in range(3)]
        # The second failed as well: perhaps it is not about the first.

        assert tried == ["one", "one", "two"]
        assert texts(courier, router, 2) == ["one", "two"]


def test_a_question_overtakes_what_is_tried_again_and_also_another_question(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    noted(router, session, A, "bad")

    with router.courier("test", "a") as courier, agent.connected() as link:
        fails(router, courier, step=0.0)
        first = ask(link, session, seq=1)
        asked = fails(router, courier, step=0.0)
        second = ask(link, session, seq=2)
        next_ = courier.brought("2")

    assert [asked.notification.permission_id, next_.notification.permission_id] == [first, second]


def test_a_platform_that_answers_nobody_is_waited_for_and_nothing_is_lost(
    router: RouterUnderTest, session: str
) -> None:
    ids = noted(router, session, A, "one", "two")

    with router.courier("test") as courier:
        tried = [fails(router, courier, AWAY, step=301).notification.text for _ in range(20)]
        states = [now(router, each).state for each in ids[1:]]
        after = texts(courier, router, 2)

    assert (set(tried), states, after) == ({"one"}, [QUEUED], ["one", "two"])


def test_that_others_are_taken_shows_that_it_is_about_the_message_also_where_the_courier_does_not_say_so(
    router: RouterUnderTest, session: str
) -> None:
    [bad] = noted(router, session, A, "bad")

    with router.courier("test") as courier:
        fails(router, courier, AWAY, step=0.0)
        noted(router, session, B, "elsewhere")
        router.reported(courier.brought("1"))
        router.advance(2.1)
        [fails(router, courier, AWAY) for _ in range(2)]
        courier.answer(courier.take(), retry_later=AWAY)
        told = courier.brought("2")

    assert now(router, bad).detail == "set aside after 3 tries, while others were answered: no answer"
    assert bad in told.notification.text


def test_a_chat_that_has_to_wait_for_its_limits_loses_nothing_though_others_are_taken(
    router: RouterUnderTest, session: str
) -> None:
    [late] = noted(router, session, A, "late")

    with router.courier("test") as courier:
        fails(router, courier, FLOOD, step=0.0)
        noted(router, session, B, "elsewhere")
        router.reported(courier.brought("1"))
        router.advance(STEP)
        [fails(router, courier, FLOOD) for _ in range(10)]
        after = texts(courier, router, 1)

    assert (after, now(router, late).state) == (["late"], DELIVERED)


def test_on_the_couriers_word_alone_it_is_given_up_only_after_many_tries(router: RouterUnderTest, session: str) -> None:
    [bad] = noted(router, session, A, "bad")

    with router.courier("test") as courier:
        [fails(router, courier, step=301) for _ in range(11)]
        before = now(router, bad).state
        courier.answer(courier.take(), retry_later=ALONE)
        told = courier.brought("1")

    assert before == types.NOTIFICATION_STATE_SENT
    assert now(router, bad).state == DEAD
    assert "after 12 tries" in told.notification.text


def test_where_all_fail_few_are_tried_and_the_rest_waits(router: RouterUnderTest, session: str) -> None:
    ids = noted(router, session, A, *(f"{number}" for number in range(6)))

    with router.courier("test") as courier:
        for _ in range(20):
            fails(router, courier)
            due(router, courier)

    assert [now(router, each).attempt > 0 for each in ids] == [True, True, True, False, False, False]
    assert {now(router, each).state for each in ids[1:]} == {QUEUED}


def test_of_a_digest_that_fails_the_oldest_goes_alone_until_it_is_known_which_it_is_about(
    router: RouterUnderTest, session: str
) -> None:
    for number in range(6):
        router.notify(session, A, text=f"word {number}")

    with router.courier("test") as courier:
        whole = fails(router, courier)
        alone, rest = texts(courier, router, 2)

    assert whole.notification.text.startswith("🗞 6 messages")
    assert alone == "word 0"
    assert rest.startswith("🗞 5 messages")


def test_a_restart_gives_each_a_new_chance(router: RouterUnderTest, session: str) -> None:
    noted(router, session, A, "one", "two")
    with router.courier("test") as courier:
        [fails(router, courier) for _ in range(2)]
        router.restart()

    with router.courier("test") as courier:
        router.advance(1.1)

        assert texts(courier, router, 2) == ["one", "two"]


def test_what_the_platform_did_not_tell_is_kept_with_the_message(router: RouterUnderTest, session: str) -> None:
    [note] = noted(router, session, A, "hello")

    with router.courier("test") as courier:
        delivery = courier.take()
        courier.answer(delivery, delivered=chat_pb.Delivered(detail="no message id"))
        found = router.reported(delivery)

    assert (found.state, found.detail, list(found.message_ids)) == (DELIVERED, "no message id", [])
    assert router.trace(note)[-1].detail == "no message id"


@pytest.fixture
def waiting(router: RouterUnderTest, session: str) -> str:
    """A command whose machine is away."""
    return router.submit(HERE, "x", session_id=session).command_id


def test_a_change_that_fails_holds_up_nothing_and_its_last_word_comes_as_a_new_message(
    router: RouterUnderTest, agent: ThinAgent, session: str, waiting: str
) -> None:
    with router.courier("test") as courier, agent.connected() as link:
        router.reported(courier.brought("500"))
        link.commands(1)
        link.result(1, waiting)
        link.acked(1)
        first = fails(router, courier, step=0.0)
        noted(router, session, A, "meanwhile")
        [meanwhile] = texts(courier, router, 1)
        router.advance(STEP)
        fails(router, courier, step=5.0)
        courier.answer(courier.take(), retry_later=ALONE)
        anew = courier.brought("501")
        router.settle()
        left = courier.waiting()

    assert list(first.edit_message_ids) == ["500"]
    assert (meanwhile, left) == ("meanwhile", 0)
    assert list(anew.edit_message_ids) == []
    assert (anew.notification.text, anew.command_state) == ("✅ Typed into " + session + ".", types.COMMAND_STATE_DONE)


def test_a_change_that_failed_goes_when_nothing_else_can(
    router: RouterUnderTest, agent: ThinAgent, session: str, waiting: str
) -> None:
    with router.courier("test") as courier, agent.connected() as link:
        router.reported(courier.brought("500"))
        link.commands(1)
        link.result(1, waiting)
        link.acked(1)
        change = courier.take()
        courier.answer(change, retry_later=ALONE, rest=chat_pb.Rest(chat={"seconds": 5}))
        router.reported(change)
        noted(router, session, A, "one", "two")
        router.advance(6)

        sent, done = f"📤 On its way to {agent.machine_id}.", f"✅ Typed into {session}."
        assert texts(courier, router, 4) == ["one", "two", sent, done]


def test_buttons_that_cannot_be_taken_away_are_left_without_a_word(router: RouterUnderTest, session: str) -> None:
    noted(router, session, A, "choose")

    with router.courier("test") as courier:
        shown = courier.brought("1")
        router.reported(shown)
        token = shown.notification.token
        router.submit(A, button=chat_pb.ButtonPress(data=f"cmd:{token}:continue"))
        router.reported(courier.brought("2"))  # the line of the command
        [fails(router, courier, step=9.0) for _ in range(3)]
        router.advance(3600)
        router.settle()

        assert courier.waiting() == 0


def test_a_bad_end_that_cannot_be_told_is_told_of(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with router.courier("test") as courier, agent.connected() as link:
        became = router.submit(HERE, "x", session_id=session).command_id
        link.commands(1)
        link.result(1, became, outcome=link_pb.RESULT_OUTCOME_FAILED, reason=types.REASON_TARGET_GONE)
        [fails(router, courier) for _ in range(2)]
        courier.answer(line := courier.take(), retry_later=ALONE)
        noted(router, session, A, "next")
        router.reported(courier.brought("1"))
        router.advance(20)
        courier.answer(courier.take(), retry_later=ALONE)
        told = courier.brought("2")

    assert "Not typed" in line.notification.text
    assert line.notification.notification_id in told.notification.text
