"""The change from one text to another, in lines. Pure."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

CONTEXT = 3  # lines around what is changed
_COMPARED = 1_000_000  # pairs of lines; beyond them all that is between the first and the last change is one change
_NO_END = "\n\\ No newline at end of file"  # as diff has it
_UNSEEN = re.compile(r"[\ud800-\udfff]")  # half a character: legal JSON, and nowhere else


def unified(path: str, old: str | None, new: str, *, heading: str | None = None) -> str:
    """The change from one text to another; None is no file. Empty where they are the same.

    With a `heading` the texts are parts of a file, and their ends are not its end.
    """
    before, after = [] if old is None else _split(old, heading is None), _split(new, heading is None)
    source = ("/dev/null" if old is None else path) if heading is None else heading
    hunks = list(_hunks(before, after))
    if not hunks:
        return ""
    head = [f"--- {source}", f"+++ {path}"] if source else []
    return sound("\n".join([*head, *(line for hunk in hunks for line in hunk)]))


def sound(text: str) -> str:
    """Without what no text can hold."""
    return _UNSEEN.sub("?", text)


def _split(text: str, is_whole: bool) -> list[str]:  # noqa: FBT001 -- as `unified` knows it
    lines = text.split("\n")
    if lines[-1]:
        lines[-1] += _NO_END if is_whole else ""
        return lines
    return lines[:-1] if is_whole else lines


def _hunks(old: list[str], new: list[str]) -> Iterator[list[str]]:
    start, end = _same_around(old, new)
    first = max(0, start - CONTEXT)
    last_old, last_new = min(len(old), len(old) - end + CONTEXT), min(len(new), len(new) - end + CONTEXT)
    before, after = old[first:last_old], new[first:last_new]
    for group in _groups(before, after, start - first, max(0, end - (len(old) - last_old))):
        (_, a, _, c, _), (_, _, b, _, d) = group[0], group[-1]
        if all(tag == "equal" for tag, *_ in group):
            continue
        yield [
            f"@@ -{_span(first + a, b - a)} +{_span(first + c, d - c)} @@",
            *(line for operation in group for line in _lines(operation, before, after)),
        ]


def _groups(before: list[str], after: list[str], start: int, end: int) -> list[list[tuple[str, int, int, int, int]]]:
    if len(before) * len(after) <= _COMPARED:
        return [list(group) for group in SequenceMatcher(None, before, after).get_grouped_opcodes(CONTEXT)]
    inner_old, inner_new = len(before) - end, len(after) - end
    return [
        [
            ("equal", 0, start, 0, start),
            ("replace", start, inner_old, start, inner_new),
            ("equal", inner_old, len(before), inner_new, len(after)),
        ]
    ]


def _lines(operation: tuple[str, int, int, int, int], before: list[str], after: list[str]) -> Iterator[str]:
    tag, a, b, c, d = operation
    if tag == "equal":
        yield from (f" {line}" for line in before[a:b])
        return
    yield from (f"-{line}" for line in before[a:b])
    yield from (f"+{line}" for line in after[c:d])


def _same_around(old: list[str], new: list[str]) -> tuple[int, int]:
    """How many lines are the same at the beginning, and at the end behind those."""
    most = min(len(old), len(new))
    start = next((at for at in range(most) if old[at] != new[at]), most)
    end = next((at for at in range(most - start) if old[-1 - at] != new[-1 - at]), most - start)
    return start, end


def _span(start: int, length: int) -> str:
    return f"{start + 1 if length else start},{length}"
