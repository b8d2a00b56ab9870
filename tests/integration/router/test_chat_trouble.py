"""Chats that move, close, or refuse a message: nothing misses its way, and people hear of it where they can."""

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier

OLD = types.ChatRef(transport="test", chat_id="-100", message_id="10")
NEW = types.ChatRef(transport="test", chat_id="-1009", message_id="10")
OTHER = types.ChatRef(transport="test", chat_id="7")
BLOCKED = "Forbidden: bot was blocked by the user"


def taken(courier: ThinCourier, count: int, **news: str) -> list[tuple[str, str]]:
    """The next deliveries: chat and text."""
    notes = [courier.brought(f"{n}", **news).notification for n in range(count)]
    return [(note.chat.chat_id, note.text) for note in notes]


@pytest.fixture
def moved(router: RouterUnderTest, session: str) -> types.Notification:
    """A default chat that had chosen a session and got another id while two messages waited; the first of them."""
    with router.courier("test", OLD.chat_id) as courier:
        router.submit(OLD, f"/use {session}")
        courier.brought("1")
        router.notify(session)
        courier.brought("54")
        first, _ = (router.notify(session, text=text)[0] for text in ("first", "second"))
        courier.brought("55", moved_to=NEW.chat_id)
        told = courier.brought("56")
        second = courier.brought("57")
        router.reported(second)
    assert [note.notification.chat.chat_id for note in (told, second)] == [NEW.chat_id] * 2
    assert (told.kind, second.notification.text) == (chat_pb.DELIVERY_KIND_ANSWER, "second")
    assert "ALLOWED_CHAT_IDS" in told.notification.text
    return first


def test_what_waits_goes_to_the_new_id_and_the_chat_is_told(moved: types.Notification) -> None:
    assert moved.chat.chat_id == OLD.chat_id


def test_what_a_chat_has_chosen_and_its_tokens_move_with_it(
    router: RouterUnderTest, session: str, moved: types.Notification
) -> None:
    plain = router.submit(NEW, "go on")
    by_token = router.submit(NEW, f"/cmd {moved.token} go on")
    from_old = router.submit(OLD, f"/cmd {moved.token} go on")

    assert [plain.session_id, by_token.session_id, from_old.session_id] == [session, session, ""]


@pytest.mark.parametrize(("message_id", "named"), [("55", True), ("54", False)], ids=["sent there", "sent before"])
@pytest.mark.usefixtures("moved")
def test_an_old_message_id_names_nothing_in_the_new_chat(
    router: RouterUnderTest, session: str, message_id: str, named: bool
) -> None:
    """There the number is that of somebody else's message."""
    router.submit(NEW, f"/use {router.session(router.machine('other'), 'else')}")

    assert (router.submit(NEW, "yes", reply_to_message_id=message_id).session_id == session) is named


@pytest.mark.usefixtures("moved")
def test_a_courier_that_still_names_the_old_id_means_the_new_one(router: RouterUnderTest, session: str) -> None:
    router.restart()
    with router.courier("test", OLD.chat_id) as courier:
        router.notify(session, text="by default")
        router.notify(session, OLD, text="by name")
        chats = taken(courier, 2, moved_to=NEW.chat_id)

        assert courier.waiting() == 0

    assert chats == [(NEW.chat_id, "by default"), (NEW.chat_id, "by name")]


@pytest.mark.usefixtures("moved")
def test_a_receipt_for_what_was_sent_from_the_old_id_goes_to_the_new_one(router: RouterUnderTest, session: str) -> None:
    router.submit(OLD, "x", session_id=session)

    with router.courier("test") as courier:
        assert courier.brought("1").notification.chat.chat_id == NEW.chat_id


def test_a_chat_that_moves_twice_is_found(router: RouterUnderTest, session: str) -> None:
    with router.courier("test", OLD.chat_id) as courier:
        for chat in ("b", "c"):
            router.notify(session, OLD, text="x")
            courier.brought("1", moved_to=chat)
            courier.brought("2")
        router.notify(session, OLD, text="y")

        assert taken(courier, 1) == [("c", "y")]


def test_a_chat_that_moves_back_is_found(router: RouterUnderTest, session: str) -> None:
    with router.courier("test", OLD.chat_id) as courier:
        for chat in ("b", OLD.chat_id):
            router.notify(session, OLD, text="x")
            courier.brought("1", moved_to=chat)
            courier.brought("2")
        router.notify(session, OLD, text="y")

        assert taken(courier, 1) == [(OLD.chat_id, "y")]


def test_a_refused_message_is_told_of_in_its_chat(router: RouterUnderTest, session: str) -> None:
    [note] = router.notify(session, OLD)
    with router.courier("test") as courier:
        courier.refused(courier.take(), "Bad Request: BUTTON_DATA_INVALID")
        told = courier.brought("1")

    assert told.notification.chat.chat_id == OLD.chat_id
    assert "BUTTON_DATA_INVALID" in told.notification.text
    assert f"pointsman trace {note.notification_id}" in told.notification.text


def test_a_refused_answer_is_not_answered(router: RouterUnderTest) -> None:
    router.submit(OLD, "/help")
    with router.courier("test") as courier:
        answer = courier.take()
        courier.refused(answer, "Bad Request: something")
        router.reported(answer)

        assert courier.waiting() == 0


def closed(router: RouterUnderTest, courier: ThinCourier, session: str) -> None:
    """A message that meets a closed chat."""
    router.notify(session, OLD)
    delivery = courier.take()
    courier.refused(delivery, BLOCKED, chat_closed=True)
    router.reported(delivery)


def test_that_a_chat_is_closed_is_told_in_the_other_chats_once(router: RouterUnderTest, session: str) -> None:
    with router.courier("test", OLD.chat_id, OTHER.chat_id) as courier:
        closed(router, courier, session)
        told = courier.brought("1").notification
        closed(router, courier, session)

        assert courier.waiting() == 0

    assert told.chat.chat_id == OTHER.chat_id
    assert OLD.chat_id in told.text
    assert BLOCKED in told.text


def test_a_chat_that_opened_and_closed_again_is_told_of_again(router: RouterUnderTest, session: str) -> None:
    with router.courier("test", OLD.chat_id, OTHER.chat_id) as courier:
        closed(router, courier, session)
        courier.brought("1")
        router.notify(session, OLD, text="open again")
        courier.brought("2")
        closed(router, courier, session)

        assert "takes no messages" in courier.take().notification.text


def test_a_restart_does_not_tell_of_a_closed_chat_again(router: RouterUnderTest, session: str) -> None:
    with router.courier("test", OLD.chat_id, OTHER.chat_id) as courier:
        closed(router, courier, session)
        router.reported(courier.brought("1"))
    router.restart()
    with router.courier("test", OLD.chat_id, OTHER.chat_id) as courier:
        closed(router, courier, session)
        assert courier.waiting() == 0
        router.notify(session, OLD, text="open again")
        router.reported(courier.brought("2"))
    router.restart()

    with router.courier("test", OLD.chat_id, OTHER.chat_id) as courier:
        closed(router, courier, session)
        assert "takes no messages" in courier.take().notification.text


def test_a_machine_hears_nothing_of_a_chat(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    """A command from a chat that closed is carried out all the same."""
    with router.courier("test", OLD.chat_id) as courier, agent.connected() as link:
        became = router.submit(OLD, "x", session_id=session)
        link.commands(1)
        link.receipt(became.command_id)
        link.result(1, became.command_id)
        courier.refused(courier.take(), BLOCKED, chat_closed=True)
        ended = router.command(became.command_id, wait=5)

    assert ended.state == types.COMMAND_STATE_DONE
