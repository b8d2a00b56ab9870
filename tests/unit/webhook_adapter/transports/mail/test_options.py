"""Which of the choices somebody means, and that nobody guesses it."""

import pytest

from webhook_adapter.transports.mail.options import Choice, chosen, numbered

ASKED = numbered([("✅ Allow", "cmd:T:allow"), ("❌ Deny", "cmd:T:deny"), ("💬 Deny with reason", "cmd:T:reason")])
ALLOW, DENY, REASON = ASKED


@pytest.mark.parametrize(
    "text", ["1", " 1 ", "1.", "1)", "#1", "(1)", "allow", "Allow.", "ALLOW!", "✅ Allow", "allow\n"]
)
def test_a_number_or_the_words_choose(text: str) -> None:
    assert chosen(ASKED, text) == Choice(ALLOW)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "yes",
            "4",
            "0",
            "1 2",
            "1, please",
            "allow it",
            "don't allow",
            "1\n\nbut only the tests",
            "Deny it",
            "no",
        ),
        *(
            "1: because",
            "allow: because",
            "deny: use the sandbox",
            "3",
            "deny with reason",
            "3:",
            "3: ",
            "!",
            "✅",
            "11",
        ),
    ],
)
def test_what_is_none_of_them_chooses_nothing(text: str) -> None:
    assert chosen(ASKED, text) is None


@pytest.mark.parametrize("text", ["3: use the sandbox", "deny with reason: use the sandbox", "3 : use the sandbox "])
def test_words_come_with_the_choice_that_wants_them(text: str) -> None:
    assert chosen(ASKED, text) == Choice(REASON, "use the sandbox")


def test_words_may_have_many_lines_and_colons() -> None:
    assert chosen(ASKED, "3: first: this\nthen that") == Choice(REASON, "first: this\nthen that")


def test_a_label_that_is_another_ones_number_chooses_nothing() -> None:
    options = numbered([("2", "cmd:T:two"), ("1", "cmd:T:one"), ("3", "cmd:T:three")])

    assert [chosen(options, text) for text in ("1", "2", "3")] == [None, None, Choice(options[2])]


def test_two_of_one_name_are_chosen_by_number_alone() -> None:
    options = numbered([("api", "cmd:T:a"), ("API", "cmd:T:b")])

    assert (chosen(options, "api"), chosen(options, "2")) == (None, Choice(options[1]))


def test_a_label_of_signs_alone_is_chosen_by_number() -> None:
    options = numbered([("👍", "cmd:T:up"), ("👎", "cmd:T:down")])

    assert (chosen(options, "👍"), chosen(options, "2")) == (None, Choice(options[1]))
