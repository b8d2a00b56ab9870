import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.telegram_text import clean, parse, utf16_length
from webhook_adapter.transports.telegram.outbound.format import (
    MOST_PARTS,
    PART_UNITS,
    FilePart,
    TextPart,
    is_blank,
    keyboard,
    parts,
    split,
)
from webhook_adapter.transports.transport import Button, ChatRef, Kind, Outgoing

PLACE = ChatRef("4711")
HOSTILE = st.text(st.sampled_from("<>&\"'/;#x3b \n\\_*[]()~`>+-=|{}.!aé😀\u200d\u202e") | st.characters(codec="utf-8"))


@given(text=HOSTILE, heading=HOSTILE)
def test_hostile_text_passes_telegrams_parser_unchanged(text: str, heading: str) -> None:
    message = Outgoing(PLACE, text, heading)

    [part] = parts(message)
    assert isinstance(part, TextPart)
    shown, entities = parse(part.html, "HTML")
    assert shown == clean(part.plain)
    assert {entity["type"] for entity in entities} <= {"bold", "code"}
    assert is_blank(text) or text in part.plain


@given(st.lists(HOSTILE).map(" ".join), st.integers(2, 30), st.integers(2, 30))
def test_pieces_fit_and_lose_nothing_visible(text: str, first: int, limit: int) -> None:
    pieces = split(text, first, limit)

    assert [utf16_length(piece) <= (limit if number else first) for number, piece in enumerate(pieces)] == (
        [True] * len(pieces)
    )
    assert _visible("".join(pieces)) == _visible(text)
    assert not any(is_blank(piece) for piece in pieces)


def _visible(text: str) -> str:
    return "".join(character for character in text if not is_blank(character))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("aaaa bbbb\ncc dd", ["aaaa bbbb", "cc dd"]),
        ("aaaa bbbb cccc", ["aaaa bbbb", "cccc"]),
        ("aaaaaaaaaabbbb", ["aaaaaaaaaa", "bbbb"]),
        ("😀😀😀😀😀😀", ["😀😀😀😀😀", "😀"]),
        ("a😀😀😀😀😀", ["a😀😀😀😀", "😀"]),
        ("a" * 10 + " " * 15 + "b", ["a" * 10, "   b"]),
        ("", []),
        (" \n\u200b\t", []),
    ],
    ids=["line", "space", "hard", "pairs", "no half pair", "blank pieces", "empty", "invisible"],
)
def test_text_is_cut_where_it_hurts_least(text: str, pieces: list[str]) -> None:
    assert split(text, 10, 10) == pieces


def test_heading_is_first_and_buttons_are_last() -> None:
    buttons = (Button("Go on", "cmd:T:continue"),)
    message = Outgoing(PLACE, "x" * 9000, "devbox · <api>", buttons, Kind.QUESTION)

    first, middle, last = parts(message)
    assert isinstance(first, TextPart)
    assert isinstance(middle, TextPart)
    assert isinstance(last, TextPart)
    assert first.html.startswith("<b>devbox · &lt;api&gt;</b>\nxxx")
    assert last.html.endswith("xxx")
    assert (first.buttons, middle.buttons, last.buttons) == ((), (), buttons)
    assert max(utf16_length(part.plain) for part in parts(message)) <= PART_UNITS


@pytest.mark.parametrize("kind", Kind)
def test_a_message_says_nothing_of_tokens_where_replies_work(kind: Kind) -> None:
    [part] = parts(Outgoing(PLACE, "typed in", "devbox · api", kind=kind))

    assert part.plain == "devbox · api\ntyped in"


def test_a_message_without_text_shows_its_heading_or_says_so() -> None:
    assert [part.plain for part in parts(Outgoing(PLACE, " ", "devbox · api"))] == ["devbox · api"]
    assert [part.plain for part in parts(Outgoing(PLACE, "\x00"))] == ["(no text)"]


def test_a_very_long_text_is_a_file_and_its_last_words() -> None:
    text = "\n".join(f"line {number}" for number in range(5000))
    buttons = (Button("Go on", "cmd:T:continue"),)

    document, last = parts(Outgoing(PLACE, text, "devbox · api", buttons))
    assert isinstance(document, FilePart)
    assert isinstance(last, TextPart)
    assert (b"".join(document.file.parts()), document.plain) == (text.encode(), "devbox · api")
    assert last.plain.startswith("devbox · api\n…\nline ")
    assert last.plain.endswith("\nline 4999")
    assert last.buttons == buttons
    assert utf16_length(last.plain) <= PART_UNITS


def test_as_many_parts_as_people_read_stay_messages() -> None:
    assert len(parts(Outgoing(PLACE, "x" * PART_UNITS * MOST_PARTS))) == MOST_PARTS


def test_short_labels_share_a_row() -> None:
    buttons = tuple(Button(label, f"cmd:T:{label}") for label in ("Yes", "No", "Something much longer to read", "Exit"))
    rows = (keyboard(buttons) or {})["inline_keyboard"]

    assert [[button["text"] for button in row] for row in rows] == [
        ["Yes", "No"],
        ["Something much longer to read"],
        ["Exit"],
    ]


@pytest.mark.parametrize(
    "button", [Button(" ", "x"), Button("x", ""), Button("x", "é" * 33)], ids=["no label", "no data", "65 bytes"]
)
def test_what_telegram_would_refuse_is_left_out(button: Button) -> None:
    assert keyboard((button,)) is None
