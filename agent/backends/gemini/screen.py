"""The screen of Gemini CLI: its prompt, and its dialogs. Pure. As seen in 0.61.0.

Its prompt stands below a rule; while a dialog is open there is none. The ways to answer a dialog have numbers, which
differ by version and by what is asked: so they are read, and never known.
"""

import re
from dataclasses import dataclass

from agent.backends.claude.prompt_box import plain_lines
from agent.domain.acp_question import Way

_RULE = re.compile(r"─{20,}")
_PROMPT = re.compile(r" [>!*] ?(.*)")
_MORE = re.compile(r"   (\S.*|\s*\S.*)")
_EMPTY = re.compile(r"\s*Type your message.*")
_WAY = re.compile(r"[│\s]*[●○>]?\s*(\d{1,2})\.\s+(\S.*?)[│\s]*")
_CHOSEN = re.compile(r"[│\s]*●\s*\d{1,2}\.\s.*")  # the one that an Enter would take
_HOOKS = re.compile(r"Executing Hook")
_WORKS = re.compile(r"\(esc to cancel|Thinking")
_NO = re.compile(r"\b(no|reject|cancel|deny)\b", re.IGNORECASE)
_FAR = re.compile(r"\b(always|session|all|future)\b", re.IGNORECASE)
_ELSEWHERE = re.compile(r"editor|modify", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to answer a dialog: its number on the screen, and its words."""

    number: str
    words: str

    @property
    def way(self) -> Way:
        kind = "reject_once" if _NO.search(self.words) else "allow_always" if _FAR.search(self.words) else "allow_once"
        return Way(self.words, self.words, kind)


def prompt_of(screen: str) -> str | None:
    """What is in the prompt; None where there is none: a dialog or a panel is in its place."""
    lines = plain_lines(screen)
    rules = [at for at, line in enumerate(lines) if _RULE.fullmatch(line.strip())]
    if not rules or any(map(_CHOSEN.fullmatch, lines)):
        return None
    below = lines[rules[-1] + 1 :]
    first = next((at for at, line in enumerate(below) if _PROMPT.fullmatch(line)), None)
    if first is None:
        return None
    match = _PROMPT.fullmatch(below[first])
    found = [match[1] if match else ""]
    for line in below[first + 1 :]:
        if not _MORE.fullmatch(line):
            break
        found.append(line[3:])
    return "" if _EMPTY.fullmatch(found[0]) else "\n".join(found).rstrip()


def dialog_of(screen: str) -> tuple[Choice, ...]:
    """The ways to answer the dialog that is open; none where none is. Those that open an editor are no answer."""
    lines = plain_lines(screen)
    if not any(map(_CHOSEN.fullmatch, lines)):
        return ()
    found = [match for line in lines if (match := _WAY.fullmatch(line))]
    numbered = [Choice(match[1], match[2]) for match in found]
    starts = [at for at, one in enumerate(numbered) if one.number == "1"]
    last = numbered[starts[-1] :] if starts else []  # a plan or an answer above may have numbers, too
    return tuple(one for one in last if not _ELSEWHERE.search(one.words))


def works(screen: str) -> bool:
    """Whether a turn goes on."""
    return any(_WORKS.search(line) for line in plain_lines(screen))


def ends(screen: str) -> bool:
    """Whether its hooks run, behind a turn or before one: it keeps what comes meanwhile."""
    return any(_HOOKS.search(line) for line in plain_lines(screen))
