"""Where others hold a chat, a model answers there too, and what it would hand over begins where the binding says."""

from collections.abc import Iterator
from typing import Any

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.test_bindings import ISSUE, OTHER, bind, write
from tests.rigs.proposals import HAS_MODEL, PROMPT, begun, offered, pressed, starts, tells
from tests.rigs.thin_agent import ThinLink
from tests.rigs.thin_courier import ThinCourier

BOTH: dict[str, Any] = HAS_MODEL | {
    "programs": [types.ProgramVersion(name=name) for name in ("claude", "model")], "start_folders": ["/src"],
}  # fmt: skip


@pytest.fixture
def link(router: RouterUnderTest) -> Iterator[ThinLink]:
    with router.machine("devbox").connected(**BOTH) as link:
        bind(router, "devbox")
        yield link


@pytest.fixture
def github(router: RouterUnderTest) -> Iterator[ThinCourier]:
    with router.courier("github") as courier:
        yield courier


def choose(
    router: RouterUnderTest, delivery: chat_pb.Delivery, chat: types.ChatRef = ISSUE, **request: Any
) -> chat_pb.SubmitResponse:
    """What the number of a choice becomes."""
    return write(router, "", chat, button=pressed(delivery), **request)


@pytest.mark.parametrize("words", ["/ask what is a monad?", "ask what is a monad?", "Ask\nwhat is a monad?"])
def test_a_question_is_the_bound_machines_models(router: RouterUnderTest, link: ThinLink, words: str) -> None:
    write(router, words, context="(in acme/api#3)")
    [frame] = link.commands(1)

    assert frame.action.start_session.agent == "model"
    assert frame.action.start_session.prompt == "what is a monad?\n\n(in acme/api#3)"


def test_the_next_question_is_for_the_same_and_words_are_not(router: RouterUnderTest, link: ThinLink) -> None:
    first = write(router, "ask one")
    begun(link)
    second, elsewhere = write(router, "/ask two"), write(router, "/ask three", OTHER)
    work = write(router, "fix it")

    assert second.session_id == first.session_id
    assert len({first.session_id, elsewhere.session_id, work.session_id}) == 3
    assert len(starts(router.control)) == 1


def test_where_the_bound_machine_has_no_model_no_other_is_asked(router: RouterUnderTest, github: ThinCourier) -> None:
    with router.machine("beside").connected(**HAS_MODEL) as beside:
        with router.machine("devbox").connected(capabilities=["text", "start"], start_folders=["/src"]):
            bind(router, "devbox")
        write(router, "/ask one")
        told = github.brought("c1").notification.text
        beside.heard()

        assert "devbox" in told
        assert beside.waiting() == 0


def test_a_choice_there_begins_it_as_words_would_whatever_the_model_named(
    router: RouterUnderTest, link: ThinLink, github: ThinCourier
) -> None:
    write(router, "/ask fix my test")
    tells(link, begun(link), prompt=PROMPT, machine_id="other", folder="/etc", agent="gemini")
    delivery = offered(github)
    link.heard()
    assert starts(router.control) == []
    assert link.waiting() == 0

    first = choose(router, delivery, context="(in acme/api#3)")
    second = choose(router, delivery)
    [frame] = link.commands(1)
    wanted = frame.action.start_session

    assert all(word not in delivery.notification.text for word in ("other", "/etc", "gemini"))
    assert (wanted.prompt, wanted.folder, wanted.agent) == (f"{PROMPT}\n\n(in acme/api#3)", "/src", "")
    assert [first.session_id, second.command_id] == [frame.session_id, ""]
    assert len(starts(router.control)) == 1
    assert write(router, "and the docs").session_id == first.session_id


def test_it_is_shown_there_alone(
    router: RouterUnderTest, link: ThinLink, github: ThinCourier, courier: ThinCourier
) -> None:
    write(router, "/ask fix my test")
    session_id = begun(link)
    tells(link, session_id, prompt=PROMPT)
    there = offered(github).notification.chat
    router.notify(session_id, types.ChatRef(transport="test", chat_id="1"), text="the next")
    texts = []
    while "the next" not in (texts[-1:] or [""])[0]:
        texts.append(courier.brought("1").notification.text)

    assert (there.transport, there.chat_id) == ("github", "5/3")
    assert not any(PROMPT in text for text in texts)


def test_in_another_issue_the_choice_is_none(router: RouterUnderTest, link: ThinLink, github: ThinCourier) -> None:
    write(router, "/ask fix my test")
    tells(link, begun(link), prompt=PROMPT)
    choose(router, offered(github), OTHER)
    link.heard()

    assert starts(router.control) == []


def test_after_a_day_the_choice_is_over(router: RouterUnderTest, link: ThinLink, github: ThinCourier) -> None:
    write(router, "/ask fix my test")
    tells(link, begun(link), prompt=PROMPT)
    delivery = offered(github)
    router.advance(24 * 3600 + 1)

    assert "Ask it again" in choose(router, delivery).answer
    assert starts(router.control) == []
