"""Mail that is HTML alone, as text. What mail programs mark as quoted comes out behind ">", or not at all."""

import re
from html.parser import HTMLParser

_SKIPPED = frozenset({"script", "style", "head", "title", "template", "svg", "object", "noscript"})
_BLOCKS = frozenset(
    {"p", "div", "ul", "ol", "li", "table", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "section", "article"}
    | {"blockquote", "header", "footer", "address", "dl", "dt", "dd", "hr", "body"}
)
_SPACED = frozenset({"p", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote"})
# From here on everything is the mail that is answered, or a signature.
_QUOTED_MARKS = (
    "gmail_quote", "gmail_signature", "gmail_attr", "divrplyfwdmsg", "appendonsend", "yahoo_quoted", "protonmail_quote",
    "moz-cite-prefix", "moz-signature", "outlookmessageheader", "mail-editor-reference-message-container",
    "zmail_extra", "protonmail_signature", "applemailsignature", "ms-outlook-mobile-signature",
    "ms-outlook-mobile-reference-message",
)  # fmt: skip
_LONGEST = 1024 * 1024  # characters of HTML that are looked at
_NO_CHARACTER = re.compile(r"&#[xX]?[0-9a-fA-F]{9,};?")  # Python makes no number of some thousand digits
_BLANKS = re.compile(r"[ \t\r\n\f\v]+")


def text_of(page: str) -> str:
    """The text of a page, with its lines and paragraphs."""
    reader = _Reader()
    try:
        reader.feed(_NO_CHARACTER.sub("\ufffd", page[:_LONGEST]))
        reader.close()
    except AssertionError:  # Python's own, of a page that begins like a declaration and is none
        pass
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line: list[str] = []
        self._skipped: list[str] = []
        self._quotes = 0
        self._kept_blanks = 0
        self._is_over = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        marks = " ".join(value or "" for name, value in attrs if name in ("class", "id")).lower()
        if any(mark in marks for mark in _QUOTED_MARKS):
            self._is_over = True
        if tag in _SKIPPED:
            self._skipped.append(tag)
        elif tag == "body":  # </head> may be left out
            self._skipped.clear()
        if tag == "br":
            self._break()
        elif tag in _BLOCKS:
            self._block(tag)
        if tag == "blockquote":
            self._quotes += 1
        elif tag == "pre":
            self._kept_blanks += 1
        elif tag == "li":
            self._line.append("- ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._skipped:
            del self._skipped[self._skipped.index(tag) :]
        if tag in _BLOCKS:
            self._block(tag)
        if tag == "blockquote":
            self._quotes = max(0, self._quotes - 1)
        elif tag == "pre":
            self._kept_blanks = max(0, self._kept_blanks - 1)

    def handle_data(self, data: str) -> None:
        if self._is_over or self._skipped:
            return
        if self._kept_blanks:
            first, *more = data.replace("\r\n", "\n").split("\n")
            self._line.append(first)
            for each in more:
                self._break()
                self._line.append(each)
            return
        self._line.append(_BLANKS.sub(" ", data))

    def text(self) -> str:
        """All that was read."""
        self._block("p")
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self._lines)).strip("\n")

    def _block(self, tag: str) -> None:
        if "".join(self._line).strip():
            self._break()
        else:
            self._line.clear()
        if tag in _SPACED and self._lines and self._lines[-1]:
            self._lines.append("")

    def _break(self) -> None:
        said = "".join(self._line)
        said = said.rstrip() if self._kept_blanks else re.sub(r" {2,}", " ", said).strip(" ")
        self._lines.append(f"> {said}" if self._quotes else said)
        self._line.clear()
