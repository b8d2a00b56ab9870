"""What a comment says."""

import pytest

from webhook_adapter.transports.github.outbound import text
from webhook_adapter.transports.github.outbound.text import Place
from webhook_adapter.transports.transport import Button, ChatRef, Kind, Outgoing, OutgoingFile

PRIVATE, PUBLIC = Place("pointsman", is_private=True), Place("pointsman", is_private=False)
Z = "\u200b"
CHOICES = (Button("Allow", "cmd:T:allow"), Button("Deny it", "cmd:T:deny"))


def message(said: str = "done", **more: object) -> Outgoing:
    return Outgoing(ChatRef("5/3"), said, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("ask @ada and @acme/team", f"ask @{Z}ada and @{Z}acme/team"),
        ("see #12 and acme/api#3, # not", f"see #{Z}12 and acme/api#{Z}3, # not"),
        ("a <b>c</b> <!-- d --> <https://x.test> 1 < 2", f"a <{Z}b>c<{Z}/b> <{Z}!-- d --> <https://x.test> 1 < 2"),
        ("&#64;ada &commat;ada a & b", f"&{Z}#{Z}64;ada &{Z}commat;ada a & b"),
        ("```py\n@property\n# 1 #2 <a>\n```\n@ada", f"```py\n@property\n# 1 #2 <a>\n```\n@{Z}ada"),
        ("~~~\n@a\n```\n@b\n~~~\n@c", f"~~~\n@a\n```\n@b\n~~~\n@{Z}c"),
        ("`@ada`", f"`@{Z}ada`"),
        # Where a block ends is not sure in these: so nothing in them calls anybody.
        ("- ```\n  @a\n  ```\n@b", f"- ```\n  @{Z}a\n  ```\n@{Z}b"),
        ("  ```\n  @a\n@b", f"  ```\n  @{Z}a\n@{Z}b"),
        ("> ```\n> @a\n@b", f"> ```\n> @{Z}a\n@{Z}b"),
        ("``` a`b\n@c", f"``` a`b\n@{Z}c"),
    ],
)  # fmt: skip
def test_markdown_calls_nobody(said: str, shown: str) -> None:
    assert text.markdown(said) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Finished <all> & a_b", f"Finished <{Z}all> & a\\_b"),
        ("# no heading\n- no list\n1. no list", f"\\# no heading\n\\- no list\n1{Z}. no list"),
        ("    no code `here`", "\u00a0\u00a0\u00a0\u00a0no code \\`here\\`"),
        ("@ada", f"@{Z}ada"),
    ],
)
def test_plain_text_is_seen_as_it_is(said: str, shown: str) -> None:
    assert text.plain(said) == shown


def test_secrets_do_not_leave() -> None:
    secret = "ghs" + "_77_" + "a1B2_-" * 9 + "." + "a1B2" * 30 + ".a1B2" * 9

    for is_markdown in (True, False):
        [body] = text.bodies(message(f"it is {secret}!", is_markdown=is_markdown), PRIVATE)
        assert secret[:12] not in body


def test_a_long_text_comes_in_three_parts_and_says_that_it_is_cut() -> None:
    said = "\n".join(f"line {number} of many" for number in range(20_000))
    parts = text.bodies(message(said, is_markdown=True), PRIVATE)

    assert [len(each) < 60_000 for each in parts] == [True] * 3
    assert "cut here" in parts[-1]
    assert said.startswith(parts[0])


def test_code_that_is_cut_goes_on_as_code() -> None:
    said = "```py\n" + "\n".join(f"@line({number})" for number in range(9000)) + "\n```\n@ada"
    parts = text.bodies(message(said, is_markdown=True), PRIVATE)

    assert len(parts) == 2
    assert all(each.startswith("```py\n") for each in parts)
    assert parts[0].endswith("\n```")
    assert Z not in parts[0]


def test_choices_are_numbered_and_can_be_taken_away() -> None:
    [body] = text.bodies(message("Go on?", buttons=CHOICES, heading="devbox · api"), PRIVATE)

    assert body.startswith("**devbox · api**\n\nGo on?\n\n")
    assert "1. Allow\n2. Deny it\n\nChoose with a comment: `@pointsman 1`" in body
    assert text.without_options(f"{body}\n\n<!-- pm:1 -->") == "**devbox · api**\n\nGo on?\n\n<!-- pm:1 -->"


@pytest.mark.parametrize(("buttons", "says"), [(CHOICES, "Waits"), ((), "answered")])
def test_in_public_a_question_shows_nothing_of_what_is_asked(buttons: tuple[Button, ...], says: str) -> None:
    asked = message("May it run rm -rf /srv?", kind=Kind.QUESTION, buttons=buttons, heading="devbox · api",
                    session_label="api")  # fmt: skip
    [public], [private] = text.question(asked, PUBLIC), text.question(asked, PRIVATE)

    assert says in public
    assert not any(each in public for each in ("rm", "srv", "devbox", "Allow", "1."))
    assert "rm -rf" in private


@pytest.mark.parametrize(
    ("content", "shown"),
    [(b"a ``` b\n", "````\na ``` b\n\n````"), (b"\xff\xfe", "log.txt, 2 bytes, is not shown"), (b"\0", "is not shown")],
)
def test_a_file_is_text_that_unfolds_or_a_word_about_it(content: bytes, shown: str) -> None:
    [body] = text.bodies(message("here", files=(OutgoingFile("log.txt", len(content), lambda: (content,)),)), PRIVATE)

    assert shown in body
    assert body.startswith("here\n\n")


def test_markers_are_hidden_and_differ() -> None:
    found = {text.marker("0b1c-2", 0), text.marker("0b1c-2", 1), text.marker("<!-- x -->", 0), text.marker("", 0)}

    assert len(found) == 4
    assert all(each.startswith("<!-- pm:") and each.count("-->") == 1 for each in found)
