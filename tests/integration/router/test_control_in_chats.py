"""/mode, /model, /compact and /clear in a chat, with their buttons; a page's signal."""

from collections.abc import Iterator
from typing import Any

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest, fresh
from tests.integration.router.test_control_signals import CLEAR, COMPACT, MODE, MODEL, found, told
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.rigs.thin_courier import ThinCourier


@pytest.fixture
def transport() -> str:
    return fresh("platform")


@pytest.fixture
def courier(router: RouterUnderTest, transport: str) -> Iterator[ThinCourier]:
    with router.courier(transport, "1") as courier:
        yield courier


@pytest.fixture
def link(agent: ThinAgent) -> Iterator[ThinLink]:
    with agent.connected(capabilities=["control"]) as link:
        yield link


@pytest.fixture
def session(router: RouterUnderTest, link: ThinLink, transport: str) -> str:
    session = told(link, 1, label=fresh("api"))
    router.submit(here(transport), f"/use {found(router, session).label}")
    return session


def here(transport: str, message_id: str = "") -> types.ChatRef:
    return types.ChatRef(transport=transport, chat_id="1", message_id=message_id)


def arrived(link: ThinLink) -> types.Action:
    [frame] = link.commands(1)
    return frame.action


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("/mode plan", MODE, "plan"),
        ("/mode accept-edits", MODE, "acceptEdits"),
        ("/model claude-opus-5", MODEL, "claude-opus-5"),
        ("/compact", COMPACT, ""),
        ("/clear", CLEAR, ""),
    ],
)
def test_a_command_of_the_chat_is_a_signal(
    router: RouterUnderTest, link: ThinLink, session: str, transport: str, text: str, kind: Any, value: str
) -> None:
    assert session
    done = router.submit(here(transport), text)

    assert done.command_id
    assert arrived(link) == types.Action(control=types.ControlSignal(kind=kind, value=value))


@pytest.mark.parametrize("text", ["/compact keep the plan", "/clear all of it"])
def test_with_more_words_it_is_a_text_for_the_program(
    router: RouterUnderTest, link: ThinLink, session: str, transport: str, text: str
) -> None:
    assert session
    router.submit(here(transport), text)

    assert arrived(link).input.text == text


@pytest.mark.parametrize("text", ["/compact", "/clear", "/model opus"])
def test_to_another_program_it_is_a_text_as_ever(
    router: RouterUnderTest, link: ThinLink, transport: str, text: str
) -> None:
    session = told(link, 1, label=fresh("codex"), modes=[], controls=[], mode="", model="")
    router.submit(here(transport), f"/use {found(router, session).label}")
    router.submit(here(transport), text)

    assert arrived(link).input.text == text


def test_what_a_program_has_not_among_its_controls_is_a_text_for_it(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, transport: str
) -> None:
    controls = [types.CONTROL_KIND_INTERRUPT, types.CONTROL_KIND_MODEL]
    session = told(link, 1, label=fresh("gemini"), modes=[], controls=controls, mode="", model="pro")
    router.submit(here(transport), f"/use {found(router, session).label}")
    router.submit(here(transport), "/model")
    while "works with" not in (offered := courier.brought("100").notification).text:
        pass
    router.submit(here(transport), "/compact")

    assert list(offered.buttons) == []  # the names of Claude Code's models are none of its
    assert arrived(link).input.text == "/compact"


def test_the_modes_are_offered_and_one_is_pressed(
    router: RouterUnderTest, courier: ThinCourier, link: ThinLink, session: str, transport: str
) -> None:
    assert session
    router.submit(here(transport), "/mode")
    while not (note := courier.brought("100").notification).buttons:
        pass
    assert "is in the mode plan" in note.text
    assert [button.action for button in note.buttons] == ["mode:default", "mode:acceptEdits", "mode:plan"]

    router.submit(here(transport, "100"), button={"data": f"cmd:{note.token}:mode:acceptEdits"})

    assert arrived(link).control == types.ControlSignal(kind=MODE, value="acceptEdits")


def test_a_model_is_offered_too(router: RouterUnderTest, courier: ThinCourier, session: str, transport: str) -> None:
    assert session
    router.submit(here(transport), "/model")
    while not (note := courier.brought("100").notification).buttons:
        pass

    assert "works with opus" in note.text
    assert [button.action for button in note.buttons] == ["model:sonnet", "model:opus", "model:haiku"]


def test_a_mode_that_nobody_may_choose_is_answered_with_why(
    router: RouterUnderTest, link: ThinLink, session: str, transport: str
) -> None:
    assert session
    done = router.submit(here(transport), "/mode bypassPermissions")

    assert (done.command_id, link.waiting()) == ("", 0)
    assert "asks nothing any more" in done.answer
    assert "is no mode" in router.submit(here(transport), "/mode two words").answer


def test_a_page_sends_a_signal_and_hears_why_not(
    router: RouterUnderTest, link: ThinLink, session: str, transport: str
) -> None:
    taken = router.submit(here(transport, "7"), session_id=session, control=signal(MODE, "plan"))
    not_taken = router.submit(here(transport, "8"), session_id=session, control=signal(MODE, "bypassPermissions"))
    unknown = router.submit(here(transport, "9"), session_id="none", control=signal(CLEAR))

    assert arrived(link).control == signal(MODE, "plan")
    assert (taken.command_id != "", taken.answer) == (True, "Sending: /mode plan")
    assert (not_taken.command_id, not_taken.reason) == ("", types.REASON_MODE_NOT_ALLOWED)
    assert unknown.reason == types.REASON_SESSION_UNKNOWN


def signal(kind: Any, value: str = "") -> types.ControlSignal:
    return types.ControlSignal(kind=kind, value=value)


def test_a_signal_that_is_none_is_refused(router: RouterUnderTest, session: str, transport: str) -> None:
    import grpc

    request = chat_pb.SubmitRequest(
        update_key=fresh("u"), chat=here(transport), session_id=session, control=types.ControlSignal()
    )
    with pytest.raises(grpc.RpcError) as refused:
        router.chat.Submit(request)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
