"""Where somebody types at the terminal: what its session says makes no sound, and its questions wait a little."""

from collections.abc import Iterator

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.rigs.thin_courier import ThinCourier


@pytest.fixture
def link(agent: ThinAgent) -> Iterator[ThinLink]:
    with agent.connected() as link:
        yield link


def types_at(router: RouterUnderTest, link: ThinLink, *sessions: str) -> None:
    """Somebody types at the terminals of these sessions, for all that their machine says."""
    link.frame(heartbeat=link_pb.Heartbeat(nonce=7, typed_session_ids=sessions))
    link.take("heartbeat_ack")
    router.settle()


def is_silent(router: RouterUnderTest, courier: ThinCourier, session: str) -> bool:
    router.notify(session)
    delivery = courier.brought("5")
    router.reported(delivery)
    return bool(delivery.silent)


def ask(router: RouterUnderTest, session: str) -> str:
    return router.control.Ask(pb.AskRequest(session_id=session, text="Which way?")).permission.permission_id


def test_what_its_session_says_makes_no_sound_for_two_minutes(
    router: RouterUnderTest, link: ThinLink, courier: ThinCourier, session: str
) -> None:
    before = is_silent(router, courier, session)
    types_at(router, link, session)
    at_the_desk = is_silent(router, courier, session)
    router.advance(121)

    assert (before, at_the_desk, is_silent(router, courier, session)) == (False, True, False)


def test_another_session_is_heard(
    router: RouterUnderTest, agent: ThinAgent, link: ThinLink, courier: ThinCourier, session: str
) -> None:
    types_at(router, link, session)

    assert not is_silent(router, courier, router.session(agent))


def test_a_question_waits_for_half_a_minute_and_makes_a_sound_then(
    router: RouterUnderTest, link: ThinLink, courier: ThinCourier, session: str
) -> None:
    types_at(router, link, session)
    ask(router, session)
    router.settle()
    at_once = courier.waiting()
    router.advance(31)
    asked = courier.brought("6")

    assert at_once == 0
    assert asked.notification.text.startswith("❓ Which way?")
    assert not asked.silent


def test_who_answers_at_the_terminal_is_asked_nowhere_else(
    router: RouterUnderTest, link: ThinLink, courier: ThinCourier, session: str
) -> None:
    types_at(router, link, session)
    asked = ask(router, session)
    answer = pb.RespondPermissionRequest(permission_id=asked, option_id="text", text="left")
    answer.input_digest = router.control.ListPermissions(pb.ListPermissionsRequest()).permissions[0].input_digest
    router.control.RespondPermission(answer)
    router.advance(31)
    router.settle()

    assert courier.waiting() == 0


def test_a_machine_tells_of_its_own_sessions_alone(
    router: RouterUnderTest, link: ThinLink, courier: ThinCourier
) -> None:
    others = router.session(router.machine())
    types_at(router, link, others, "no-such-session")

    assert not is_silent(router, courier, others)


def test_the_console_shows_a_question_at_once(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    with router.courier("web", "console") as pages:
        types_at(router, link, session)
        ask(router, session)

        assert pages.take().notification.chat == types.ChatRef(transport="web", chat_id="console")
