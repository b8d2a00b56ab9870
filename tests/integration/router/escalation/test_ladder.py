"""Questions that nobody answers: asked again, and elsewhere, until somebody does. Time is moved by weeks."""

from collections.abc import Iterator

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.clock import time_of_day
from tests.integration.router.deferral.refusing import refusal
from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_courier import ThinCourier
from tests.waiting import wait_until

MINUTE, DAY = 60, 24 * 3600
ADA = types.ChatRef(transport="telegram", chat_id="1")
MAIL = types.ChatRef(transport="mail", chat_id="ada@example.org")


@pytest.fixture
def telegram(router: RouterUnderTest) -> Iterator[ThinCourier]:
    with router.courier("telegram", "1") as courier:
        yield courier.connected()


@pytest.fixture
def mail(router: RouterUnderTest) -> Iterator[ThinCourier]:
    with router.courier("mail", "ada@example.org") as courier:
        yield courier.connected()


def ask(router: RouterUnderTest, session: str, text: str = "Which way?", days: int = 20) -> str:
    request = pb.AskRequest(session_id=session, text=text, request_id=text)
    request.expires_in.FromSeconds(days * DAY)
    return router.control.Ask(request).permission.permission_id


def told(router: RouterUnderTest, session: str) -> list[tuple[str, str]]:
    """What was put into the outbox about the session so far: where, and how it begins; the oldest first."""
    router.settle()
    found = router.control.ListNotifications(pb.ListNotificationsRequest(session_id=session, limit=1000)).notifications
    return [(note.chat.transport, note.text.split()[0]) for note in reversed(found) if note.permission_id]


def brought(router: RouterUnderTest, courier: ThinCourier, *ids: str) -> chat_pb.Delivery:
    delivery = courier.brought(*ids)
    router.reported(delivery)
    return delivery


def until_told(router: RouterUnderTest, session: str, count: int) -> list[tuple[str, str]]:
    return wait_until(lambda: there if len(there := told(router, session)) >= count else None)


def test_who_does_not_answer_is_reminded_then_told_by_mail_then_reminded_each_day(
    router: RouterUnderTest, session: str, telegram: ThinCourier, mail: ThinCourier
) -> None:
    ask(router, session)
    brought(router, telegram, "10")
    at_once = told(router, session)
    router.advance(15 * MINUTE + 1)
    reminder = brought(router, telegram, "11")
    router.advance(15 * MINUTE)
    by_mail = brought(router, mail, "m1")
    router.advance(DAY)
    daily = [brought(router, courier, "12") for courier in (telegram, mail)]

    assert at_once == [("telegram", "❓")]
    assert reminder.notification.text.startswith("⏳ Still open since")
    assert reminder.notification.chat.message_id == "10"
    assert by_mail.notification.text.startswith("❓ Which way?")
    assert all("(a day)" in delivery.notification.text for delivery in daily)


def test_weeks_pass_with_one_reminder_a_day(
    router: RouterUnderTest, session: str, telegram: ThinCourier, mail: ThinCourier
) -> None:
    ask(router, session)
    brought(router, telegram, "10")
    router.advance(31 * MINUTE)
    brought(router, mail, "m1")
    for day in range(1, 15):
        router.advance(DAY)
        for courier in (telegram, mail):
            reminder = brought(router, courier, f"d{day}")
            assert "Still open since" in reminder.notification.text

    # The reminder after 15 minutes was missed, as the mail was due as well.
    assert len(told(router, session)) == 2 + 2 * 14
    assert "(14 days)" in reminder.notification.text


def test_a_reminder_says_what_waits_behind_the_question(
    router: RouterUnderTest, session: str, telegram: ThinCourier
) -> None:
    ask(router, session)
    brought(router, telegram, "10")
    router.send(session, "run the tests")
    router.send(session, "and push")
    router.advance(15 * MINUTE + 1)

    assert "Behind it wait 2 texts: “run the tests”, “and push”" in brought(router, telegram, "11").notification.text


