"""Usage limits: told, shown, and gone on from once, unless somebody wrote meanwhile."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.deferral.test_chat import say, sent, waiting
from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.pressing import labels, press
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.rigs.thin_courier import ThinCourier
from tests.waiting import wait_until

HOUR = 3600
GO_ON = "Go on where you were."
AFTER = HOUR + 91  # seconds: behind the limit, and whatever it is spread over


class Limited:
    """A session of a machine with a link, which comes to its limit for an hour."""

    def __init__(self, router: RouterUnderTest, agent: ThinAgent, links: ExitStack) -> None:
        self.router, self.agent, self.links, self.seq = router, agent, links, 0
        self.link: ThinLink = links.enter_context(agent.connected())
        self.said: dict[str, object] = {}
        self.until = int(router.time.now()) + HOUR
        self.tell()

    def tell(self, *, limited: bool = False, state: int = types.SESSION_STATE_IDLE, generation: int = 1) -> None:
        """What its machine says of it."""
        self.seq += 1
        update = {
            "upstream_seq": self.seq,
            "session_id": "s-1",
            "generation": generation,
            "label": "api",
            "state": state,
        }
        if limited:
            update["limited_until"] = {"seconds": self.until}
        self.said = update | {"backend": "headless"}
        self.link.frame(session_update=self.said)
        self.link.acked(self.seq)

    def wait(self, seconds: float) -> None:
        """Time passes; its machine, whose link was silent for as long, comes back as it was."""
        self.router.advance(seconds)
        self.link.ended()
        said = {name: value for name, value in self.said.items() if name != "upstream_seq"}
        self.link = self.links.enter_context(self.agent.connected(sessions=[said]))


@pytest.fixture
def limited(router: RouterUnderTest, agent: ThinAgent) -> Iterator[Limited]:
    with ExitStack() as links:
        yield Limited(router, agent, links)


def told(router: RouterUnderTest, courier: ThinCourier) -> chat_pb.Delivery:
    delivery = courier.brought("9")
    router.reported(delivery)
    return delivery


def test_it_is_told_and_shown(router: RouterUnderTest, courier: ThinCourier, limited: Limited) -> None:
    limited.tell(limited=True)
    limited.tell(limited=True)
    message = told(router, courier)
    listed = say(router, courier, "/sessions").notification.text
    [session] = router.control.ListSessions(pb.ListSessionsRequest()).sessions

    assert message.notification.text.startswith("⏳ api is at its usage limit until ")
    assert labels(message) == ["▶️ Continue then"]
    assert " · at its usage limit until " in listed
    assert session.limited_until.seconds == limited.until


def pressed(router: RouterUnderTest, courier: ThinCourier, limited: Limited) -> None:
    limited.tell(limited=True)
    press(router, told(router, courier), "Continue then")
    assert "It goes on then." in told(router, courier).notification.text


def test_it_goes_on_then_once(router: RouterUnderTest, courier: ThinCourier, limited: Limited) -> None:
    pressed(router, courier, limited)
    before = sent(router, "s-1")
    limited.wait(AFTER)
    wait_until(lambda: sent(router, "s-1"))
    limited.wait(HOUR)
    router.settle()

    assert before == []
    assert sent(router, "s-1") == [GO_ON]
    assert waiting(router) == []


def test_not_where_a_person_wrote_by_another_way(
    router: RouterUnderTest, courier: ThinCourier, limited: Limited
) -> None:
    pressed(router, courier, limited)
    router.send("s-1", "never mind")
    limited.wait(AFTER)
    wait_until(lambda: not waiting(router))

    assert sent(router, "s-1") == ["never mind"]


def test_not_where_somebody_typed_at_the_terminal(
    router: RouterUnderTest, courier: ThinCourier, limited: Limited
) -> None:
    pressed(router, courier, limited)
    limited.tell(state=types.SESSION_STATE_BUSY)
    wait_until(lambda: not waiting(router))
    limited.tell()
    limited.wait(AFTER)
    router.settle()

    assert sent(router, "s-1") == []


def test_not_in_another_generation(router: RouterUnderTest, courier: ThinCourier, limited: Limited) -> None:
    pressed(router, courier, limited)
    limited.tell(limited=True, generation=2)
    limited.wait(AFTER)
    wait_until(lambda: not waiting(router))

    assert sent(router, "s-1") == []


def test_not_while_it_waits_for_an_answer(router: RouterUnderTest, courier: ThinCourier, limited: Limited) -> None:
    pressed(router, courier, limited)
    limited.tell(limited=True, state=types.SESSION_STATE_WAITING)
    limited.wait(AFTER)
    wait_until(lambda: not waiting(router))

    assert sent(router, "s-1") == []


def test_what_is_written_meanwhile_waits_and_says_so(
    router: RouterUnderTest, courier: ThinCourier, limited: Limited
) -> None:
    pressed(router, courier, limited)
    first = say(router, courier, "run the tests", session_id="s-1").notification
    say(router, courier, "and the linter", session_id="s-1")
    before = sent(router, "s-1")
    limited.wait(AFTER)
    wait_until(lambda: len(sent(router, "s-1")) == 2)
    router.settle()

    assert first.text.startswith("⏳ api is at its usage limit until ")
    assert first.text.endswith("This waits for that, and goes in then: run the tests")
    assert before == []
    assert sent(router, "s-1") == ["run the tests", "and the linter"]
    assert waiting(router) == []


def test_a_chat_may_want_that_for_all_of_them(router: RouterUnderTest, courier: ThinCourier, limited: Limited) -> None:
    said = say(router, courier, "/limits continue").notification.text
    limited.tell(limited=True)
    message = told(router, courier)
    limited.wait(AFTER)

    assert said.startswith("A session that comes to a usage limit goes on by itself")
    assert labels(message) == ["✋ Take back"]
    assert wait_until(lambda: sent(router, "s-1")) == [GO_ON]


def test_and_take_it_back(router: RouterUnderTest, courier: ThinCourier, limited: Limited) -> None:
    say(router, courier, "/limits continue")
    limited.tell(limited=True)
    press(router, told(router, courier), "Take back")
    limited.wait(AFTER)
    router.settle()

    assert sent(router, "s-1") == []


def test_next_week_is_asked_about(router: RouterUnderTest, courier: ThinCourier, limited: Limited) -> None:
    say(router, courier, "/limits continue")
    limited.until += 3 * 24 * HOUR
    limited.tell(limited=True)

    assert labels(told(router, courier)) == ["▶️ Continue then"]


def test_over_a_restart_it_goes_on_once(router: RouterUnderTest, agent: ThinAgent) -> None:
    with router.courier("test", "1") as courier, ExitStack() as links:
        limited = Limited(router, agent, links)
        pressed(router, courier, limited)
    router.stop()
    router.time.skipped += AFTER
    router.start()
    returned = router.stranger(agent.machine_id)
    returned.key = agent.key
    before = sent(router, "s-1")
    update = {
        "session_id": "s-1",
        "generation": 1,
        "label": "api",
        "state": types.SESSION_STATE_IDLE,
        "backend": "headless",
    }
    with returned.connected(sessions=[update | {"limited_until": {"seconds": limited.until}}]):
        wait_until(lambda: sent(router, "s-1"))
        router.settle()

    assert before == []  # what a machine that is away does, nobody knows
    assert sent(router, "s-1") == [GO_ON]
