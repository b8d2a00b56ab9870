"""Renders random and hostile texts and asks Telegram's own parser: `python -m tests.soak.texts`.

Each text must parse, and come out as it went in; as Markdown, too, as it is meant to be seen.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tests.fakes.entity_oracle import Refused, parsed
from webhook_adapter.transports.telegram.outbound.code_blocks import shown
from webhook_adapter.transports.telegram.outbound.format import FilePart, Part, is_blank, parts
from webhook_adapter.transports.transport import ChatRef, Kind, Outgoing

PIECES = (
    *"<>&\"'/;#x3b \n\\_*[]()~`>+-=|{}.!aé😀\u200d\u202e\t\r\x00\x0b\u2028\u00a0",
    "&lt;", "&amp;amp;", "&#60;", "&#x110000;", "&nbsp;", "<b>", "</b>", "<pre>", "</code></pre>", "<tg-spoiler>",
    "<a href=\"x\">", "<!-- ", "]]>", "<b", "</", "```", "```python\n", "\n```\n", "```<script>\n", "``", "**bold**",
    "diff --git a/x b/x\n", "@@ -1,2 +1,2 @@\n", "+<b>\n", "-&lt;\n", "--- a\n+++ b\n", "C:\\new_dir", "snake_case*",
    "👩🏽‍💻", "世界", "مرحبا", "e\u0301", "\U000e0001", "\ufeff", "\ufffd", "word ", "x" * 300, "ß" * 70,
    "\n\n\n", " " * 40,
)  # fmt: skip
LENGTHS = (1, 3, 10, 40, 200, 1_200)  # pieces in a text; the longest make several messages, or a file


class Wrong(Exception):
    """A text was not shown as it is."""


def texts(count: int, seed: int) -> Iterator[str]:
    """So many texts, the same for the same seed."""
    rng = random.Random(seed)
    for _ in range(count):
        length = rng.randint(1, rng.choice(LENGTHS))
        yield "".join(rng.choice(PIECES) if rng.random() < 0.9 else _any(rng) for _ in range(length))


def check(text: str) -> int:
    """Render a text and let Telegram read it; how many messages it made. Raises Wrong."""
    message = Outgoing(ChatRef("1"), text, "devbox · <api> & co", kind=Kind.PROGRESS)
    made = parts(message)
    for part in (*made, *parts(replace(message, is_markdown=True))):
        _check_part(part, text)
    if not isinstance(made[0], FilePart) and _visible(_inner(made)) != _visible(shown(text).text):
        raise Wrong("the messages together are not the text")
    if "```" not in text and shown(text).text != text:
        raise Wrong("a text without fences was changed")
    return len(made)


def check_all(count: int, seed: int) -> int:
    """Check so many texts; how many messages they made. Raises Wrong at the first that is."""
    messages = 0
    for number, text in enumerate(texts(count, seed)):
        try:
            messages += check(text)
        except Wrong as wrong:
            raise Wrong(f"text {number} of seed {seed}: {wrong}\n{text!r}") from None
    return messages


def _check_part(part: Part, text: str) -> None:
    try:
        read = parsed(part.html).text
    except Refused as refused:
        raise Wrong(str(refused)) from None
    if read != part.plain:
        raise Wrong(f"{read!r} is not {part.plain!r}")
    if isinstance(part, FilePart) and b"".join(part.file.parts()) != text.encode():
        raise Wrong("the file is not the text")


def _inner(made: Sequence[Part]) -> str:
    """What stands below the heading."""
    whole = "".join(part.plain for part in made)
    return whole.removeprefix("devbox · <api> & co")


def _visible(text: str) -> str:
    return "".join(character for character in text if not is_blank(character))


def _any(rng: random.Random) -> str:
    """Any character there is, but for halves of pairs, which no valid text holds."""
    begin, end = rng.choice(((0, 0x80), (0, 0x800), (0, 0xD800), (0xE000, 0x110000)))
    return chr(rng.randrange(begin, end))


def main(arguments: Sequence[str] | None = None) -> int:
    """Check them all; say how many, or the first that went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.texts", description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        messages = check_all(options.count, options.seed)
    except Wrong as wrong:
        print(wrong)
        return 1
    took = time.monotonic() - began
    print(f"{options.count} texts, {messages} messages: all parsed and unchanged ({took:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
