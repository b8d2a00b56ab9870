"""A program asks people at the router itself, and waits there for the answer."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.integration.router.permissions.asking import DAY, here, listed, press, respond, standing
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def machine(router: RouterUnderTest) -> ThinAgent:
    return router.machine("devbox")


@pytest.fixture
def session(router: RouterUnderTest, machine: ThinAgent) -> str:
    return router.session(machine)


@pytest.fixture
def courier(router: RouterUnderTest) -> Iterator[ThinCourier]:
    with router.courier("telegram", "1") as courier:
        yield courier


def ask(router: RouterUnderTest, session: str, *options: str, **request: Any) -> pb.AskResponse:
    request = {"text": "Which colour?", "options": options} | request
    return router.control.Ask(pb.AskRequest(session_id=session, **request))


def told(router: RouterUnderTest, session: str, *options: str, **request: Any) -> str:
    with pytest.raises(grpc.RpcError) as refused:
        ask(router, session, *options, **request)
    return reason_of(refused.value)


def brought(router: RouterUnderTest, courier: ThinCourier) -> types.Notification:
    """What the chat shows, once the router knows that it does."""
    courier.delivered(delivery := courier.take(), "100")
    router.reported(delivery)
    return delivery.notification


def test_who_waits_gets_the_option_that_is_pressed(router: RouterUnderTest, session: str, courier: ThinCourier) -> None:
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(ask, router, session, "Blue", "Red", wait={"seconds": 60})
        shown = courier.brought("100").notification
        press(router, shown, shown.buttons[1].action)
        answered = waiting.result(60)

    assert (shown.text, [button.label for button in shown.buttons]) == ("❓ Which colour?", ["Blue", "Red"])
    assert (answered.answer, answered.permission.decided_by) == ("Red", "telegram:4711 (Ada)")
    assert answered.permission.state == types.PERMISSION_STATE_ANSWERED


def test_own_words_are_an_answer_where_they_are_wanted(
    router: RouterUnderTest, session: str, courier: ThinCourier
) -> None:
    asked = ask(router, session, "Blue", own_words=True, request_id="1")
    shown = brought(router, courier)

    router.submit(here("telegram"), "Purple, please", reply_to_message_id="100")

    assert asked.answer == ""
    assert "reply to this message with your own answer" in shown.text
    assert ask(router, session, "Blue", own_words=True, request_id="1").answer == "Purple, please"


def test_without_options_people_answer_in_their_own_words(router: RouterUnderTest, session: str) -> None:
    asked = ask(router, session).permission

    [option] = asked.options
    assert (option.option_id, option.takes_text) == ("text", True)
    respond(router, asked.permission_id, "text", text="Green", input_digest=asked.input_digest)


def test_where_no_own_words_are_wanted_none_are_taken(
    router: RouterUnderTest, session: str, courier: ThinCourier
) -> None:
    asked = ask(router, session, "Blue").permission
    brought(router, courier)

    router.submit(here("telegram"), "Purple, please", reply_to_message_id="100")

    assert standing(router, asked.permission_id).state == types.PERMISSION_STATE_OPEN


def test_no_machine_is_told_of_the_answer(router: RouterUnderTest, session: str, machine: ThinAgent) -> None:
    with machine.connected() as link:
        asked = ask(router, session, "Blue").permission
        decided = respond(router, asked.permission_id, "1", input_digest=asked.input_digest)
        link.heard()

        assert (decided.command_id, decided.machine_id, link.waiting()) == ("", "", 0)


def test_asked_again_it_is_one_question(router: RouterUnderTest, session: str) -> None:
    first, again = (ask(router, session, "Blue", request_id="1").permission.permission_id for _ in range(2))

    assert first == again
    assert len(listed(router)) == 1


def test_another_question_of_that_request_id_is_refused(router: RouterUnderTest, session: str) -> None:
    ask(router, session, "Blue", request_id="1")

    assert told(router, session, "Red", request_id="1") == "REQUEST_ID_REUSED"
    assert told(router, session, "Blue", text="Which?", request_id="1") == "REQUEST_ID_REUSED"


def test_nobody_waits_for_the_answer_to_anothers_question(router: RouterUnderTest, session: str) -> None:
    other = router.caller(router.key(pb.ROLE_OPERATOR)).control
    mine = ask(router, session, "Blue", request_id="1").permission.permission_id

    theirs = other.Ask(pb.AskRequest(session_id=session, text="Which colour?", options=["Blue"], request_id="1"))

    assert theirs.permission.permission_id != mine


def test_it_ends_with_its_session(router: RouterUnderTest, session: str) -> None:
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(ask, router, session, "Blue", wait={"seconds": 60}, request_id="1")
        ask(router, session, "Blue", request_id="1")  # it is there
        router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=session))
        ended = waiting.result(60)

    assert (ended.answer, ended.permission.state) == ("", types.PERMISSION_STATE_WITHDRAWN)
    assert told(router, session, "Red") == "SESSION_ENDED"


def test_it_ends_with_its_time(router: RouterUnderTest, session: str) -> None:
    minute = {"expires_in": {"seconds": 60}, "request_id": "1"}
    asked = ask(router, session, "Blue", **minute).permission
    day = ask(router, session, "Blue").permission

    router.advance(61)
    ended = ask(router, session, "Blue", wait={"seconds": 60}, **minute)

    assert (ended.answer, ended.permission.state) == ("", types.PERMISSION_STATE_EXPIRED)
    assert ended.permission.permission_id == asked.permission_id
    assert standing(router, day.permission_id).state == types.PERMISSION_STATE_OPEN
    assert day.expires_at.ToSeconds() - day.created_at.ToSeconds() == DAY


MISTAKES = {
    "no text": ({"text": " "}, "INVALID_ARGUMENT"),
    "a text that is too long": ({"text": "x" * 70_000}, "TOO_LARGE"),
    "too many options": ({"options": list("123456789")}, "TOO_LARGE"),
    "too many beside own words": ({"options": list("12345678"), "own_words": True}, "TOO_LARGE"),
    "an empty option": ({"options": ["a", ""]}, "INVALID_ARGUMENT"),
    "an option twice": ({"options": ["a", "a"]}, "INVALID_ARGUMENT"),
    "an option that is too long": ({"options": ["x" * 65]}, "TOO_LARGE"),
    "no time": ({"expires_in": {"seconds": 0}}, "INVALID_ARGUMENT"),
    "a request id that is too long": ({"request_id": "x" * 129}, "INVALID_ARGUMENT"),
    "a session that is not there": ({"session_id": "nobody"}, "SESSION_UNKNOWN"),
}


@pytest.mark.parametrize(("request_", "reason"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_refused(router: RouterUnderTest, session: str, request_: dict[str, Any], reason: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        router.control.Ask(pb.AskRequest(**({"session_id": session, "text": "Which?"} | request_)))

    assert reason_of(refused.value) == reason
    assert listed(router) == []


def test_so_many_wait_at_once_and_no_more(router: RouterUnderTest, session: str) -> None:
    for _ in range(20):
        ask(router, session)

    assert told(router, session) == "QUEUE_FULL"


def test_it_is_told_who_asked(router: RouterUnderTest, session: str) -> None:
    made = router.control.CreateApiKey(pb.CreateApiKeyRequest(label="builder", role=pb.ROLE_OPERATOR))
    asked = router.caller(made.secret).control.Ask(pb.AskRequest(session_id=session, text="Which?")).permission

    [step] = [one for one in router.trace(asked.permission_id) if one.event == "Asked"]
    assert (step.actor, step.identity) == ("builder", f"{made.key.key_id} (builder)")
