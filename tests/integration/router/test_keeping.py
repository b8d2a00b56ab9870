"""A session that is to go on beyond its 24 hours: said at its start, in a chat, by a button, or by gRPC."""

from collections.abc import Callable, Iterator

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.rigs.thin_agent import session as update
from tests.rigs.thin_courier import ThinCourier

HERE = types.ChatRef(transport="test", chat_id="1", message_id="10")
REFUSED = {"outcome": link_pb.RESULT_OUTCOME_FAILED, "reason": types.REASON_UNSUPPORTED, "detail": "no time limit"}


@pytest.fixture
def courier(router: RouterUnderTest) -> Iterator[ThinCourier]:
    with router.courier("test", "1") as courier:
        yield courier.connected()


@pytest.fixture
def link(agent: ThinAgent, courier: ThinCourier) -> Iterator[ThinLink]:  # noqa: ARG001 -- else who would be told
    with agent.connected() as link:
        link.frame(session_update=update("s1", upstream_seq=1, label="api", backend="headless"))
        link.acked(1)
        yield link


def warn(link: ThinLink) -> None:
    """The word of an agent an hour before the end."""
    button = types.Button(label="Keep it", action="/keep")
    link.frame(
        notify=link_pb.Notify(
            upstream_seq=2, notification_id="n1", session_id="s1", text="It ends in an hour.", buttons=[button]
        )
    )
    link.acked(2)


def by_grpc(router: RouterUnderTest, _courier: ThinCourier) -> None:
    action = types.Action(keep_session=types.KeepSession())
    router.control.SendCommand(pb.SendCommandRequest(session_id="s1", action=action))


def by_button(router: RouterUnderTest, courier: ThinCourier) -> None:
    told = courier.brought("500")
    router.submit(HERE, button={"data": f"cmd:{told.notification.token}:/keep"})


def by_reply(router: RouterUnderTest, courier: ThinCourier) -> None:
    router.reported(courier.brought("500"))
    router.submit(HERE, "/keep", reply_to_message_id="500")


@pytest.mark.parametrize("say", [by_grpc, by_button, by_reply])
def test_whoever_says_it_the_machine_is_told_to_keep_it(
    router: RouterUnderTest, link: ThinLink, courier: ThinCourier, say: Callable[[RouterUnderTest, ThinCourier], None]
) -> None:
    warn(link)
    say(router, courier)
    [frame] = link.commands(1)
    link.result(3, frame.command_id)
    link.acked(3)

    assert (frame.session_id, frame.action.WhichOneof("kind")) == ("s1", "keep_session")
    assert frame.lane == types.LANE_NORMAL  # behind the start, where that waits still
    kept = router.command(frame.command_id)
    assert (kept.state, kept.action.WhichOneof("kind")) == (types.COMMAND_STATE_DONE, "keep_session")


def test_the_button_shows_that_it_was_pressed(router: RouterUnderTest, link: ThinLink, courier: ThinCourier) -> None:
    warn(link)
    told = courier.brought("500")
    for _ in range(2):
        router.submit(HERE, button={"data": f"cmd:{told.notification.token}:/keep"})
    shown = courier.brought("500")

    assert len(link.commands(1)) == 1
    assert shown.edit_message_ids == ["500"]
    assert not shown.notification.buttons


def test_a_session_that_has_no_end_says_so_in_the_chat(
    router: RouterUnderTest, link: ThinLink, courier: ThinCourier
) -> None:
    warn(link)
    by_reply(router, courier)
    [frame] = link.commands(1)
    link.result(3, frame.command_id, **REFUSED)
    told = courier.brought("501")

    assert "api was not told to go on: this session cannot do that (no time limit)" in told.notification.text
    assert not any("Send to" in button.label for button in told.notification.buttons)


def test_said_to_no_session_in_particular_it_is_asked_which(
    router: RouterUnderTest, link: ThinLink, courier: ThinCourier
) -> None:
    assert link
    router.submit(HERE, "/keep")

    assert any("api" in button.label for button in courier.brought("500").notification.buttons)


def test_a_start_may_say_it(router: RouterUnderTest, link: ThinLink) -> None:
    router.control.StartSession(pb.StartSessionRequest(prompt="go", keep=True))
    [frame] = link.commands(1)

    assert frame.action.start_session.keep
