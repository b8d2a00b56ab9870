"""What a browser need not be pushed: what was seen, answered, or wanted quiet."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as types

from router.domain.subscription import LOOKED
from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.permissions.asking import ask, respond
from tests.integration.router.subscribing import logs_in, looks, person, spared, subscribes
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier
from tests.waiting import wait_until


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    return router.machine("devbox")


@pytest.fixture
def session(router: RouterUnderTest, agent: ThinAgent) -> str:
    return router.session(agent, "api")


@pytest.fixture
def push(router: RouterUnderTest) -> Iterator[ThinCourier]:
    with router.courier("push") as courier:
        yield courier


def test_what_is_looked_at_is_not_pushed(router: RouterUnderTest, session: str, push: ThinCourier) -> None:
    phone, laptop = logs_in(router), logs_in(router)
    chat = subscribes(router, phone)
    looks(router, laptop, session)
    router.notify(session, text="seen")
    looks(router, laptop, "")
    router.notify(session, text="away")

    assert push.brought("shown").notification.text == "away"
    assert spared(router, session, chat) == ["it is looked at in the console"]


def test_who_looks_at_another_session_is_pushed(router: RouterUnderTest, session: str, push: ThinCourier) -> None:
    login = logs_in(router)
    subscribes(router, login)
    looks(router, login, "another")
    router.notify(session, text="away")

    assert push.brought("shown").notification.text == "away"


def test_another_persons_look_spares_nobody(router: RouterUnderTest, session: str, push: ThinCourier) -> None:
    bob = logs_in(router, person(router, "Bob"))
    subscribes(router, logs_in(router, person(router, "Ada")))
    looks(router, bob, session)
    router.notify(session, text="for Ada")

    assert push.brought("shown").notification.text == "for Ada"


def test_a_look_is_over_when_it_is_not_said_again(router: RouterUnderTest, session: str, push: ThinCourier) -> None:
    login = logs_in(router)
    subscribes(router, login)
    looks(router, login, session)
    router.advance(LOOKED + 1)
    router.notify(session, text="away")

    assert push.brought("shown").notification.text == "away"


def test_a_question_that_was_answered_is_not_pushed(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    chat = subscribes(router, logs_in(router))
    with agent.connected() as link:
        respond(router, ask(link, session))
        with router.courier("push"):
            wait_until(lambda: spared(router, session, chat))

    assert spared(router, session, chat) == ["it was over before it was pushed"]


def test_the_end_of_a_question_that_was_pushed_is_pushed(
    router: RouterUnderTest, agent: ThinAgent, session: str, push: ThinCourier
) -> None:
    login = logs_in(router)
    subscribes(router, login)
    with agent.connected() as link:
        question = ask(link, session)
        shown = push.brought("shown")
        router.reported(shown)
        respond(router, question)
        change = push.brought("shown")

    assert list(change.edit_message_ids) == ["shown"]
    assert "Allowed by ada" in change.notification.text


def test_a_page_that_looks_takes_its_own_question_off_the_screen(
    router: RouterUnderTest, agent: ThinAgent, session: str, push: ThinCourier
) -> None:
    login = logs_in(router)
    chat = subscribes(router, login)
    with agent.connected() as link:
        question = ask(link, session)
        router.reported(push.brought("shown"))
        looks(router, login, session)
        respond(router, question)
        wait_until(lambda: spared(router, session, chat))

    assert spared(router, session, chat) == ["it is looked at in the console"]


def test_of_a_question_that_was_seen_the_end_is_not_pushed(
    router: RouterUnderTest, agent: ThinAgent, session: str, push: ThinCourier
) -> None:
    login = logs_in(router)
    chat = subscribes(router, login)
    looks(router, login, session)
    with agent.connected() as link:
        question = ask(link, session)
        wait_until(lambda: spared(router, session, chat))
        looks(router, login, "")
        respond(router, question)
        wait_until(lambda: len(spared(router, session, chat)) == 2)

    assert spared(router, session, chat)[1] == "what it changes was not pushed"
    assert push.waiting() == 0


def hours_around(now: float) -> str:
    local = datetime.fromtimestamp(now, UTC).astimezone()
    begin, end = local - timedelta(hours=1), local + timedelta(hours=1)
    return f"{begin:%H:%M}-{end:%H:%M}"


def test_in_quiet_hours_questions_alone_are_pushed(
    router: RouterUnderTest, agent: ThinAgent, session: str, push: ThinCourier
) -> None:
    chat = subscribes(router, logs_in(router), quiet_hours=hours_around(router.time.now()))
    router.notify(session, text="Finished")
    with agent.connected() as link:
        ask(link, session)
        delivery = push.brought("shown")

    assert delivery.kind == chat_pb.DELIVERY_KIND_QUESTION
    assert spared(router, session, chat) == ["quiet hours, or the session is muted"]


@pytest.mark.parametrize("command", ["/mute", "/quiet {hours}"])
def test_what_a_person_wants_quiet_in_their_chat_is_not_pushed(
    router: RouterUnderTest, session: str, push: ThinCourier, command: str
) -> None:
    code = person(router)
    place = types.ChatRef(transport="test", chat_id="1")
    router.chat.Pair(chat_pb.PairRequest(chat=place, user_id="1", code=code))
    chat = subscribes(router, logs_in(router, person(router)))
    say = {"user_id": "1", "needs_pairing": True}
    router.submit(place, f"/use {session}", **say)
    router.submit(place, command.format(hours=hours_around(router.time.now())), **say)
    router.notify(session, text="Finished")

    wait_until(lambda: spared(router, session, chat))
    assert push.waiting() == 0


def test_what_waits_behind_what_is_spared_comes(router: RouterUnderTest, session: str) -> None:
    login = logs_in(router)
    chat = subscribes(router, login)
    for number in range(3):
        router.notify(session, text=f"seen {number}")
    looks(router, login, session)
    other = router.session(router.machine("laptop"), "other")
    router.notify(other, text="of another session")

    with router.courier("push") as push:
        assert push.brought("shown").notification.text == "of another session"
    assert len(spared(router, session, chat)) == 3


def test_what_became_of_an_answer_is_pushed_where_somebody_has_to_act(
    router: RouterUnderTest, agent: ThinAgent, session: str, push: ThinCourier
) -> None:
    login = logs_in(router)
    chat = subscribes(router, login)
    place = types.ChatRef(transport="push", chat_id=chat, message_id="shown")
    with agent.connected() as link:
        ask(link, session)
        shown = push.brought("shown").notification
    press = chat_pb.ButtonPress(data=f"cmd:{shown.token}:allow")
    pressed = router.submit(place, button=press, login_id=login)
    over = push.brought("shown")
    wait_until(lambda: "the console shows how it stands" in spared(router, session, chat))
    router.advance(25 * 3600)
    alarm = push.brought("alarm")

    assert over.notification.permission_id == shown.permission_id
    assert alarm.kind == chat_pb.DELIVERY_KIND_STATUS
    assert pressed.command_id == alarm.notification.command_id


def test_a_question_that_may_have_come_says_its_end_without_a_sound(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    subscribes(router, logs_in(router))
    with agent.connected() as link:
        question = ask(link, session)
        with router.courier("push") as dies:
            first = dies.take()
        respond(router, question)
        with router.courier("push") as push:
            again = push.brought("shown")

    assert again.notification.notification_id == first.notification.notification_id
    assert "Allowed by ada" in again.notification.text
    assert (first.silent, again.silent) == (False, True)
