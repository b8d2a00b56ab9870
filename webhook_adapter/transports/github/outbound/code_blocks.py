"""Code in a plain text, as blocks that nothing in them ends: there GitHub calls nobody, links nothing, takes no HTML.

Machines put commands and changes of files between fences of three backticks, and leave those away where the code has
such itself. So a fence here is longer than any in the text, and what has backticks beside the fences is a block, too.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_OPENS = re.compile(r"(`{3,})([\w+#.-]{0,30})[ \t]*")
# Only what git and diff write begins one: prose with a dash in front is none.
_DIFF = re.compile(
    r"^(?:diff --git .+|--- .+\n\+\+\+ .+|@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@.*)"
    r"(?:\n(?:[ +\\@-].*|diff --git .+|index .+|(?:new|deleted) file .+|(?:old|new) mode .+|(?:rename|copy) .+"
    r"|similarity .+|Binary files .+))*",
    re.MULTILINE,
)
_TICKS = re.compile(r"`+")
_RUN = "```"
_CHANGE = "diff"


@dataclass(frozen=True, slots=True)
class _Part:
    words: str
    is_code: bool = False
    language: str = ""


def fenced(text: str, language: str = "") -> str:
    """Code, whatever stands in it."""
    ticks = "`" * max(3, 1 + max(map(len, _TICKS.findall(text)), default=0))
    return f"{ticks}{language}\n{text}\n{ticks}"


def with_blocks(text: str, plain: Callable[[str], str]) -> str:
    """The text with its code in blocks; `plain` makes Markdown of what is none."""
    return "\n\n".join(
        fenced(each.words, each.language) if each.is_code else plain(each.words) for each in _parts(text)
    )


def _parts(text: str) -> Iterator[_Part]:
    """In order, without the fences."""
    lines = text.split("\n")
    ends: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(lines):
        if (bare := line.rstrip(" \t")).startswith(_RUN) and not bare.strip("`"):
            ends[bare].append(number)
    at = number = 0
    while number < len(lines):
        opens = _OPENS.fullmatch(lines[number])
        closing = ends[opens[1]] if opens else []
        following = bisect_right(closing, number + 1)
        if opens is None or following == len(closing):
            number += 1
            continue
        yield from _unfenced("\n".join(lines[at:number]))
        yield _code("\n".join(lines[number + 1 : closing[following]]), opens[2])
        at = number = closing[following] + 1
    yield from _unfenced("\n".join(lines[at:]))


def _code(words: str, language: str) -> _Part:
    # A drawing or a suggestion would become more than words: only changes of files are named.
    return _Part(words, is_code=True, language=_CHANGE if language == _CHANGE or _DIFF.match(words) else "")


def _unfenced(text: str) -> Iterator[_Part]:
    """Words between fences, with the changes of files that stand there without any."""
    at = 0
    for change in () if _RUN in text else _DIFF.finditer(text):
        yield from _prose(text[at : change.start()])
        yield _code(change[0], _CHANGE)
        at = change.end()
    yield from _prose(text[at:])


def _prose(text: str) -> Iterator[_Part]:
    """Paragraphs; from the first with a fence in it to the last they are the code that a machine could not fence."""
    paragraphs = text.strip("\n").split("\n\n")
    ticked = [number for number, each in enumerate(paragraphs) if _RUN in each]
    first, last = (ticked[0], ticked[-1] + 1) if ticked else (len(paragraphs), len(paragraphs))
    found = (_Part("\n\n".join(paragraphs[:first])), _Part("\n\n".join(paragraphs[first:last]), is_code=True))
    yield from (each for each in (*found, _Part("\n\n".join(paragraphs[last:]))) if each.words)
