"""What a chat reads of a session's turn: the message that changes while it goes on, and more of it one by one.

In Markdown, as the words of a coding agent are. Each text fits in one message of any platform.
"""

import re
from collections.abc import Sequence

from router.domain.work import MOST_PLANNED, Spoke, Step, ToolKind, Used, Work, WorkState, untold

ROOM = 3000  # characters of a text; what platforms make of it is no longer than theirs may be
_TITLE, _OUTPUT, _OUTPUT_LINES, _WORDS, _ENTRY = 120, 400, 8, 1200, 100
_MARKS = {WorkState.PENDING: "☐", WorkState.RUNNING: "▶", WorkState.DONE: "☑", WorkState.FAILED: "✗"}
_COUNTED = {
    ToolKind.READ: ("1 read", "{} reads"),
    ToolKind.EDIT: ("1 edit", "{} edits"),
    ToolKind.RUN: ("1 command", "{} commands"),
    ToolKind.SEARCH: ("1 search", "{} searches"),
    ToolKind.FETCH: ("1 fetch", "{} fetches"),
    ToolKind.OTHER: ("1 other", "{} others"),
}
_TICKS = re.compile(r"`+")
_MARKUP = re.compile(r"([\\`*_~\[\]<>#|])")
_UNDER_WAY = "⚙️ Working"
_WAITS = "⏸ Waits: {what}"
_ENDED = "☑️ Worked {lasted}"
_DONE = "☑️ Done"
_FAILED = "{count} failed"
_MORE = "… and {count} more"
_NOT_SHOWN = "… {count} steps are not shown; pointsman watch shows them."
CUT = "…"


def under_way(work: Work) -> str:
    """What it does now, what it has used so far, and its plan."""
    now = [_line(used) for used in work.running[-3:]]
    first = _WAITS.format(what=_plain(work.waiting_for)) if work.waiting_for else _UNDER_WAY
    counts = _counts(work)
    head = f"{first} · {counts}" if counts else first
    return "\n".join([head, *now, *_plan(work)])[:ROOM]


def ended(work: Work) -> str:
    """The same in one line, once it is over: the answer has a message of its own."""
    lasted = _lasted((work.ended or work.since) - work.since)
    counts, said = _counts(work), _ENDED.format(lasted=lasted) if work.since else _DONE
    return said + (f": {counts}" if counts else "")


def steps(work: Work, told: int) -> str:
    """What came behind a number, one by one; empty for nothing. Of much the newest is told."""
    waiting = untold(work, told)
    lost = work.skipped if told < work.begun else 0
    shown: list[str] = []
    room = ROOM
    for step in reversed(waiting):
        text = _step(step)
        if len(text) > room:
            break
        room -= len(text) + 2
        shown.append(text)
    missing = lost + len(waiting) - len(shown)
    return "\n\n".join([*([_NOT_SHOWN.format(count=missing)] if missing and shown else []), *reversed(shown)])


def _step(step: Step) -> str:
    match step.what:
        case Spoke(text):
            return code_closed(_cut(text, _WORDS))
        case Used() as used:
            output = _tail(used.output)
            return _line(used) + (f"\n{_block(output)}" if output.strip() else "")


def _line(used: Used) -> str:
    mark = {WorkState.DONE: "✓", WorkState.FAILED: "✗"}.get(used.state, "▸")
    title = _cut(" ".join(used.title.split()), _TITLE)
    return f"{mark} **{_plain(used.name[:_TITLE]) or 'tool'}**" + (f" {_code(title)}" if title else "")


def _counts(work: Work) -> str:
    each = [_COUNTED[kind][count > 1].format(count) for kind, count in sorted(work.counts, key=lambda each: -each[1])]
    failed = [_FAILED.format(count=work.failed)] if work.failed else []
    return ", ".join([*each, *failed])


def _plan(work: Work) -> Sequence[str]:
    # What is done goes first: what is left is what people want to know.
    entries = work.plan
    cut = max(0, len(entries) - MOST_PLANNED)
    done = sum(1 for state, _ in entries if state is WorkState.DONE)
    hidden = min(cut, done)
    shown = [
        f"{_MARKS[state]} {_plain(_cut(' '.join(text.split()), _ENTRY))}"
        for number, (state, text) in enumerate(entries)
        if number >= hidden
    ][:MOST_PLANNED]
    rest = len(entries) - hidden - len(shown)
    return [
        *([f"☑ {_MORE.format(count=hidden)}"] if hidden else []),
        *shown,
        *([_MORE.format(count=rest)] if rest else []),
    ]


def _lasted(seconds: float) -> str:
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


def _plain(text: str) -> str:
    """Words that are not meant as Markdown."""
    return _MARKUP.sub(r"\\\1", text)


def _code(text: str) -> str:
    fence = "`" * (1 + max(map(len, _TICKS.findall(text)), default=0))
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def _block(text: str) -> str:
    fence = "`" * max(3, 1 + max(map(len, _TICKS.findall(text)), default=0))
    return f"{fence}\n{text}\n{fence}"


def code_closed(text: str) -> str:
    """What was cut within code would make code of all that follows."""
    fences = sum(line.lstrip().startswith("```") for line in text.split("\n"))
    return f"{text}\n```" if fences % 2 else text


def _tail(text: str) -> str:
    lines = text.rstrip().split("\n")
    tail = "\n".join(lines[-_OUTPUT_LINES:])
    was_cut = len(lines) > _OUTPUT_LINES or len(tail) > _OUTPUT
    return f"{CUT}\n{tail[-_OUTPUT:]}" if was_cut else tail


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + CUT
