r"""Whether a comment speaks to us, and what it says then.

fix the tests, @pointsman please     it does: "fix the tests, please"
> @pointsman fix the tests           it does not: who quotes, repeats
`@pointsman fix`, <!-- @pointsman -->, me@pointsman.example, @pointsman-docs, @p\u043eintsman (another letter)
"""

import re

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_QUOTE = re.compile(r"^ {0,3}>")
_INDENTED = re.compile(r"^(?: {4}|\t)")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_CODE = re.compile(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", re.DOTALL)
_HIDDEN = "\0"  # in the place of what is not said: places stay as they are, and nothing is indented by it
LONGEST = 65_536  # characters of a comment


def said(comment: str, word: str) -> str | None:
    """A comment without the mention of `word`, where it speaks to whoever is called so; None where it does not."""
    if len(comment) > LONGEST:
        return None
    found = [match.span() for match in _mention(word).finditer(spoken(comment))]
    if not found:
        return None
    for start, end in reversed(found):
        comment = f"{comment[:start].rstrip(' ')} {comment[end:].lstrip(' ')}"
    return "\n".join(line.rstrip() for line in comment.strip().splitlines())


def spoken(comment: str) -> str:
    """A comment with blanks in the place of what its writer does not say: code, quotes, what is not shown."""
    for pattern in (_COMMENT, None, _CODE):
        comment = _without_blocks(comment) if pattern is None else pattern.sub(_blank, comment)
    return comment


def _without_blocks(comment: str) -> str:
    """Without fences, quotes with the lines that go on with them, and what is indented as code is."""
    kept, fence, quotes = [], "", False
    for line in comment.splitlines(keepends=True):
        found = _FENCE.match(line)
        if fence:
            is_end = found and found[1].startswith(fence) and not line[found.end() :].strip()
            fence = "" if is_end else fence
            kept.append(_blank_line(line))
            continue
        fence = found[1] if found else ""
        # A line under a quote belongs to it, until there is an empty one.
        quotes = bool(_QUOTE.match(line)) or (quotes and bool(line.strip()))
        is_said = not (found or quotes or _INDENTED.match(line))
        kept.append(line if is_said else _blank_line(line))
    return "".join(kept)


def _blank_line(line: str) -> str:
    return re.sub(r"[^\n]", _HIDDEN, line)


def _blank(match: "re.Match[str]") -> str:
    return _blank_line(match[0])


def _mention(word: str) -> "re.Pattern[str]":
    """In ASCII alone: a letter of another alphabet that looks the same makes another name."""
    name = re.escape(word.removeprefix("@"))
    return re.compile(rf"(?<![\w/@.\\-])@(?ai:{name})(?:\[bot\])?(?![\w-]|\.\w|/\w)")
