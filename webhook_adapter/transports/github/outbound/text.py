"""What a comment says: secrets masked, nobody called, no markup that is not meant, in parts that fit.

A comment is Markdown. GitHub tells everybody whose name stands in it behind an @, puts a line into each issue whose
number stands behind a #, and takes HTML, which may hide what it says. A character without width behind those marks
undoes all three and changes nothing that is seen. It stands in inline code too: where that ends depends on what is
around it, and a name that is called by mistake cannot be taken back. Only blocks between fences stay as they are.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote, unquote

from webhook_adapter.masks import masked
from webhook_adapter.transports.github.outbound.code_blocks import fenced, with_blocks
from webhook_adapter.transports.transport import Button, Outgoing, OutgoingFile

PART = 55_000
"""Characters of a comment. GitHub refuses more than 65,536; its Enterprise Server counts in other ways."""
MOST_PARTS = 3
LONGEST_FILE = 20_000  # bytes that are shown; there is no other way to bring a file
_BETWEEN = "\u200b"
_CALLS = re.compile(r"@|#(?=[0-9])|<(?!https?://)(?=[A-Za-z/!?])|&(?=#|[A-Za-z]+;)")
_FENCE = re.compile(r"(`{3,}|~{3,})[^`]*")
_FENCE_LIKE = re.compile(r"`{3,}|~{3,}")
_MARKUP = re.compile(r"([\\`*_~\[\]|])")
_LINE_MARKUP = re.compile(r"^([ \t]*)([-+>#=]|[0-9]{1,9}(?=[.)]))", re.MULTILINE)
_RETURN = re.compile(r"\r\n?")  # to GitHub it ends a line
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_CUT = "\n\n… (cut here: {count} characters more)"
_NO_FILE = "({name}, {size} bytes, is not shown: GitHub takes no files.)"
_OPTIONS, _OPTIONS_END = "<!-- pm-options {} -->", "<!-- /pm-options -->"
# Where we put them, at the end: code in the text may hold the same, as GitHub shows that as it is.
_OFFERED = re.compile(
    r"\n*<!-- pm-options ([^ ]*) -->(?:(?!<!-- pm-options ).)*<!-- /pm-options -->(?=\s*(?:<!-- pm:[^ ]* -->\s*)?\Z)",
    re.DOTALL,
)
_ASKS, _ASKS_END = "<!-- pm-asks -->", "<!-- /pm-asks -->"
_OPEN = re.compile(rf"\A{_ASKS}\n(?:[^\n]+\n)?{_ASKS_END}\n*")
_LONGEST_SINCE = 200
_CHOOSE = "Choose with a comment: `@{word} 1`"
WAITS = "⏸ **Waits for its owner.** What is asked is shown where only they can read it."
_OVER = "☑️ Its owner has answered."


@dataclass(frozen=True, slots=True)
class Place:
    """What a text is written for: what comments call us there, and whether everybody may read it."""

    word: str
    is_private: bool


def bodies(message: Outgoing, place: Place) -> list[str]:
    """The comments of a message, without their markers; at least one. The choices stand in the last."""
    head = heading(message, place)
    text = "\n\n".join(filter(None, (said(message), *(_file(each) for each in message.files))))
    parts = split(text, PART - len(head) - 200)
    last = len(parts) - 1
    choices = options(message.buttons, place)
    found = [
        "\n\n".join(filter(None, (head if number == 0 else "", part, choices if number == last else "")))
        for number, part in enumerate(parts)
    ]
    return [each or "(no text)" for each in found]


def question(message: Outgoing, place: Place) -> list[str]:
    """The same for a question: where everybody may read it, only that there is one."""
    waits = WAITS if message.buttons else _OVER
    found = (
        bodies(message, place) if place.is_private else ["\n\n".join(filter(None, (heading(message, place), waits)))]
    )
    return [f"{_ASKS}\n{_ASKS_END}\n\n{found[0]}", *found[1:]] if message.buttons else found


def is_open(body: str) -> bool:
    """Whether a comment of ours begins a question that nobody has answered."""
    return _OPEN.match(body) is not None


def reminded(body: str, since: str) -> str:
    """Such a comment, which says at its top since when it waits; what it asks stays whole, with its choices."""
    line = " ".join(since.partition("\n\n")[0].split()).rstrip(":")[:_LONGEST_SINCE]
    return _OPEN.sub(lambda _: f"{_ASKS}\n{plain(line)}\n{_ASKS_END}\n\n", body)


def closed(body: str) -> str:
    """The same when it waits no more."""
    return _OPEN.sub("", body)


def heading(message: Outgoing, place: Place) -> str:
    """Whose words they are; the machine is nobody's business who only reads along."""
    told = message.heading if place.is_private else message.session_label if message.heading else ""
    return f"**{plain(told)}**" if told else ""


