"""Which comments speak to us, and what they say."""

import random

import pytest

from webhook_adapter.transports.github.inbound.mentions import LONGEST, said, spoken


@pytest.mark.parametrize(
    ("comment", "command"),
    [
        ("@pointsman fix the tests", "fix the tests"),
        ("fix the tests, @Pointsman please", "fix the tests, please"),
        ("@pointsman[bot] go on", "go on"),
        ("@pointsman\n\nfirst\n\nsecond", "first\n\nsecond"),
        ("> what was said\n\n@pointsman do that", "> what was said\n\n do that"),
        ("@pointsman run `make test`:\n```\nx = 1\n```", "run `make test`:\n```\nx = 1\n```"),
    ],
)
def test_the_whole_comment_is_the_command(comment: str, command: str) -> None:
    assert said(comment, "pointsman") == command


@pytest.mark.parametrize(
    "comment",
    [
        "fix the tests",
        "> @pointsman fix",
        "> quoted\n@pointsman in the same paragraph",
        "   > @pointsman fix",
        "`@pointsman fix`",
        "``a ` @pointsman`` b",
        "```\n@pointsman fix\n```",
        "~~~sh\n@pointsman fix\n~~~",
        "````\n```\n@pointsman\n````",
        "```\n@pointsman, and no end",
        "    @pointsman fix",
        "<!-- @pointsman fix -->",
        "<!-- @pointsman fix",
        "me@pointsman.example",
        "@pointsman.example",
        "@pointsman-docs fix",
        "@pointsman/team fix",
        "@pointsmann fix",
        "@@pointsman fix",
        "\\@pointsman fix",
        "https://github.com/@pointsman",
        "@point\u0455man fix",  # a Cyrillic letter
        "@p\u043eintsman fix",
        "\uff20pointsman fix",
        "@point\u200bsman fix",
        "@po\u0131ntsman fix",  # without its dot
        "@point\u017fman fix",  # a long s, which is one where case is folded
    ],
)
def test_what_only_looks_like_a_mention_is_none(comment: str) -> None:
    assert said(comment, "pointsman") is None


def test_one_that_is_too_long_is_none() -> None:
    assert said("@pointsman " + "x" * LONGEST, "pointsman") is None


def test_what_is_not_said_leaves_its_place() -> None:
    comment = "a `b` c\n> d\n\n```\ne\n```\n<!-- f -->g"

    assert len(spoken(comment)) == len(comment)
    assert spoken(comment).replace("\0", " ").split() == ["a", "c", "g"]


def test_no_text_breaks_it_or_takes_long() -> None:
    pieces = ["@pointsman", "`", "```", "~~~", ">", "<!--", "-->", "\n", " ", "x", "\\", "\t", "\r", "é", "\u2028"]
    chance = random.Random(7)

    for _ in range(2000):
        said("".join(chance.choices(pieces, k=60)), "pointsman")
    assert said("`" * 30_000 + "@pointsman" + "<!--" * 5000, "pointsman") is None
