from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.telegram_text import CannotParse, clean, parse


def test_html_gives_text_and_entities_in_utf16_units() -> None:
    text, entities = parse('😀<b>bold <i>both</i></b> <a href="https://x.y/?a&amp;b">link</a>', "HTML")

    assert text == "😀bold both link"
    assert entities == [
        {"type": "bold", "offset": 2, "length": 9},
        {"type": "italic", "offset": 7, "length": 4},
        {"type": "text_link", "offset": 12, "length": 4, "url": "https://x.y/?a&b"},
    ]


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("a <foo>", 'Unsupported start tag "foo" at byte offset 2'),
        ("é<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("x <b", "Unclosed start tag at byte offset 2"),
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ],
)
def test_broken_html_is_refused_in_telegrams_words(markup: str, words: str) -> None:
    with pytest.raises(CannotParse) as refused:
        parse(markup, "HTML")

    assert str(refused.value) == words


@pytest.mark.parametrize("markup", ["a_b", "*x", "`code", "[link", "C:\\new_dir", "```x"])
def test_unpaired_legacy_markdown_is_refused(markup: str) -> None:
    with pytest.raises(CannotParse, match="Can't find end of the entity"):
        parse(markup, "Markdown")


def test_paired_legacy_markdown_eats_its_characters() -> None:
    assert parse("a_b_c.py", "Markdown") == ("abc.py", [{"type": "italic", "offset": 1, "length": 1}])


@pytest.mark.parametrize("character", list("()>#+-=|{}.!"))
def test_markdown_v2_wants_its_characters_escaped(character: str) -> None:
    assert parse(f"a\\{character}", "MarkdownV2")[0] == f"a{character}"
    with pytest.raises(CannotParse, match="is reserved and must be escaped"):
        parse(f"a{character}", "MarkdownV2")


def test_markdown_v2_nests() -> None:
    text, entities = parse("*bold _both_* ||secret||", "MarkdownV2")

    assert text == "bold both secret"
    assert [entity["type"] for entity in entities] == ["bold", "italic", "spoiler"]


def test_unclosed_markdown_v2_is_refused() -> None:
    with pytest.raises(CannotParse, match="Can't find end of Bold entity at byte offset 1"):
        parse("a*b", "MarkdownV2")


@given(st.text())
def test_escaped_text_passes_html_unchanged(text: str) -> None:
    assert parse(escape(text), "HTML") == (clean(text), [])


def test_texts_are_cleaned_as_telegram_does() -> None:
    assert clean(" \n a\r\n\tb\x00c\u202e\u2028d \n") == "a\n b cd"


def test_entities_follow_what_cleaning_moved() -> None:
    assert parse("\n\n<b>\rx </b>\n", "HTML") == ("x", [{"type": "bold", "offset": 0, "length": 1}])
