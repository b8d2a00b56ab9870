"""Markdown within a paragraph: emphasis, code, links. In time that grows with the text, whatever it holds."""

import re
import unicodedata
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from webhook_adapter.transports.telegram.outbound.spans import Marked, Span

_LINK = re.compile(
    r"!?\[((?:[^\[\]\\]|\\.){0,1000})\]"
    r"\([ \t]*<?([^\s()<>]{0,2000}(?:\([^\s()<>]{0,200}\)[^\s()<>]{0,200})?)>?(?:[ \t]+\"[^\"\n]{0,200}\")?[ \t]*\)",
    re.DOTALL,
)
_ADDRESS = re.compile(r"<(https?://[^\s<>]{1,2000})>")
_OPENS_PAGE = re.compile(r"(?:https?://|mailto:)[^\s]", re.IGNORECASE)
_SPECIAL = re.compile(r"[\\`\[!<*_~]")
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_TICKS = re.compile(r"`+")


@dataclass(slots=True)
class _Run:
    """Characters that may begin or end emphasis. `piece` is where they stand among the pieces."""

    piece: int
    mark: str
    length: int
    opens: bool
    closes: bool
    left: int  # those that mark nothing yet


@dataclass(slots=True)
class _Parts:
    """What was read: pieces of text, runs among them, and spans between pieces."""

    pieces: list[str] = field(default_factory=list)
    runs: list[_Run] = field(default_factory=list)
    spans: list[tuple[int, int, str, str]] = field(default_factory=list)  # first piece, behind the last, tag, more


def inline(text: str, *, links: bool = True) -> Marked:
    """A paragraph without its marks, and what they mean. `links`: else brackets are as they stand."""
    parts, at, no_closer = _Parts(), 0, set[int]()
    while at < len(text):
        special = _SPECIAL.search(text, at)
        if special is None:
            break
        if special.start() > at:
            parts.pieces.append(text[at : special.start()])
        at = _take(parts, text, special.start(), no_closer, links=links)
    parts.pieces.append(text[at:])
    emphasis = _emphasis(parts)
    return _assembled(parts, emphasis)


def _take(parts: _Parts, text: str, at: int, no_closer: set[int], *, links: bool) -> int:
    """Read what begins with a special character; where to go on."""
    sign = text[at]
    if sign == "\\" and text[at + 1 : at + 2] in _PUNCTUATION and at + 1 < len(text):
        parts.pieces.append(text[at + 1])
        return at + 2
    if sign == "`":
        return _code(parts, text, at, no_closer)
    if sign in "[!" and links and (link := _LINK.match(text, at)):
        _link(parts, link[1], link[2])
        return link.end()
    if sign == "<" and (address := _ADDRESS.match(text, at)):
        parts.pieces.append(address[1])
        return address.end()
    if sign in "*_~":
        return _run(parts, text, at)
    parts.pieces.append(sign)
    return at + 1


def _code(parts: _Parts, text: str, at: int, no_closer: set[int]) -> int:
    ticks = _TICKS.match(text, at)
    assert ticks is not None  # noqa: S101 -- there stands one
    length, begin = len(ticks[0]), ticks.end()
    if length not in no_closer:
        for closing in _TICKS.finditer(text, begin):
            if len(closing[0]) == length:
                code = text[begin : closing.start()]
                padded = code.startswith(" ") and code.endswith(" ") and code.strip()
                parts.spans.append((len(parts.pieces), len(parts.pieces) + 1, "code", ""))
                parts.pieces.append(code[1:-1] if padded else code)
                return closing.end()
        no_closer.add(length)  # nor is there one for the next: it is not looked for again
    parts.pieces.append(ticks[0])
    return begin


def _link(parts: _Parts, label: str, address: str) -> None:
    seen = inline(label, links=False)
    first = len(parts.pieces)
    # The label's own marks, by its pieces.
    edges = sorted({0, len(seen.text)} | {at for span in seen.spans for at in (span.begin, span.end)})
    place = {at: first + number for number, at in enumerate(edges)}
    parts.pieces += [seen.text[begin:end] for begin, end in pairwise(edges)]
    parts.spans += [(place[span.begin], place[span.end], span.tag, span.more) for span in seen.spans]
    if _OPENS_PAGE.match(address):
        if not seen.text.strip():
            parts.pieces.append(address)
        parts.spans.append((first, len(parts.pieces), "a", address))
    elif address and address != seen.text:
        parts.pieces.append(f" ({address})" if seen.text else address)


def _run(parts: _Parts, text: str, at: int) -> int:
    mark, end = text[at], at
    while end < len(text) and text[end] == mark:
        end += 1
    before, after = text[at - 1 : at], text[end : end + 1]
    opens, closes = _flanks(before, after), _flanks(after, before)
    if mark == "_":  # within a word it is a part of the word
        opens, closes = (
            opens and (not closes or _is_punctuation(before)),
            closes and (not opens or _is_punctuation(after)),
        )
    length = end - at
    if mark != "~" or length == 2:
        parts.runs.append(_Run(len(parts.pieces), mark, length, opens, closes, length))
    parts.pieces.append(text[at:end])
    return end


def _flanks(outside: str, inside: str) -> bool:
    """Whether what is inside begins at a run that stands behind what is outside."""
    if not inside or inside.isspace():
        return False
    return not _is_punctuation(inside) or not outside or outside.isspace() or _is_punctuation(outside)


def _is_punctuation(character: str) -> bool:
    return bool(character) and (character in _PUNCTUATION or unicodedata.category(character).startswith("P"))


def _emphasis(parts: _Parts) -> list[tuple[_Run, _Run, str]]:
    """Which runs belong together, as CommonMark says it; a kind that found no opener does not look below again."""
    found: list[tuple[_Run, _Run, str]] = []
    openers: list[_Run] = []
    bottoms: dict[tuple[str, bool, int], int] = {}
    for run in parts.runs:
        while run.closes and run.left:
            kind = (run.mark, run.opens, run.length % 3)
            at = _opener(openers, run, bottoms.get(kind, 0))
            if at is None:
                bottoms[kind] = len(openers)
                break
            opener = openers[at]
            both = 2 if min(opener.left, run.left) >= 2 else 1
            found.append((opener, run, {"~": "s"}.get(run.mark, "b" if both == 2 else "i")))
            opener.left, run.left = opener.left - both, run.left - both
            del openers[at + bool(opener.left) :]
            bottoms = {each: min(bottom, len(openers)) for each, bottom in bottoms.items()}
        if run.opens and run.left:
            openers.append(run)
    return found


def _opener(openers: list[_Run], closer: _Run, bottom: int) -> int | None:
    for at in range(len(openers) - 1, bottom - 1, -1):
        opener = openers[at]
        if opener.mark != closer.mark:
            continue
        # A run that could be either does not end one that its length does not fit.
        either = opener.closes or closer.opens
        if not (either and (opener.length + closer.length) % 3 == 0 and (opener.length % 3 or closer.length % 3)):
            return at
    return None


def _assembled(parts: _Parts, emphasis: list[tuple[_Run, _Run, str]]) -> Marked:
    for run in parts.runs:
        parts.pieces[run.piece] = run.mark * run.left
    places = list(accumulate(map(len, parts.pieces), initial=0))
    spans = [Span(places[first], places[last], tag, more) for first, last, tag, more in parts.spans]
    spans += [Span(places[opener.piece + 1], places[closer.piece], tag) for opener, closer, tag in emphasis]
    return Marked("".join(parts.pieces), tuple(span for span in spans if span.begin < span.end))
