"""Markdown as coding agents write it, for a chat: headings, lists, quotes, tables, code. What it cannot show, it says.

Lists get bullets, tables stand in a fixed width with their columns aligned, headings are bold. HTML is no markup here.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from webhook_adapter.transports.telegram.outbound.inline_marks import inline
from webhook_adapter.transports.telegram.outbound.spans import Marked, Span

_FENCE = re.compile(r" {0,9}(`{3,}|~{3,})[ \t]*([\w+#.-]{0,30})[^`]*")
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(.*?)[ \t]*(?:[ \t]#+[ \t]*)?")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})")
_ITEM = re.compile(r"([ \t]*)([-*+]|\d{1,9}[.)])[ \t]+(?:\[([ xX])\][ \t]+)?(.*)")
_QUOTE = re.compile(r" {0,3}> ?(.*)")
_DIVIDER = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_CELL = re.compile(r"(?<!\\)\|")
_LINE = "———"
_WIDEST = 60  # columns of a cell's characters; a phone shows some thirty, and lets one scroll


@dataclass(slots=True)
class _Page:
    """What is written so far."""

    pieces: list[str] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    length: int = 0

    def add(self, text: str, spans: Sequence[Span] = ()) -> None:
        """Write a line, or several."""
        if self.pieces:
            self._append("\n")
        self.spans += [Span(self.length + s.begin, self.length + s.end, s.tag, s.more) for s in spans]
        self._append(text)

    def within(self, tag: str, text: str, more: str = "") -> None:
        """Write lines that are marked as a whole; without anything to see no mark is taken."""
        self.add(text, [Span(0, len(text), tag, more)] if text.strip() else ())

    def _append(self, text: str) -> None:
        self.pieces.append(text)
        self.length += len(text)


def rendered(text: str) -> Marked:
    """A text as people see it, and what is marked in it."""
    page = _Page()
    _blocks(page, text.split("\n"), quoted=False)
    return Marked("".join(page.pieces), tuple(page.spans))


def _blocks(page: _Page, lines: Sequence[str], *, quoted: bool) -> None:
    at = 0
    while at < len(lines):
        line = lines[at]
        if fence := _FENCE.fullmatch(line):
            at = _code(page, lines, at, fence[1], fence[2])
        elif _is_table(lines, at):
            at = _table(page, lines, at)
        elif not quoted and _QUOTE.fullmatch(line):
            at = _quote(page, lines, at)
        else:
            at = _words(page, lines, at)


def _code(page: _Page, lines: Sequence[str], at: int, fence: str, language: str) -> int:
    end = at + 1
    while end < len(lines) and not _closes(lines[end], fence):
        end += 1
    page.within("pre", "\n".join(lines[at + 1 : end]), language)
    return end + 1  # whoever never closes it meant all that follows


def _closes(line: str, fence: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(fence) and bare == fence[0] * len(bare)


def _quote(page: _Page, lines: Sequence[str], at: int) -> int:
    inside, end = _Page(), at
    said: list[str] = []
    while end < len(lines) and (quote := _QUOTE.fullmatch(lines[end])):
        inner = quote[1]
        while deeper := _QUOTE.fullmatch(inner):  # quotes within quotes there are none
            inner = deeper[1]
        said.append(inner)
        end += 1
    _blocks(inside, said, quoted=True)
    text = "".join(inside.pieces)
    whole = [Span(0, len(text), "blockquote")] if text.strip() else []
    page.add(text, [*whole, *inside.spans])
    return end


def _is_table(lines: Sequence[str], at: int) -> bool:
    if "|" not in lines[at] or at + 1 >= len(lines):
        return False
    divider = lines[at + 1]
    return "|" in divider and _DIVIDER.fullmatch(divider) is not None


def _table(page: _Page, lines: Sequence[str], at: int) -> int:
    end = at + 2
    while end < len(lines) and "|" in lines[end] and lines[end].strip():
        end += 1
    rows = [_cells(line) for line in (lines[at], *lines[at + 2 : end])]
    widths = [max(_width(row[n]) if n < len(row) else 0 for row in rows) for n in range(max(map(len, rows)))]
    shown = [" │ ".join(_padded(cell, min(widths[n], _WIDEST)) for n, cell in enumerate(row)).rstrip() for row in rows]
    rule = "─┼─".join("─" * min(width, _WIDEST) for width in widths)
    page.within("pre", "\n".join([shown[0], rule, *shown[1:]]))
    return end


def _cells(line: str) -> list[str]:
    bare = line.strip()
    bare = bare.removeprefix("|")
    if bare.endswith("|") and not bare.endswith("\\|"):
        bare = bare[:-1]
    return [inline(cell.replace("\\|", "|").strip()).text for cell in _CELL.split(bare)[:20]]


def _padded(text: str, width: int) -> str:
    return text + " " * max(0, width - _width(text))


def _width(text: str) -> int:
    """How many columns it takes where all letters are as wide."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def _words(page: _Page, lines: Sequence[str], at: int) -> int:
    line = lines[at]
    if heading := _HEADING.fullmatch(line):
        seen = inline(heading[1])
        page.add(seen.text, [Span(0, len(seen.text), "b"), *seen.spans] if seen.text.strip() else seen.spans)
        return at + 1
    if _RULE.fullmatch(line):
        page.add(_LINE)
        return at + 1
    if item := _ITEM.fullmatch(line):
        sign = "•" if item[2] in "-*+" else item[2]
        box = {"": "", " ": "☐ "}.get(item[3] or "", "☑ ")
        lead = f"{item[1].expandtabs(4)}{'' if box and sign == '•' else f'{sign} '}{box}"
        seen = inline(item[4])
        page.add(lead + seen.text, list(_moved(seen.spans, len(lead))))
        return at + 1
    end = at + 1
    # One paragraph: what is marked in it may go over its lines.
    while end < len(lines) and lines[end].strip() and lines[end - 1].strip() and not _begins(lines, end):
        end += 1
    seen = inline("\n".join(lines[at:end]))
    page.add(seen.text, seen.spans)
    return end


def _begins(lines: Sequence[str], at: int) -> bool:
    kinds = (_FENCE, _HEADING, _RULE, _ITEM, _QUOTE)
    return any(kind.fullmatch(lines[at]) for kind in kinds) or _is_table(lines, at)


def _moved(spans: Sequence[Span], by: int) -> Iterator[Span]:
    return (Span(span.begin + by, span.end + by, span.tag, span.more) for span in spans)
