"""A text as people see it, with what is marked in it, as Telegram's HTML: whole, or a piece that a cut made."""

from dataclasses import dataclass
from html import escape
from itertools import pairwise

_ALONE = ("pre", "code")  # within these nothing else may be marked
_ORDER = ("blockquote", "a", "b", "i", "s")  # from the outside


@dataclass(frozen=True, slots=True)
class Span:
    """From where to where a mark goes. `more`: a link's address, or the language of code."""

    begin: int
    end: int
    tag: str
    more: str = ""


@dataclass(frozen=True, slots=True)
class Marked:
    """The text, and its marks in any order; they may overlap."""

    text: str
    spans: tuple[Span, ...] = ()

    def html(self, begin: int, end: int) -> str:
        """A piece of it. What a cut goes through is marked on both sides."""
        inside = [span for span in self.spans if max(span.begin, begin) < min(span.end, end)]
        edges = sorted({begin, end} | {at for span in inside for at in (span.begin, span.end) if begin < at < end})
        starting = sorted(inside, key=lambda span: span.begin, reverse=True)
        pieces: list[str] = []
        active: list[Span] = []
        open_now: list[Span] = []
        for first, last in pairwise(edges):
            active = [span for span in active if span.end > first]
            while starting and starting[-1].begin <= first:
                active.append(starting.pop())
            wanted = _nested([span for span in active if span.end > first])
            _change(pieces, open_now, wanted)
            open_now = wanted
            pieces.append(escape(self.text[first:last]))
        _change(pieces, open_now, [])
        return "".join(pieces)


def _nested(active: list[Span]) -> list[Span]:
    """The marks that hold at a place, the outermost first, of each kind one."""
    by_tag = {span.tag: span for span in reversed(active)}
    alone = next((by_tag[tag] for tag in _ALONE if tag in by_tag), None)
    if alone is not None:
        return [*([by_tag["blockquote"]] if "blockquote" in by_tag else []), alone]
    return [by_tag[tag] for tag in _ORDER if tag in by_tag]


def _change(pieces: list[str], before: list[Span], after: list[Span]) -> None:
    same = 0
    while same < min(len(before), len(after)) and before[same] is after[same]:
        same += 1
    pieces += [_closing(span) for span in reversed(before[same:])]
    pieces += [_opening(span) for span in after[same:]]


def _opening(span: Span) -> str:
    match span.tag:
        case "a":
            return f'<a href="{escape(span.more)}">'
        case "pre" if span.more:
            return f'<pre><code class="language-{escape(span.more)}">'
    return f"<{span.tag}>"


def _closing(span: Span) -> str:
    return "</code></pre>" if span.tag == "pre" and span.more else f"</{span.tag}>"
