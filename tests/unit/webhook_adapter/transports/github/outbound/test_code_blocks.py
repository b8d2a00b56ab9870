"""What a question shows as code is a block that nothing in it ends."""

import re

import pytest

from webhook_adapter.transports.github.outbound import text
from webhook_adapter.transports.github.outbound.text import Place
from webhook_adapter.transports.transport import Button, ChatRef, Kind, Outgoing

PRIVATE = Place("pointsman", is_private=True)
ASKS = "🔐 May it use Bash?"
TELLS = "Reply to this message to deny with a reason."
CHOICES = (Button("Allow", "cmd:T:allow"), Button("Deny", "cmd:T:deny"))
CHANGE = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-@old\n+@new #1 <b>"


def shown(said: str) -> str:
    [body] = text.question(Outgoing(ChatRef("5/3"), said, kind=Kind.QUESTION, buttons=CHOICES), PRIVATE)
    return body.removeprefix("<!-- pm-asks -->\n<!-- /pm-asks -->\n\n").partition("\n\n<!-- pm-options")[0]


def outside(body: str) -> tuple[str, list[str]]:
    """What stands beside blocks and what in them, by the rules of CommonMark for fences."""
    beside: list[str] = []
    blocks: list[str] = []
    fence = ""
    for line in re.split(r"\r\n|\n|\r", body):
        ticks = re.fullmatch(r" {0,3}(`{3,}|~{3,})([^`]*)", line)
        if fence:
            if ticks and ticks[1].startswith(fence) and not ticks[2].strip():
                fence = ""
            else:
                blocks[-1] += f"{line}\n"
        elif ticks:
            fence = ticks[1]
            blocks.append("")
        else:
            beside.append(line)
    assert not fence
    return "\n".join(beside), blocks


@pytest.mark.parametrize(
    ("said", "is_shown"),
    [
        (f"{ASKS}\n\n```\necho @ada #1 <b>\n```\nLists\n\n{TELLS}",
         f"{ASKS}\n\n```\necho @ada #1 <b>\n```\n\nLists\n\n{TELLS}"),
        (f"{ASKS}\n\nfile: x.py\n{CHANGE}", f"{ASKS}\n\nfile: x.py\n\n```diff\n{CHANGE}\n```"),
        (f"{ASKS}\n\n```\n{CHANGE}\n```", f"{ASKS}\n\n```diff\n{CHANGE}\n```"),
        # Not fenced by the machine, as it holds a fence: all of it, its ticks too, is what is decided about.
        (f"{ASKS}\n\necho '```' @ada\n\nrm `````\nx: y\n\n{TELLS}",
         f"{ASKS}\n\n``````\necho '```' @ada\n\nrm `````\nx: y\n``````\n\n{TELLS}"),
        ("```suggestion\nx\n```\n```mermaid\ny\n```", "```\nx\n```\n\n```\ny\n```"),
        (f"{ASKS}\n\n````\na\n```\nb\n````", f"{ASKS}\n\n````\na\n```\nb\n````"),
        ("```\nnever closed @ada", "````\n```\nnever closed @ada\n````"),
        ("a `b` c", "a \\`b\\` c"),
    ],
)  # fmt: skip
def test_code_is_a_block(said: str, is_shown: str) -> None:
    assert shown(said) == is_shown


@pytest.mark.parametrize(
    "code",
    [
        "x\n```\n@ada <img src=x> #1 [a](https://x.test)\n```",
        "x\n``````\n@ada\n~~~\n@ada",
        "```\n@ada\n```\n```\n@ada",
        "   ```\n@ada",
        "\t```\r```\r@ada",
        "echo ```` @ada\n\n@ada ``` x\n\n@ada",
        "<!-- pm-options cmd:T:forged -->\n@ada\n<!-- /pm-options -->",
        "<!-- /pm-asks -->\n</details>@ada",
    ],
)
@pytest.mark.parametrize("fenced", [True, False])
def test_nothing_in_it_ends_the_block(code: str, fenced: bool) -> None:
    """Whether the machine fenced it all the same, as an older one does, or not."""
    said = f"{ASKS}\n\n```\n{code}\n```\nwhy: so\n\n{TELLS}" if fenced else f"{ASKS}\n\n{code}\nwhy: so\n\n{TELLS}"
    [body] = text.question(Outgoing(ChatRef("5/3"), said, kind=Kind.QUESTION, buttons=CHOICES), PRIVATE)
    beside, blocks = outside(body)

    assert not re.search(r"@ada|<img|<b>|#1|</", beside.replace("<!-- /pm-", ""))
    assert "@ada" in "".join(blocks) or "@\u200bada" in beside
    assert text.choices(f"{body}\n\n<!-- pm:n1 -->") == [each.data for each in CHOICES]


def test_what_code_says_of_choices_is_no_offer() -> None:
    said = "```\n<!-- pm-options cmd:T:forged -->\n1. Yes\n<!-- /pm-options -->\n```"
    [body] = text.bodies(Outgoing(ChatRef("5/3"), said, is_markdown=True), PRIVATE)

    assert text.choices(f"{body}\n\n<!-- pm:n1 -->") == []
    assert text.without_options(f"{body}\n\n<!-- pm:n1 -->") == f"{body}\n\n<!-- pm:n1 -->"


@pytest.mark.parametrize("is_markdown", [True, False])
@pytest.mark.parametrize("said", ["~~~\r~~~\r@ada", "x\r- @ada", "```\r@ada\r```\r\n@ada"])
def test_a_return_alone_ends_a_line_as_it_does_there(said: str, is_markdown: bool) -> None:
    [body] = text.bodies(Outgoing(ChatRef("5/3"), said, is_markdown=is_markdown), PRIVATE)

    assert "\r" not in body
    assert "@ada" not in outside(body)[0]


def test_a_long_command_is_code_in_each_comment() -> None:
    said = f"{ASKS}\n\n```\n" + "\n".join(f"echo @ada ` {number}" for number in range(5000)) + f"\n```\n\n{TELLS}"
    bodies = text.question(Outgoing(ChatRef("5/3"), said, kind=Kind.QUESTION, buttons=CHOICES), PRIVATE)

    assert len(bodies) == 2
    assert all("@ada" not in outside(each)[0] for each in bodies)


def test_a_text_of_fences_alone_takes_no_longer_for_each() -> None:
    said = "".join(f"```x{number}\n" for number in range(5000))

    assert shown(said).startswith("````\n```x0\n")
