"""Sessions that finish while nobody looks come as one message by a chat's wish, and a reply to it asks which."""

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest, fresh
from tests.integration.router.let_in import let_follow
from tests.integration.router.pressing import labels, press
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier

HERE = types.ChatRef(transport="test", chat_id="1", message_id="10")
QUEUED, DELIVERED = types.NOTIFICATION_STATE_QUEUED, types.NOTIFICATION_STATE_DELIVERED


class Three:
    """Three sessions of a machine, of which the chat hears."""

    def __init__(self, router: RouterUnderTest, agent: ThinAgent) -> None:
        self.ids = {name: router.session(agent, name) for name in ("api", "docs", "web")}
        for each in self.ids.values():
            let_follow(router.write, each, HERE)
        self._agent, self._router, self._told = agent, router, 0

    def ends(self, name: str, text: str, *, ends_turn: bool = True) -> None:
        """It ends its turn; time passes between such, so each has a link of its own."""
        self._told += 1
        note = link_pb.Notify(
            upstream_seq=self._told, notification_id=fresh("note"), session_id=self.ids[name], text=text,
            ends_turn=ends_turn,
        )  # fmt: skip
        with self._agent.connected() as link:
            link.frame(notify=note)
            link.acked(self._told)

    def state(self, name: str) -> list[tuple[int, list[str]]]:
        return [(note.state, list(note.message_ids)) for note in self._router.notifications(self.ids[name])]


def written(router: RouterUnderTest, courier: ThinCourier, text: str) -> str:
    """What somebody is answered who writes in the chat, and then looks there no more."""
    router.submit(HERE, text)
    delivery = courier.brought("1")
    router.reported(delivery)  # on disk, before its lease could be over
    router.advance(121)
    return delivery.notification.text


@pytest.fixture
def quiet_chat(router: RouterUnderTest, agent: ThinAgent, courier: ThinCourier) -> Three:
    """A chat that wants bundles, and in which nobody writes."""
    assert "come as one message" in written(router, courier, "/settings bundle on")
    return Three(router, agent)


def bundle(router: RouterUnderTest, courier: ThinCourier, three: Three) -> chat_pb.Delivery:
    """Two of them finish, and come as message 50."""
    three.ends("api", "built")
    three.ends("docs", "written")
    router.advance(61)
    delivery = courier.brought("50")
    router.reported(delivery)
    return delivery


def test_sessions_that_finish_within_a_minute_come_as_one_message(
    router: RouterUnderTest, courier: ThinCourier, quiet_chat: Three
) -> None:
    three = quiet_chat
    three.ends("api", "built")
    router.advance(30)
    three.ends("docs", "written")
    early = courier.waiting()
    router.advance(31)
    delivery = courier.brought("50")
    router.reported(delivery)

    assert early == 0
    assert delivery.notification.text == "🏁 2 sessions finished: api, docs\n• api: built\n• docs: written"
    assert (delivery.notification.session_id, delivery.notification.token) == ("", "")
    assert (three.state("api"), three.state("docs")) == ([(DELIVERED, ["50"])], [(DELIVERED, ["50"])])
    first, other = (router.notifications(three.ids[name])[0].notification_id for name in ("api", "docs"))
    assert router.trace(first)[1].detail == f"bundled with {other}"
    assert router.trace(other)[1].detail == f"in the bundle {first}"


def test_one_alone_comes_by_itself_after_its_minute(
    router: RouterUnderTest, courier: ThinCourier, quiet_chat: Three
) -> None:
    quiet_chat.ends("api", "built")
    router.advance(61)

    assert courier.brought("50").notification.text == "built"


def test_what_ends_no_turn_does_not_wait(courier: ThinCourier, quiet_chat: Three) -> None:
    quiet_chat.ends("api", "still at it", ends_turn=False)

    assert courier.brought("50").notification.text == "still at it"


def test_an_answer_passes_what_waits(router: RouterUnderTest, courier: ThinCourier, quiet_chat: Three) -> None:
    quiet_chat.ends("api", "built")
    router.submit(HERE, "/sessions")

    assert "docs" in courier.brought("50").notification.text


def test_nothing_waits_where_somebody_writes(router: RouterUnderTest, courier: ThinCourier, quiet_chat: Three) -> None:
    quiet_chat.ends("api", "built")
    router.submit(HERE, "/settings")
    courier.brought("50")

    assert courier.brought("51").notification.text == "built"
    quiet_chat.ends("docs", "written")
    assert courier.brought("52").notification.text == "written"


def test_without_the_wish_each_comes_at_once(router: RouterUnderTest, courier: ThinCourier, quiet_chat: Three) -> None:
    written(router, courier, "/settings bundle off")
    quiet_chat.ends("api", "built")

    assert courier.brought("50").notification.text == "built"


@pytest.mark.parametrize("text", ["once more", "/stop"])
def test_a_reply_asks_which_of_them_and_goes_there_alone(
    router: RouterUnderTest, courier: ThinCourier, quiet_chat: Three, text: str
) -> None:
    written(router, courier, "/use web")
    bundle(router, courier, quiet_chat)
    became = router.submit(HERE, text, reply_to_message_id="50")
    asked = courier.brought("51")
    router.reported(asked)

    assert became.command_id == ""
    assert "of several sessions" in asked.notification.text
    assert labels(asked) == ["api", "docs"]
    went = press(router, asked, "docs")
    assert router.command(went.command_id).session_id == quiet_chat.ids["docs"]


def test_a_restart_loses_none_and_keeps_the_wish(router: RouterUnderTest, quiet_chat: Three) -> None:
    quiet_chat.ends("api", "built")
    quiet_chat.ends("docs", "written")
    router.restart()
    states = quiet_chat.state("api"), quiet_chat.state("docs")
    router.advance(61)
    with router.courier("test") as again:
        text = again.brought("50").notification.text

    assert states == ([(QUEUED, [])], [(QUEUED, [])])
    assert text.startswith("🏁 2 sessions finished: api, docs")


def test_it_makes_a_sound_where_one_of_them_would(
    router: RouterUnderTest, courier: ThinCourier, quiet_chat: Three
) -> None:
    written(router, courier, "/mute api")

    assert not bundle(router, courier, quiet_chat).silent
