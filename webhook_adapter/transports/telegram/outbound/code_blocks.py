"""Finds code and diffs in a plain text, so that they are shown in a fixed width: fenced blocks, and unified diffs."""

import re
from dataclasses import dataclass
from html import escape

_FENCED = re.compile(r"^```(?P<language>[\w+#.-]{0,30})[ \t]*\n(?P<code>.*?)\n```[ \t]*$", re.MULTILINE | re.DOTALL)
# Only what git and diff write begins one: prose with a dash in front is none.
_DIFF = re.compile(
    r"^(?:diff --git .+|--- .+\n\+\+\+ .+|@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@.*)"
    r"(?:\n(?:[ +\\@-].*|diff --git .+|index .+|(?:new|deleted) file .+|(?:old|new) mode .+|(?:rename|copy) .+"
    r"|similarity .+|Binary files .+))*",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """From where to where it goes in the shown text, and its language; empty where nobody said it."""

    begin: int
    end: int
    language: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A text as people see it, without the fences, and where code is in it."""

    text: str
    code: tuple[CodeBlock, ...]

    def html(self, begin: int, end: int) -> str:
        """A piece of it as Telegram's HTML. Code that a cut goes through is code on both sides."""
        parts, at = [], begin
        for block in self.code:
            first, last = max(block.begin, begin), min(block.end, end)
            if first < last:
                parts += [escape(self.text[at:first]), _pre(self.text[first:last], block.language)]
                at = last
        return "".join([*parts, escape(self.text[at:end])])


def shown(text: str) -> Shown:
    """Take the fences off, and find the code."""
    pieces: list[str] = []
    code: list[CodeBlock] = []
    length = at = 0
    for fenced in _FENCED.finditer(text):
        # Telegram takes no empty block; the fences stay as they were written.
        if not fenced["code"].strip():
            continue
        before = text[at : fenced.start()]
        code += _diffs(before, length)
        length += len(before)
        code.append(CodeBlock(length, length + len(fenced["code"]), fenced["language"]))
        length += len(fenced["code"])
        pieces += [before, fenced["code"]]
        at = fenced.end()
    code += _diffs(text[at:], length)
    return Shown("".join([*pieces, text[at:]]), tuple(code))


def _diffs(prose: str, offset: int) -> list[CodeBlock]:
    return [CodeBlock(offset + each.start(), offset + each.end(), "diff") for each in _DIFF.finditer(prose)]


def _pre(code: str, language: str) -> str:
    if not language:
        return f"<pre>{escape(code)}</pre>"
    return f'<pre><code class="language-{escape(language)}">{escape(code)}</code></pre>'
