"""The prompt box of Claude Code: what may be typed into it, and what is in it. Pure.

As seen in 2.1.197 and 2.1.329: a leading `!` runs the rest in a shell, with no question asked; a leading `/` runs a
command of the program, and many of those open a panel that eats what is typed next. The box is what stands between two
horizontal rules at the bottom of the screen, after a mark.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

AT_ONCE = frozenset(
    ["clear", "reset", "new", "compact", "exit", "quit", "init", "review", "security-review", "pr-comments", "rename"]
)
"""Commands that do their work without opening a panel."""

_COMMAND = re.compile(r"\s*/(\S*)")
_RULE = re.compile(r"[─━]{3,}.*")
_SCROLLED = re.compile(r"[─━]{3,} ↑ \d+ more .*")  # it shows the end of what it holds, without the mark
_DIM_COUNT = re.compile(r"\x1b\[(?:[0-9;]*;)?2m(?=↑ \d+ more)")
_MODEL = re.compile(r"\s*/model +[\w.:@/\[\]-]{1,100}\s*")  # with a name it opens no panel
_MARK = re.compile(r"[\u276f>!#][ \xa0]?")
_DIM = re.compile(r"\x1b\[(?:[0-9;]*;)?2m.*?(?=\x1b\[(?:[0-9;]*;)?(?:0|22)?m|\Z)", re.DOTALL)
_SEQUENCE = re.compile(r"\x1b\[[0-9;:]*[A-Za-z]")
_STASHED = re.compile(r"draft stashed\s*\Z")


def defused(text: str) -> str:
    """The text so that it reaches the model: behind a space, `!` is a character like any other."""
    return f" {text}" if text.startswith("!") else text


def refused(text: str, own_commands: Iterable[str]) -> str:
    """Why this text may not be typed, for people; empty when it may. `own_commands` are the person's own."""
    match = _COMMAND.match(text)
    if match is None or "/" in match[1] or match[1] in AT_ONCE or match[1] in own_commands or _MODEL.fullmatch(text):
        return ""
    return (
        f"/{match[1][:40]} may open a panel in the terminal, which would take what is typed next; "
        f"from here there are /{', /'.join(sorted(AT_ONCE))} and your own commands"
    )


@dataclass(frozen=True, slots=True)
class Box:
    """What the prompt shows. `stashed`: a draft is put away already, and there is room for one only."""

    text: str
    stashed: bool = False


def plain_lines(screen: str) -> list[str]:
    """What a screen shows, without its colours."""
    return [_SEQUENCE.sub("", line).rstrip() for line in screen.split("\n")]


def around_box(screen: str) -> tuple[str, list[str]]:
    """The line right above the prompt, and those below it; nothing where it shows no prompt."""
    lines = plain_lines(screen)
    rules = [number for number, line in enumerate(lines) if _RULE.fullmatch(line)]
    if len(rules) < 2:
        return "", []
    return lines[rules[-2] - 1] if rules[-2] else "", lines[rules[-1] + 1 :]


def box_of(screen: str) -> Box | None:
    """Reads a screen, which may hold colours; None when it shows no prompt."""
    lines = [_SEQUENCE.sub("", line).rstrip() for line in _DIM.sub("", _DIM_COUNT.sub("", screen)).split("\n")]
    rules = [number for number, line in enumerate(lines) if _RULE.fullmatch(line)]
    if len(rules) < 2:
        return None
    above, below = rules[-2:]
    inside = lines[above + 1 : below]
    mark = _MARK.match(f"{inside[0]} ") if inside else None
    if mark is not None:
        shell = "!" if mark[0].startswith("!") else ""  # an Enter would run what follows, also when that is nothing yet
        inside[0] = shell + inside[0][mark.end() :]
    elif not inside or not _SCROLLED.fullmatch(lines[above]):
        return None
    text = "\n".join(line.removeprefix("  ") for line in inside)
    around = [*lines[max(0, above - 2) : above], *lines[below + 1 :]]
    return Box("" if text.startswith('Try "') else text.strip("\n"), any(map(_STASHED.search, around)))