def test_the_first_answer_ends_it_in_every_place(
    router: RouterUnderTest, session: str, telegram: ThinCourier, mail: ThinCourier
) -> None:
    permission = ask(router, session)
    brought(router, telegram, "10")
    router.advance(15 * MINUTE + 1)
    brought(router, telegram, "11")
    router.advance(15 * MINUTE)
    brought(router, mail, "m1")
    router.submit(MAIL, "left", reply_to_message_id="m1", reply_to_ours=True)
    changed = [telegram.brought("x"), telegram.brought("y"), mail.brought("z")]
    router.advance(9 * DAY)

    assert {tuple(each.edit_message_ids) for each in changed} == {("10",), ("11",), ("m1",)}
    assert all("Answered by" in each.notification.text for each in changed)
    assert len(told(router, session)) == 6
    [over] = router.control.ListPermissions(pb.ListPermissionsRequest(permission_id=permission)).permissions
    assert over.text == "left"


def test_a_reminder_that_came_too_late_is_none(router: RouterUnderTest, session: str, mail: ThinCourier) -> None:
    with router.courier("telegram", "1") as courier:
        ask(router, session)
        brought(router, courier, "10")
    router.advance(30 * MINUTE)
    brought(router, mail, "m1")
    router.advance(DAY)  # Telegram is not there
    brought(router, mail, "m2")
    router.submit(MAIL, "left", reply_to_message_id="m1", reply_to_ours=True)
    with router.courier("telegram", "1") as back:
        changed = brought(router, back, "10")
        router.settle()
        more = back.waiting()

    assert list(changed.edit_message_ids) == ["10"]
    assert more == 0


def test_a_reminder_can_be_answered(router: RouterUnderTest, session: str, telegram: ThinCourier) -> None:
    request = pb.AskRequest(session_id=session, text="Go?", options=["Yes"])
    asked = router.control.Ask(request).permission.permission_id
    brought(router, telegram, "10")
    router.advance(15 * MINUTE + 1)
    reminder = brought(router, telegram, "11")

    [yes] = reminder.notification.buttons
    data = f"cmd:{reminder.notification.token}:{yes.action}"
    router.submit(ADA, button=chat_pb.ButtonPress(data=data))

    [over] = router.control.ListPermissions(pb.ListPermissionsRequest(permission_id=asked)).permissions
    assert over.state == types.PERMISSION_STATE_ANSWERED


def test_what_one_platform_does_not_take_goes_to_the_next_and_is_shown_once(
    router: RouterUnderTest, session: str, mail: ThinCourier
) -> None:
    with router.courier("telegram", "1") as courier:
        courier.connected()
    ask(router, session)
    router.advance(5 * MINUTE + 1)
    stood_in = brought(router, mail, "m1")
    router.advance(55 * MINUTE)  # reminders go where it was shown
    reminded = brought(router, mail, "m2")
    with router.courier("telegram", "1") as back:
        back.connected()
        router.settle()
        waiting = back.waiting()
        notes = router.control.ListNotifications(pb.ListNotificationsRequest(session_id=session)).notifications

    assert stood_in.notification.text.startswith("❓ Which way?")
    assert reminded.notification.text.startswith("⏳")
    assert waiting == 0
    [spared] = [note for note in notes if note.chat.transport == "telegram"]
    assert (spared.state, spared.detail) == (
        types.NOTIFICATION_STATE_DELIVERED, "it was shown elsewhere in its place",
    )  # fmt: skip


def test_what_one_platform_refuses_goes_to_the_next_at_once(
    router: RouterUnderTest, session: str, telegram: ThinCourier, mail: ThinCourier
) -> None:
    ask(router, session)
    telegram.refused(telegram.take(), "bot was blocked by the user", chat_closed=True)

    told_of = mail.brought("a1")  # that the chat takes nothing
    router.reported(told_of)
    router.advance(2)

    assert told_of.notification.text.startswith("⚠️ telegram takes no messages")
    assert mail.brought("m1").notification.text.startswith("❓ Which way?")


def test_where_both_were_down_the_first_that_is_back_shows_it_alone(router: RouterUnderTest, session: str) -> None:
    for transport, chat in (("telegram", "1"), ("mail", "ada@example.org")):
        with router.courier(transport, chat) as courier:
            courier.connected()
    ask(router, session)
    router.advance(5 * MINUTE + 1)
    until_told(router, session, 2)
    with router.courier("telegram", "1") as back:
        brought(router, back, "10")
    with router.courier("mail", "ada@example.org") as late:
        late.connected()
        router.settle()
        waiting = late.waiting()

    assert waiting == 0


