"""From a plain message to what Telegram takes: escaped HTML in parts that fit, buttons, a file where it is too long."""

import unicodedata
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from webhook_adapter.transports.telegram.outbound.code_blocks import shown
from webhook_adapter.transports.telegram.outbound.markdown import rendered
from webhook_adapter.transports.telegram.outbound.spans import Marked
from webhook_adapter.transports.transport import Button, Outgoing, OutgoingFile

PART_UNITS = 4000
"""UTF-16 units in one part. Telegram takes 4096 characters, which some count in code points and some in units."""
MOST_PARTS = 5
"""A longer text comes as a file: nobody reads six messages in a row on a phone, and they spend the chat's budget."""
CALLBACK_DATA_BYTES = 64
_CAPTION_UNITS = 1000  # sendDocument takes 1024 characters
_LAST_WORDS_UNITS = 1000  # beside a file with everything: about one screen of a phone
_LABEL_LENGTH = 64
# Characters of labels that a phone shows side by side; Telegram takes 8 in a row and 100 in all, undocumented.
_ROW_LENGTH, _ROW_BUTTONS, _MOST_BUTTONS = 28, 4, 100
_BLANK = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class TextPart:
    """One message. `plain` is for the case that Telegram does not take the markup."""

    html: str
    plain: str
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file of the message, or all of its text as one; the caption like a TextPart's text, or empty."""

    file: OutgoingFile
    html: str = ""
    plain: str = ""
    buttons: tuple[Button, ...] = ()


Part = TextPart | FilePart


@dataclass(frozen=True, slots=True)
class _Frame:
    """What stands around the text: a heading above the first part.

    No way to answer below the last: a reply works wherever a person can write to the bot, and where nobody can (a
    channel) a `/cmd TOKEN` would not arrive either.
    """

    heading: str

    @property
    def first_units(self) -> int:
        return PART_UNITS - (units(self.heading) + 1 if self.heading else 0)

    def part(self, text: str, marked: str, *, first: bool, last: bool, buttons: tuple[Button, ...]) -> TextPart:
        """One message; `marked` is the text as HTML."""
        heading = self.heading if first else ""
        html = (f"<b>{escape(heading)}</b>" if heading else "", marked)
        plain = (heading, text)
        return TextPart("\n".join(filter(None, html)), "\n".join(filter(None, plain)), buttons if last else ())


