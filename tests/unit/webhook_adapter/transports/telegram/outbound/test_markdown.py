"""Markdown as agents write it, read by Telegram's own parser: what is seen, and how."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.entity_oracle import parsed
from tests.fakes.telegram_text import utf16_length
from webhook_adapter.transports.telegram.outbound.format import PART_UNITS, FilePart, TextPart, parts
from webhook_adapter.transports.telegram.outbound.markdown import rendered
from webhook_adapter.transports.transport import Button, ChatRef, Outgoing

HOSTILE = st.text(st.sampled_from("<>&\"'#x3 \n\\_*[]()~`>+-=|{}.!1aé😀\u200d\u202e") | st.characters(codec="utf-8"))
BOLD, ITALIC = ("bold", ""), ("textEntityTypeItalic", "")
STRUCK, QUOTE, LINK = (
    ("textEntityTypeStrikethrough", ""), ("textEntityTypeBlockQuote", ""), ("textEntityTypeTextUrl", ""),
)  # fmt: skip


def read(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    [part] = parts(Outgoing(ChatRef("1"), text, is_markdown=True))
    seen = parsed(part.html)
    assert seen.text == part.plain
    return seen.text, seen.marks


@pytest.mark.parametrize(
    ("text", "seen", "marks"),
    [
        ("**bold** and __bold__", "bold and bold", (BOLD, BOLD)),
        ("*thin* and _thin_", "thin and thin", (ITALIC, ITALIC)),
        ("***both***", "both", (BOLD, ITALIC)),
        ("**a *b* c**", "a b c", (BOLD, ITALIC)),
        ("~~gone~~ and ~one~", "gone and ~one~", (STRUCK,)),
        ("snake_case_name and 2*3*4 _a", "snake_case_name and 234 _a", (ITALIC,)),
        ("`a < b` and ``x ` y``", "a < b and x ` y", (("code", ""), ("code", ""))),
        ("**see `it` there**", "see it there", (BOLD, ("code", ""), BOLD)),
        ("`**no**`", "**no**", (("code", ""),)),
        (r"\*as it is\* C:\new", r"*as it is* C:\new", ()),
        ("[here](https://a.example/?b=1&c=2)", "here", (LINK,)),
        ("[**here**](https://a.example)", "here", (LINK, BOLD)),
        ("[x.py](src/x.py#L3) [it](javascript:x)", "x.py (src/x.py#L3) it (javascript:x)", ()),
        ("![a picture](https://a.example/b.png)", "a picture", (LINK,)),
        ("<https://a.example/b>", "https://a.example/b", (("textEntityTypeUrl", ""),)),
        ("# One `two` #\ntext", "One two\ntext", (BOLD, ("code", ""))),
        ("#no heading", "#no heading", (("textEntityTypeHashtag", ""),)),
        ("- a\n  * b\n+ **c**", "• a\n  • b\n• c", (BOLD,)),
        ("1. a\n2) b", "1. a\n2) b", ()),
        ("- [ ] open\n- [x] done", "☐ open\n☑ done", ()),
        ("> said **so**\n> > again\nmine", "said so\nagain\nmine", (QUOTE, BOLD)),
        ("a\n\n---\nb", "a\n\n———\nb", ()),
        ("```python\nif a < b:\n    *pass*\n```", "if a < b:\n    *pass*", (("pre", "python"),)),
        ("~~~\nx\n```\n~~~", "x\n```", (("pre", ""),)),
        ("```\nnever ended", "never ended", (("pre", ""),)),
        ("- item\n  ```sh\n  ls\n  ```", "• item\n  ls", (("pre", "sh"),)),
        ("<b>no</b> &amp; <script>", "<b>no</b> &amp; <script>", ()),
        ("**never ended *and* so", "**never ended and so", (ITALIC,)),
        ("a\\\\b **c\nd**", "a\\b c\nd", (BOLD,)),
    ],
)
def test_it_is_seen_as_it_was_meant(text: str, seen: str, marks: tuple[tuple[str, str], ...]) -> None:
    assert read(text) == (seen, tuple(mark for mark in marks if mark[0] not in _FOUND_BY_TELEGRAM))


_FOUND_BY_TELEGRAM = ("textEntityTypeUrl", "textEntityTypeHashtag")  # in any text; its parser of markup does not


def test_a_table_stands_in_a_fixed_width_with_its_columns_aligned() -> None:
    text, marks = read("| name | **n** |\n|:--|--:|\n| a\\|b | 1 |\n| 世界 | `22` |\nafter")

    assert text == "name │ n\n─────┼───\na|b  │ 1\n世界 │ 22\nafter"
    assert marks == (("pre", ""),)


def test_a_cut_closes_what_is_marked_and_opens_it_again() -> None:
    words = " ".join(f"word{number}" for number in range(1000))
    code = "\n".join(f"line_{number} < {number}" for number in range(400))

    message = Outgoing(ChatRef("1"), f"**{words}**\n```c\n{code}\n```", is_markdown=True)
    made = [parsed(part.html) for part in parts(message)]

    assert len(made) > 3
    assert [mark for each in made for mark in each.marks if mark == BOLD] == [BOLD] * 2
    assert made[-1].marks == (("pre", "c"),)
    assert max(utf16_length(each.text) for each in made) <= PART_UNITS


def test_a_very_long_text_is_a_file_as_it_was_written_and_its_last_words_as_they_are_read() -> None:
    text = "\n".join(f"**line** {number}" for number in range(5000))

    document, last = parts(Outgoing(ChatRef("1"), text, "api", (Button("Go", "cmd:T:go"),), is_markdown=True))

    assert isinstance(document, FilePart)
    assert isinstance(last, TextPart)
    assert (document.file.name, b"".join(document.file.parts())) == ("message.md", text.encode())
    assert last.plain.endswith("\nline 4998\nline 4999")
    assert BOLD in parsed(last.html).marks
    assert last.buttons


def test_what_is_not_said_to_be_markdown_stays_as_it_is() -> None:
    [part] = parts(Outgoing(ChatRef("1"), "a *b* # c"))

    assert part.html == "a *b* # c"


@given(text=HOSTILE)
def test_whatever_it_holds_telegram_takes_it_and_shows_what_we_mean(text: str) -> None:
    for part in parts(Outgoing(ChatRef("1"), text, is_markdown=True)):
        assert parsed(part.html).text == part.plain


@given(st.text(st.characters(codec="utf-8", exclude_characters="\\`*_~[]()<>#|-+!\n0123456789\r")))
def test_words_without_marks_stay_as_they_are(text: str) -> None:
    assert rendered(text).text == text


@pytest.mark.parametrize(
    "piece",
    [
        "*", "**a ", "_a*", "[](", "[a", "![", "``a", "`a``b", "> ", "|", "|-|\n", "***a* ", "#", "\\", "<http://",
        "~~a", "- ",
    ],
)  # fmt: skip
def test_time_grows_with_the_text_alone(piece: str) -> None:
    seen = rendered(piece * (60_000 // len(piece)))

    assert len(seen.html(0, len(seen.text))) >= len(seen.text)
