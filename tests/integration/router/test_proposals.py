"""A model may propose work; people see all of it, and nothing but a person's press starts it, once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as types

from router.domain.command import ChatRef
from router.domain.person import Person, PersonRole
from router.services.people import rights
from router.store import notifications
from router.store.database import Transaction
from tests.faults.processes import PATIENCE, Process
from tests.faults.programs import Life
from tests.integration.router.harness import API_KEY, Caller, RouterUnderTest
from tests.integration.router.let_in import let_follow
from tests.integration.router.pressing import labels, last_line, press
from tests.rigs.proposals import HAS_MODEL, IDENTITY, PROMPT, STARTS, begun, offered, pressed, starts, tells
from tests.rigs.thin_agent import ThinLink
from tests.rigs.thin_courier import ThinCourier

HERE = types.ChatRef(transport="test", chat_id="1", message_id="10")


@pytest.fixture
def model(router: RouterUnderTest) -> Iterator[ThinLink]:
    with router.machine("beside").connected(**HAS_MODEL) as link:
        yield link


@pytest.fixture
def devbox(router: RouterUnderTest) -> Iterator[ThinLink]:
    with router.machine("devbox").connected(**STARTS) as link:
        yield link


@pytest.fixture
def quick(router: RouterUnderTest, model: ThinLink) -> str:
    """A session with a model, begun in a chat."""
    return asked(router, model)


def asked(router: RouterUnderTest, model: ThinLink) -> str:
    router.submit(HERE, "/ask What is wrong with my test?")
    return begun(model)


def test_people_see_all_of_it_and_nothing_has_begun(
    router: RouterUnderTest, model: ThinLink, devbox: ThinLink, quick: str, courier: ThinCourier
) -> None:
    tells(model, quick, prompt=PROMPT, machine_id="devbox", agent="claude", folder="~/src/api/")
    delivery = offered(courier)
    devbox.heard()

    assert labels(delivery) == ["▶️ Start it"]
    assert all(word in delivery.notification.text for word in (PROMPT, "claude", "devbox", "~/src/api/", "Nothing has"))
    assert starts(router.control) == []
    assert devbox.waiting() == 0


def test_a_press_starts_exactly_that_once(
    router: RouterUnderTest, model: ThinLink, devbox: ThinLink, quick: str, courier: ThinCourier
) -> None:
    tells(model, quick, prompt=PROMPT, folder="~/src/api/")
    delivery = offered(courier)
    first = press(router, delivery, "Start it", "600")
    second = press(router, delivery, "Start it", "600", actor="Bob")
    [frame] = devbox.commands(1)
    devbox.heard()
    wanted = frame.action.start_session

    assert first.answer == "Starting."
    assert second.answer.startswith("Already answered")
    assert (wanted.prompt, wanted.folder, wanted.agent, wanted.workspace.key) == (PROMPT, "~/src/api/", "", "")
    assert [each.command_id for each in starts(router.control)] == [frame.command_id]
    assert devbox.waiting() == 0


def test_it_counts_once_in_all_chats_together(
    router: RouterUnderTest, model: ThinLink, devbox: ThinLink, quick: str, courier: ThinCourier
) -> None:
    let_follow(router.write, quick, types.ChatRef(transport="test", chat_id="2"))
    tells(model, quick, prompt=PROMPT)
    there = {delivery.notification.chat.chat_id: delivery for delivery in (offered(courier), offered(courier, "601"))}
    press(router, there["1"], "Start it", "600")
    elsewhere = types.ChatRef(transport="test", chat_id="2", message_id="601")
    second = router.submit(elsewhere, button=pressed(there["2"]))

    assert sorted(there) == ["1", "2"]
    assert second.answer.startswith("Already answered")
    assert len(devbox.commands(1)) == len(starts(router.control)) == 1


def test_the_message_says_who_started_it(
    router: RouterUnderTest, model: ThinLink, devbox: ThinLink, quick: str, courier: ThinCourier
) -> None:
    tells(model, quick, prompt=PROMPT)
    delivery = offered(courier)
    press(router, delivery, "Start it", "600")
    devbox.commands(1)
    while list((changed := courier.brought("1")).edit_message_ids) != ["600"]:
        pass

    assert last_line(changed) == "✓ ▶️ Start it — Ada, 12:00"
    assert labels(changed) == []


def test_the_machine_that_is_shown_is_the_one_that_begins_it(
    router: RouterUnderTest, model: ThinLink, devbox: ThinLink, quick: str, courier: ThinCourier
) -> None:
    tells(model, quick, prompt=PROMPT)
    delivery = offered(courier)
    with router.machine("other").connected(**STARTS) as other:  # since then it would be a question on which
        press(router, delivery, "Start it", "600")
        [frame] = devbox.commands(1)
        other.heard()

        assert "on devbox" in delivery.notification.text
        assert frame.action.start_session.prompt == PROMPT
        assert other.waiting() == 0


def test_where_nobody_can_begin_it_the_press_says_why_and_can_be_repeated(
    router: RouterUnderTest, model: ThinLink, quick: str, courier: ThinCourier
) -> None:
    tells(model, quick, prompt=PROMPT, machine_id="devbox")
    delivery = offered(courier)
    refused = press(router, delivery, "Start it", "600")
    with router.machine("devbox").connected(**STARTS) as devbox:
        again = press(router, delivery, "Start it", "600")

        assert "no machine devbox" in refused.answer
        assert again.answer == "Starting."
        assert len(devbox.commands(1)) == 1


UNSHOWN = {"a model": {"prompt": "x", "agent": "model"}, "too long": {"prompt": "x" * 3001}, "nothing": {"prompt": ""}}


@pytest.mark.parametrize("proposal", UNSHOWN.values(), ids=UNSHOWN)
@pytest.mark.usefixtures("devbox")
def test_what_cannot_be_shown_whole_is_not_offered_and_that_is_said(
    router: RouterUnderTest, model: ThinLink, quick: str, courier: ThinCourier, proposal: dict[str, str]
) -> None:
    tells(model, quick, **proposal)
    while "cannot be shown whole" not in (delivery := courier.brought("1")).notification.text:
        pass

    assert labels(delivery) == []
    assert starts(router.control) == []


def test_what_cannot_be_seen_is_told_of(model: ThinLink, devbox: ThinLink, quick: str, courier: ThinCourier) -> None:
    tells(model, quick, prompt="fix it\U000e0041", machine_id="devbox")
    text = offered(courier).notification.text

    assert "fix it⟨U+E0041⟩" in text
    assert "cannot be seen" in text
    assert devbox.waiting() == 0


def test_only_a_model_proposes(router: RouterUnderTest, courier: ThinCourier) -> None:
    agent = router.machine()
    session_id = router.session(agent, "api")
    with agent.connected(**STARTS) as link:
        tells(link, session_id, 1, prompt=PROMPT)
        words = courier.brought().notification.text
        link.frame(notify=link_pb.Notify(
            upstream_seq=2, notification_id=IDENTITY.format(9), session_id=session_id, text="the next",
        ))  # fmt: skip
        link.acked(2)

        assert [words, courier.brought().notification.text] == ["I cannot do that.", "the next"]


def test_the_same_word_twice_offers_once(model: ThinLink, devbox: ThinLink, quick: str, courier: ThinCourier) -> None:
    tells(model, quick, 3, prompt=PROMPT)
    tells(model, quick, 4, prompt=PROMPT)
    tells(model, quick, 5, 2, prompt="something else")
    texts = [offered(courier, message_id).notification.text for message_id in ("600", "601")]

    assert [PROMPT in text for text in texts] == [True, False]
    assert devbox.waiting() == 0


def test_a_made_up_press_starts_nothing(
    router: RouterUnderTest, model: ThinLink, devbox: ThinLink, quick: str, courier: ThinCourier
) -> None:
    tells(model, quick, prompt=PROMPT)
    token = offered(courier).notification.token
    where = types.ChatRef(transport="test", chat_id="1", message_id="600")
    made_up = router.submit(where, button=chat_pb.ButtonPress(data=f"cmd:{token}:begin:{IDENTITY.format(1)}"))
    devbox.heard()

    assert made_up.answer == "This button is no longer valid."
    assert starts(router.control) == []


def test_two_presses_at_once_begin_it_once(
    router: RouterUnderTest, model: ThinLink, devbox: ThinLink, quick: str, courier: ThinCourier
) -> None:
    let_follow(router.write, quick, types.ChatRef(transport="test", chat_id="2"))
    tells(model, quick, prompt=PROMPT)
    there = [offered(courier), offered(courier, "601")]
    chats = [types.ChatRef(transport="test", chat_id=each.notification.chat.chat_id) for each in there]
    with ThreadPoolExecutor(8) as people:
        presses = [
            people.submit(router.submit, chat, button=pressed(each))
            for _ in range(4)
            for chat, each in zip(chats, there, strict=True)
        ]
        answers = sorted(each.result().answer for each in presses)

    assert [each == "Starting." for each in answers].count(True) == 1
    assert len(devbox.commands(1)) == len(starts(router.control)) == 1


def test_it_is_begun_at_the_console_and_in_the_chat_that_is_over(
    router: RouterUnderTest, model: ThinLink, devbox: ThinLink, quick: str, courier: ThinCourier
) -> None:
    with router.courier("web", "console") as console:
        tells(model, quick, prompt=PROMPT)
        delivery = offered(courier)
        shown = offered(console, "700")
        where = types.ChatRef(transport="web", chat_id="console", message_id="700")
        begun = router.submit(where, button=pressed(shown), session_id=quick)
        later = press(router, delivery, "Start it", "600")

        assert begun.answer == "Starting."
        assert later.answer.startswith("Already answered")
        assert len(devbox.commands(1)) == len(starts(router.control)) == 1


@pytest.mark.usefixtures("devbox")
def test_after_a_day_it_is_asked_anew(
    router: RouterUnderTest, model: ThinLink, quick: str, courier: ThinCourier
) -> None:
    tells(model, quick, prompt=PROMPT)
    delivery = offered(courier)
    router.advance(24 * 3600 + 1)
    late = press(router, delivery, "Start it", "600")

    assert "Ask it again" in late.answer
    assert starts(router.control) == []


@pytest.mark.usefixtures("devbox")
def test_after_a_day_the_buttons_are_gone_of_what_nobody_started(
    router: RouterUnderTest, model: ThinLink, quick: str, courier: ThinCourier
) -> None:
    tells(model, quick, prompt=PROMPT)
    tells(model, quick, 4, 2, prompt="something else")
    press(router, offered(courier), "Start it", "600")
    router.reported(offered(courier, "601"))  # else its courier has had it for longer than a day
    router.advance(24 * 3600 + 1)
    changes = {}
    while "601" not in changes:
        changed = courier.brought("1")
        changes |= dict.fromkeys(changed.edit_message_ids, changed)

    assert last_line(changes["600"]).startswith("✓ ▶️ Start it")
    assert last_line(changes["601"]) == "⌛ Nobody has started it, and its day is over."
    assert labels(changes["601"]) == []


@pytest.mark.usefixtures("devbox")
@pytest.mark.parametrize(("point", "count"), [("accept-written", 0), ("accept-committed", 1)])
def test_a_router_killed_at_the_press_begins_it_once(
    router: RouterUnderTest, model: ThinLink, quick: str, courier: ThinCourier, tmp_path: Path, point: str, count: int
) -> None:
    tells(model, quick, prompt=PROMPT)
    delivery = offered(courier)
    router.reported(delivery)
    router.stop()
    environ = {"POINTSMAN_DATA_DIR": str(router.config.data_dir), "POINTSMAN_API_KEY": API_KEY}
    environ |= {"POINTSMAN_ROUTER_LISTEN": "127.0.0.1:0"}
    process = Process(Life("router", environ, tmp_path / "journal", tmp_path / "log", point=point))
    killed = Caller(process.ready(), API_KEY)
    where = types.ChatRef(transport="test", chat_id="1", message_id="600")
    request = chat_pb.SubmitRequest(chat=where, update_key="u1", actor="Ada", button=pressed(delivery))
    with pytest.raises(grpc.RpcError):
        killed.chat.Submit(request)
    killed.close()
    assert process.dead(PATIENCE)
    process.close()
    router.start()

    assert len(starts(router.control)) == count
    again, anew = router.chat.Submit(request), press(router, delivery, "Start it", "600")
    assert (again.duplicate, anew.answer[:16]) == (bool(count), "Already answered")
    assert len(starts(router.control)) == 1


def test_it_can_be_pressed_after_the_router_came_back(router: RouterUnderTest) -> None:
    beside, devbox = router.machine("beside"), router.machine("devbox")
    with devbox.connected(**STARTS):
        pass
    with router.courier("test", "1") as courier, beside.connected(**HAS_MODEL) as model:
        tells(model, asked(router, model), prompt=PROMPT)
        delivery = offered(courier)
    router.restart()
    answered = press(router, delivery, "Start it", "600")

    assert answered.answer == "Starting."
    assert [each.machine_id for each in starts(router.control)] == ["devbox"]


WHO = {
    "a viewer": (Person("p", "Ada", PersonRole.VIEWER, (), (), 0.0), "may not do that"),
    "an approver": (Person("p", "Ada", PersonRole.APPROVER, (), (), 0.0), "may not do that"),
    "one of some machines": (Person("p", "Ada", PersonRole.OPERATOR, ("dev*",), (), 0.0), "some sessions only"),
}


@pytest.mark.parametrize(("person", "why"), WHO.values(), ids=WHO)
def test_who_may_not_write_new_may_not_press(
    router: RouterUnderTest, model: ThinLink, quick: str, courier: ThinCourier, person: Person, why: str
) -> None:
    tells(model, quick, prompt=PROMPT)
    shown = offered(courier).notification
    chat = ChatRef("test", "1")

    def refused(tx: Transaction) -> list[str]:
        note = notifications.by_token(tx, chat, shown.token)
        assert note is not None
        return [rights.of_button(tx, who, note, shown.buttons[0].action) for who in (person, None)]

    limited, anybody = router.write(refused)

    assert why in limited
    assert anybody == ""
