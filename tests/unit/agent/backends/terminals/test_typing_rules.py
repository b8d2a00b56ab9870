"""What may be typed: nothing that a terminal would obey, and every other character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.backends.terminals.keyboard import Front
from agent.backends.terminals.typing_rules import KEYS, bursts, clean, pastes

# As the house's limit on a command's text: longer ones never get here.
TEXTS = st.text(st.characters(), max_size=3000)


@pytest.mark.parametrize(
    ("given_text", "typed"),
    [
        pytest.param("plain", "plain", id="plain"),
        pytest.param("a\tb\nc", "a\tb\nc", id="tab and newline stay"),
        pytest.param("a\r\nb", "a\nb", id="crlf is one newline"),
        pytest.param("a\rb", "ab", id="a bare return cannot submit"),
        pytest.param("a\x1b[201~\rrm -rf /", "a[201~rm -rf /", id="the end of a paste cannot be smuggled in"),
        pytest.param("a\u009b201~b", "a201~b", id="nor in its one-byte form"),
        pytest.param("\x00\x03\x04\x07\x08\x1a\x7f", "", id="no control character"),
        pytest.param("\x80\x85\x90\x9f", "", id="no C1 either"),
        pytest.param("a\ud800b", "ab", id="no lone surrogate"),
        pytest.param("e\u0301 👩‍👩‍👧 日本", "e\u0301 👩‍👩‍👧 日本", id="all the rest"),
    ],
)
def test_text_is_cleaned(given_text: str, typed: str) -> None:
    assert clean(given_text) == typed


@given(TEXTS)
def test_what_is_clean_has_nothing_to_obey_and_stays_as_it_is(text: str) -> None:
    cleaned = clean(text)

    assert not [c for c in cleaned if c not in "\n\t" and (ord(c) < 32 or 127 <= ord(c) < 160)]
    assert clean(cleaned) == cleaned
    assert cleaned.encode().decode() == cleaned


@given(TEXTS, st.integers(1, 500))
def test_bursts_are_short_and_add_up_to_the_text(text: str, size: int) -> None:
    pieces = bursts(text, size)

    assert "".join(pieces) == text
    assert all(0 < len(piece) <= size for piece in pieces)


@pytest.mark.parametrize(
    ("front", "pasted"),
    [
        (Front(1, "bash"), True),
        (Front(1, "bash", pastes=False), False),
        (Front(1, ""), True),
        (Front(1, "claude"), False),
        (Front(1, "2.1.329"), False),
    ],
)
def test_lines_are_pasted_where_typing_them_would_submit_each(front: Front, *, pasted: bool) -> None:
    assert pastes(front) is pasted


def test_the_keys_are_those_of_the_protocol() -> None:
    assert set(KEYS) == {
        *("esc", "enter", "ctrl-c", "ctrl-d", "tab", "up", "down", "left", "right", "backspace", "space"),
        *("shift-tab", "page-up", "page-down", "ctrl-r", "ctrl-o", "ctrl-z"),
    }
