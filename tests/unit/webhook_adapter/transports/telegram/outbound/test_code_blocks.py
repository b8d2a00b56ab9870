"""Code and diffs are shown as such; Telegram's own parser reads every text as it was meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.entity_oracle import parsed
from tests.fakes.telegram_text import clean, parse
from tests.soak.texts import PIECES, check, check_all
from webhook_adapter.transports.telegram.outbound.format import PART_UNITS, parts
from webhook_adapter.transports.transport import ChatRef, Outgoing

DIFF = "diff --git a/x.py b/x.py\nindex 1..2 100644\n--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n same\n-a < b\n+a > b"


def rendered(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    [part] = parts(Outgoing(ChatRef("1"), text))
    read = parsed(part.html)
    assert read.text == part.plain
    return read.text, read.marks


@pytest.mark.parametrize(
    ("text", "seen", "marks"),
    [
        ("see\n```python\nif a < b:\n    pass\n```\ndone", "see\nif a < b:\n    pass\ndone", (("pre", "python"),)),
        ("```\nx & y\n```", "x & y", (("pre", ""),)),
        ("```c++\na\n```\nand\n```\nb\n```", "a\nand\nb", (("pre", "c++"), ("pre", ""))),
        (f"Changed:\n{DIFF}\n\nFine?", f"Changed:\n{DIFF}\n\nFine?", (("pre", "diff"),)),
        ("@@ -1 +1 @@ f\n-a\n+b", "@@ -1 +1 @@ f\n-a\n+b", (("pre", "diff"),)),
        ("```\nnever ended", "```\nnever ended", ()),
        ("a ``` b\nc ```", "a ``` b\nc ```", ()),
        ("```\n \n```", "```\n \n```", ()),
        ('```"><b>\nx\n```', '```"><b>\nx\n```', ()),
        ("- a list\n- of things", "- a list\n- of things", ()),
        ("a_b *c* `d` [e](f)", "a_b *c* `d` [e](f)", ()),
    ],
    ids=[
        "fenced", "no language", "two blocks", "diff", "hunk", "open fence", "inline fence", "blank code",
        "bad language", "list",
        "markdown",
    ],
)  # fmt: skip
def test_code_is_shown_as_code(text: str, seen: str, marks: tuple[tuple[str, str], ...]) -> None:
    assert rendered(text) == (seen, marks)


def test_code_that_a_cut_goes_through_is_code_on_both_sides() -> None:
    code = "\n".join(f"line_{number} < {number}" for number in range(500))
    assert len(code) > PART_UNITS

    made = [parsed(part.html) for part in parts(Outgoing(ChatRef("1"), f"See:\n```c\n{code}\n```"))]

    assert [each.marks for each in made] == [(("pre", "c"),)] * len(made)
    assert "\n".join(each.text for each in made) == f"See:\n{code}"


def test_hundreds_of_hostile_texts_parse_and_stay_unchanged() -> None:
    assert check_all(300, seed=7) >= 300


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=60).map("".join))
def test_any_text_parses_and_stays_unchanged(text: str) -> None:
    assert check(text) >= 1


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_the_stand_in_reads_markup_as_telegram_does(text: str) -> None:
    html = parts(Outgoing(ChatRef("1"), text, "devbox"))[-1].html

    assert parse(html, "HTML")[0] == clean(parsed(html).text)
