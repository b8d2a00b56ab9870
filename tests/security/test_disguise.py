"""What a person approves cannot be disguised: whatever cannot be seen is written out, with a warning."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.domain.unicode_escapes import WARNING, visible
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.integration.router.permissions.asking import ask, standing
from tests.rigs.thin_agent import session as reported

UNSEEN = {
    "right-to-left override": "\u202e",
    "isolate": "\u2066",
    "zero width space": "\u200b",
    "zero width joiner between letters": "\u200d",
    "tag": "\U000e0061",
    "escape": "\x1b",
    "carriage return": "\r",
    "backspace": "\b",
    "C1": "\x9b",
    "line separator": "\u2028",
    "private": "\ue000",
    "soft hyphen": "\u00ad",
}
unseen = pytest.mark.parametrize("character", UNSEEN.values(), ids=UNSEEN)
FAMILY = "👨\u200d👩\u200d👧 and ❤️\u200d🔥"


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


def shown(router: RouterUnderTest, **question: object) -> tuple[types.Permission, str]:
    """A question as programs see it, and the text that goes to a chat."""
    machine = router.machine()
    session_id = router.session(machine)
    with machine.connected() as link, router.courier("test", "1") as courier:
        asked = ask(link, session_id, **question)
        return standing(router, asked), courier.brought("100").notification.text


@unseen
def test_in_what_a_tool_is_given(router: RouterUnderTest, character: str) -> None:
    question, text = shown(router, input=f"echo {character}hello")

    for told in (question.input, text):
        assert character not in told
        assert f"echo ⟨U+{ord(character):04X}⟩hello" in told
        assert WARNING in told


@unseen
def test_in_the_name_of_a_tool_and_on_a_button(router: RouterUnderTest, character: str) -> None:
    options = [types.PermissionOption(option_id="no", label=f"No{character}", verdict=types.VERDICT_ALLOW)]

    question, text = shown(router, tool=f"Re{character}ad", options=options)

    written = f"⟨U+{ord(character):04X}⟩"
    assert question.tool == f"Re{written}ad"
    assert question.options[0].label == f"No{written}"
    assert character not in text
    assert WARNING in text


@unseen
def test_in_the_name_of_a_session(router: RouterUnderTest, character: str) -> None:
    with router.machine().connected() as link:
        link.frame(session_update=reported("s-1", upstream_seq=1, label=f"api{character}"))
        link.acked(1)

    [session] = router.control.ListSessions(pb.ListSessionsRequest()).sessions
    assert session.label == f"api⟨U+{ord(character):04X}⟩"


@pytest.mark.parametrize("told", ["git push\n\tand more", "grüße, 你好, שלום", FAMILY, "1️⃣ 👍🏽"])
def test_what_can_be_seen_stays_as_it_is(router: RouterUnderTest, told: str) -> None:
    question, text = shown(router, input=told)

    assert question.input == told
    assert told in text
    assert WARNING not in text


def test_line_ends_of_another_system_are_no_disguise() -> None:
    assert visible("one\r\ntwo") == "one\ntwo"