def test_an_answer_given_elsewhere_is_not_told_where_the_question_was_not_shown(
    router: RouterUnderTest, session: str, mail: ThinCourier
) -> None:
    with router.courier("telegram", "1") as courier:
        courier.connected()
    ask(router, session)
    router.advance(5 * MINUTE + 1)
    brought(router, mail, "m1")
    router.submit(MAIL, "left", reply_to_message_id="m1", reply_to_ours=True)
    mail.brought("m1")
    with router.courier("telegram", "1") as back:
        back.connected()
        router.settle()

        assert back.waiting() == 0


def test_quiet_hours_hold_reminders_back_but_not_what_is_urgent(
    router: RouterUnderTest, session: str, telegram: ThinCourier
) -> None:
    with router.courier("mail", "ada@example.org") as courier:
        courier.connected()
    hour = time_of_day(router.time.now()).hour
    for said in (f"/quiet {hour}-{(hour + 3) % 24}", "/escalate 10m again, 20m mail!"):
        router.submit(ADA, said)
        telegram.brought("9")
    ask(router, session)
    brought(router, telegram, "10")
    router.advance(21 * MINUTE)

    assert until_told(router, session, 2) == [("telegram", "❓"), ("mail", "❓")]


def test_steps_are_taken_once_over_restarts_and_clocks_that_are_set(router: RouterUnderTest, session: str) -> None:
    for transport, chat in (("telegram", "1"), ("mail", "ada@example.org")):
        with router.courier(transport, chat) as courier:
            courier.connected()
    ask(router, session)
    for step in (25 * 3600, -25 * 3600):
        router.time.wall_moved += step
        router.settle()
    before = told(router, session)
    router.restart()
    router.advance(5 * MINUTE + 1)
    until_told(router, session, 2)
    router.restart()
    router.settle()

    assert before == [("telegram", "❓")]
    assert told(router, session) == [("telegram", "❓"), ("mail", "❓")]


def test_a_ladder_is_set_and_told_in_a_chat(router: RouterUnderTest) -> None:
    before = router.submit(ADA, "/escalate").answer
    after = router.submit(ADA, "/escalate 10m push, 1h mail!").answer
    unclear = router.submit(ADA, "/escalate soon").answer
    off = router.submit(ADA, "/escalate off").answer

    assert "asked again: 15m again, 30m mail, then once a day" in before
    assert "asked again: 10m push, 1h mail!, then once a day" in after
    assert unclear.startswith("A ladder is read as")
    assert off.startswith("Questions come once")


def test_off_tells_everywhere_at_once_and_never_again(
    router: RouterUnderTest, session: str, telegram: ThinCourier, mail: ThinCourier
) -> None:
    router.control.SetLadder(pb.SetLadderRequest(ladder="off"))
    ask(router, session)
    for courier in (telegram, mail):
        brought(router, courier, "1")
    router.advance(3 * DAY)

    assert sorted(told(router, session)) == [("mail", "❓"), ("telegram", "❓")]


def test_each_person_has_their_own(router: RouterUnderTest, session: str) -> None:
    for name, chat in (("Ada", "5"), ("Bob", "6")):
        code = router.control.CreatePairingCode(pb.CreatePairingCodeRequest(person_name=name)).code
        there = types.ChatRef(transport="telegram", chat_id=chat)
        router.chat.Pair(chat_pb.PairRequest(chat=there, user_id=chat, code=code))
    router.submit(types.ChatRef(transport="telegram", chat_id="6"), "/escalate off", user_id="6", needs_pairing=True)
    with router.courier("telegram") as courier:
        ask(router, session)
        asked: set[str] = set()
        while asked != {"5", "6"}:  # what they were answered when they were let in comes, too
            delivery = brought(router, courier, "2")
            asked |= {delivery.notification.chat.chat_id} if delivery.notification.permission_id else set()
        router.advance(15 * MINUTE + 1)
        reminder = courier.brought("3")

    assert reminder.notification.chat.chat_id == "5"


def test_nobody_unknown_has_a_ladder(router: RouterUnderTest) -> None:
    with refusal("NOT_FOUND"):
        router.control.SetLadder(pb.SetLadderRequest(person_id="nobody", ladder="off"))
