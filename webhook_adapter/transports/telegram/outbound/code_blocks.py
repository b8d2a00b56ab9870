"""Finds code and diffs in a plain text, so that they are shown in a fixed width: fenced blocks, and unified diffs."""

import re

from webhook_adapter.transports.telegram.outbound.spans import Marked, Span

_FENCED = re.compile(r"^```(?P<language>[\w+#.-]{0,30})[ \t]*\n(?P<code>.*?)\n```[ \t]*$", re.MULTILINE | re.DOTALL)
# Only what git and diff write begins one: prose with a dash in front is none.
_DIFF = re.compile(
    r"^(?:diff --git .+|--- .+\n\+\+\+ .+|@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@.*)"
    r"(?:\n(?:[ +\\@-].*|diff --git .+|index .+|(?:new|deleted) file .+|(?:old|new) mode .+|(?:rename|copy) .+"
    r"|similarity .+|Binary files .+))*",
    re.MULTILINE,
)


def shown(text: str) -> Marked:
    """Take the fences off, and find the code."""
    pieces: list[str] = []
    code: list[Span] = []
    length = at = 0
    for fenced in _FENCED.finditer(text):
        # Telegram takes no empty block; the fences stay as they were written.
        if not fenced["code"].strip():
            continue
        before = text[at : fenced.start()]
        code += _diffs(before, length)
        length += len(before)
        code.append(Span(length, length + len(fenced["code"]), "pre", fenced["language"]))
        length += len(fenced["code"])
        pieces += [before, fenced["code"]]
        at = fenced.end()
    code += _diffs(text[at:], length)
    return Marked("".join([*pieces, text[at:]]), tuple(code))


def _diffs(prose: str, offset: int) -> list[Span]:
    return [Span(offset + each.start(), offset + each.end(), "pre", "diff") for each in _DIFF.finditer(prose)]