def units(text: str) -> int:
    """Length in UTF-16 units, as Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parts(message: Outgoing) -> list[Part]:
    """The messages to send for one message, in order; at least one. Buttons stand under the last."""
    words = _words(message)
    if not message.files:
        return words
    first, *others = [FilePart(file) for file in message.files]
    if len(words) == 1 and units(words[0].plain) <= _CAPTION_UNITS:
        first, words = replace(first, html=words[0].html, plain=words[0].plain), []
    bring: list[Part] = [*(replace(each, buttons=()) for each in words), first, *others]
    return [*bring[:-1], replace(bring[-1], buttons=message.buttons)]


def _words(message: Outgoing) -> list[Part]:
    """The text alone."""
    frame, seen = _frame(message), _seen(message, message.text)
    cuts = _cuts(seen.text, frame.first_units, PART_UNITS)
    if len(cuts) > MOST_PARTS:
        return _as_document(message, frame)
    if not cuts:
        # Telegram refuses an empty message, and its buttons may matter all the same.
        text = "" if message.heading else "(no text)"
        return [frame.part(text, text, first=True, last=True, buttons=message.buttons)]
    last = len(cuts) - 1
    return [
        frame.part(
            seen.text[begin:end],
            seen.html(begin, end),
            first=number == 0,
            last=number == last,
            buttons=message.buttons,
        )
        for number, (begin, end) in enumerate(cuts)
    ]


def _seen(message: Outgoing, text: str) -> Marked:
    """A text as people see it: plain, but for code and diffs, unless its writer says that it is Markdown."""
    return rendered(text) if message.is_markdown else shown(text)


def _frame(message: Outgoing) -> _Frame:
    return _Frame(_head(message.heading, _CAPTION_UNITS))


def _as_document(message: Outgoing, frame: _Frame) -> list[Part]:
    """A file with everything, then the last words with the buttons under them."""
    seen = _seen(message, message.text) if message.is_markdown else Marked(message.text)
    tail = _tail(seen.text, _LAST_WORDS_UNITS)
    caption = frame.part("", "", first=True, last=False, buttons=())
    content = message.text.encode()
    name = "message.md" if message.is_markdown else "message.txt"
    document = FilePart(OutgoingFile(name, len(content), lambda: (content,)), caption.html, caption.plain)
    marked = seen.html(len(seen.text) - len(tail), len(seen.text))
    return [document, frame.part(f"…\n{tail}", f"…\n{marked}", first=True, last=True, buttons=message.buttons)]


def split(text: str, first_limit: int, limit: int) -> list[str]:
    """Cut a text into pieces of at most so many UTF-16 units: at a line's end, else a space, else between characters.

    The line's end or space at a cut is dropped, and so are blank pieces, which Telegram refuses.
    """
    return [text[begin:end] for begin, end in _cuts(text, first_limit, limit)]


def _cuts(text: str, first_limit: int, limit: int) -> list[tuple[int, int]]:
    """Where the pieces of `split` begin and end."""
    cuts: list[tuple[int, int]] = []
    at, room = 0, first_limit
    while at < len(text):
        piece = _head(text[at : at + room], room)
        end = at + len(piece)
        if end < len(text):
            end = at + _cut(piece, text[end])
        if not is_blank(text[at:end]):
            cuts.append((at, end))
            room = limit
        at = end + 1 if text[end : end + 1] in ("\n", " ") else end
    return cuts


def _head(text: str, limit: int) -> str:
    """The longest beginning of at most so many units."""
    if units(text[:limit]) <= limit:
        return text[:limit]
    used = 0
    for index, character in enumerate(text):
        used += 2 if ord(character) > 0xFFFF else 1
        if used > limit:
            return text[:index]
    return text


def _cut(piece: str, following: str) -> int:
    """Where to cut a full piece. A mark in its first half would waste the rest of the message."""
    if following in ("\n", " "):
        return len(piece)
    # A line first: half a line of code reads worse than half a paragraph.
    for mark in ("\n", " "):
        at = piece.rfind(mark, len(piece) // 2)
        if at > 0:
            return at
    return len(piece)


def _tail(text: str, limit: int) -> str:
    """The last words, from the beginning of a line where one is near."""
    tail = _head(text[::-1], limit)[::-1]
    line = tail.find("\n", 0, len(tail) // 2)
    return tail[line + 1 :]


def is_blank(text: str) -> bool:
    """Nothing in it can be seen."""
    return all(unicodedata.category(character) in _BLANK for character in text)


def keyboard(buttons: tuple[Button, ...]) -> dict[str, Any] | None:
    """Telegram's keyboard, short labels side by side; None without any. What Telegram would refuse is left out."""
    rows: list[list[Button]] = []
    for button in [each for each in buttons if _is_possible(each)][:_MOST_BUTTONS]:
        if rows and _fits(rows[-1], button):
            rows[-1].append(button)
        else:
            rows.append([button])
    if not rows:
        return None
    return {"inline_keyboard": [[_button(each) for each in row] for row in rows]}


def _is_possible(button: Button) -> bool:
    # One button that Telegram does not like would have the whole message refused.
    return not is_blank(button.label) and 0 < len(button.data.encode()) <= CALLBACK_DATA_BYTES


def _fits(row: list[Button], button: Button) -> bool:
    length = sum(len(each.label) for each in row) + len(button.label)
    return len(row) < _ROW_BUTTONS and length <= _ROW_LENGTH


def _button(button: Button) -> dict[str, str]:
    return {"text": button.label[:_LABEL_LENGTH], "callback_data": button.data}