def said(message: Outgoing) -> str:
    """The message's own words as Markdown; of a plain text the code is code."""
    words = _RETURN.sub("\n", masked(message.text)).strip()
    return markdown(words) if message.is_markdown else with_blocks(words, plain)


def markdown(text: str) -> str:
    """Markdown that calls nobody."""
    kept: list[str] = []
    fence = ""
    lines = text.split("\n")
    whole = _has_sure_fences(lines)
    for line in lines:
        match = _FENCE.fullmatch(line)
        if fence:
            kept.append(line)
            fence = "" if match and match[1].startswith(fence) and not line.strip(fence[0] + " \t") else fence
        elif whole and match:
            fence = match[1]
            kept.append(line)
        else:
            kept.append(_uncalled(line))
    return "\n".join(kept)


def plain(text: str) -> str:
    """A text that is no Markdown, so that it is seen as it is."""
    escaped = _LINE_MARKUP.sub(_escaped_line, _MARKUP.sub(r"\\\1", text))
    # Spaces before a line would make code of it.
    return _uncalled(_INDENT.sub(lambda indent: "\u00a0" * len(indent[0].expandtabs(4)), escaped))


def options(buttons: tuple[Button, ...], place: Place) -> str:
    """Choices, by numbers; marked, so that they can be taken away."""
    if not buttons:
        return ""
    listed = "\n".join(f"{number}. {plain(each.label)}" for number, each in enumerate(buttons, 1))
    offered = _OPTIONS.format("|".join(quote(each.data, safe=":") for each in buttons))
    return f"{offered}\n{listed}\n\n{_CHOOSE.format(word=place.word)}\n{_OPTIONS_END}"


def without_options(body: str) -> str:
    """A comment of ours whose choices are over."""
    return closed(_OFFERED.sub("", body))


def choices(body: str) -> list[str]:
    """What each choice under a comment of ours sends back, in order; none where it offers none any more."""
    match = _OFFERED.search(body)
    return [unquote(each) for each in match[1].split("|")] if match else []


def marker(notification_id: str, number: int) -> str:
    """What tells a comment of ours from others, at its end, where nobody sees it."""
    bare = notification_id if re.fullmatch(r"[A-Za-z0-9-]{1,64}", notification_id) else _hash(notification_id)
    return f"<!-- pm:{bare}{f'.{number}' if number else ''} -->"


def split(text: str, most: int) -> list[str]:
    """A text in at most three parts of so many characters; of a longer one the end is missing, and said to be."""
    parts: list[str] = []
    while len(text) > most and len(parts) < MOST_PARTS - 1:
        end = _cut(text, most)
        part, text = _closed(text[:end], text[end:].removeprefix("\n"))
        parts.append(part)
    if len(text) > most:
        end = _cut(text, most)
        cut, _ = _closed(text[:end], "")
        text = cut + _CUT.format(count=len(text) - end)
    return [*parts, text]


def _has_sure_fences(lines: list[str]) -> bool:
    """Whether fences begin and end where we think: each at the beginning of its line, and of all lines."""
    fence = ""
    for line in lines:
        match = _FENCE.fullmatch(line)
        if fence:
            fence = "" if match and match[1].startswith(fence) and not line.strip(fence[0] + " \t") else fence
        elif match:
            fence = match[1]
        elif _FENCE_LIKE.search(line):
            return False  # in a list, in a quote, or in code
    return True


def _uncalled(text: str) -> str:
    return _CALLS.sub(lambda mark: mark[0] + _BETWEEN, text)


def _escaped_line(match: "re.Match[str]") -> str:
    # A number is kept: what makes a list of it is the mark behind it.
    return f"{match[1]}{match[2]}{_BETWEEN}" if match[2].isdigit() else f"{match[1]}\\{match[2]}"


def _cut(text: str, most: int) -> int:
    for mark in ("\n", " "):
        at = text.rfind(mark, most // 2, most)
        if at > 0:
            return at
    return most


def _closed(part: str, rest: str) -> tuple[str, str]:
    """A block of code that is cut is closed, and goes on in what comes next."""
    fence = ""
    opened = ""
    for line in part.split("\n"):
        match = _FENCE.fullmatch(line)
        if fence:
            fence = "" if match and match[1].startswith(fence) and not line.strip(fence[0] + " \t") else fence
        elif match:
            fence, opened = match[1], line
    return (f"{part}\n{fence}", f"{opened}\n{rest}" if rest else "") if fence else (part, rest)


def _file(each: OutgoingFile) -> str:
    """A file as text that is unfolded. Raises RouterError."""
    try:
        content = b"".join(each.parts()).decode() if each.size <= LONGEST_FILE else None
    except UnicodeDecodeError:
        content = None
    if content is None or "\0" in content:
        return _NO_FILE.format(name=each.name, size=each.size)
    return f"<details><summary>{each.name}</summary>\n\n{fenced(masked(content))}\n\n</details>"


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]
