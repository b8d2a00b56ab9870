"""What ways to type into sessions promise, judged alike for all of them, and which cannot promise what, and why.

`table()` is what docs/testing.md shows of it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from agent.domain.command import Ending, Outcome, Reason
from agent.domain.session import SessionState
from tests.integration.agent.backends.subjects import LONG, Hosted, Subject
from tests.rigs.agent_rig import eventually

BUSY, IDLE, WAITING = SessionState.BUSY, SessionState.IDLE, SessionState.WAITING


async def given_once_and_in_order(one: Subject) -> None:
    before = len(one.given())
    texts = [one.text(), one.text("two\nlines"), one.text("日本語 'quotes'"), one.text()]
    for text in texts:
        assert await one.says(text) == Outcome.done()
        await one.rests()

    assert one.given()[before:] == texts


async def doubts_are_told(one: Hosted) -> None:
    """What is said of a text is true, whenever its program is killed: also while it starts."""
    for moment in (None, 0.2, 0.0):
        text, known = one.long(), len(one.given())
        saying = asyncio.ensure_future(one.says(text))
        if moment is None:
            await saying
        else:
            await eventually(one.running, LONG)
            await asyncio.wait((saying,), timeout=moment)
        await one.kill()
        outcome, given = await saying, one.given()[known:].count(text)

        taken = (1,) if one.is_tapped else (0, 1)  # its model may never have got what it had
        assert given in {Ending.DONE: taken, Ending.FAILED: (0,), Ending.UNCERTAIN: (0, 1)}[outcome.ending]


async def busy_and_idle_are_told(one: Hosted) -> None:
    await one.says(one.long())
    await eventually(lambda: one.states()[-1:] == [BUSY], LONG)
    await one.stops()
    await one.rests()

    assert one.states()[-1] is IDLE


async def stopped(one: Hosted) -> None:
    await one.says(one.long())
    before = len(one.told())
    outcome = await one.stops()
    await one.rests()
    cut = one.told()[before:]
    after = one.text()
    await one.says(after)
    await one.rests()
    await eventually(lambda: one.given()[-1:] == [after], LONG)  # a late word of the turn that was cut ends no other

    assert (outcome, cut) == (Outcome.done(), [])


async def asked_and_answered(one: Hosted) -> None:
    """People are asked about exactly what is done then, and not done; a stop voids what is asked."""
    made = []
    for is_allowed in (True, False):
        text, file = one.wish()
        before = len(one.asked())
        await one.says(text)
        await eventually(lambda before=before: len(one.asked()) > before, LONG)
        assert file.name in one.asked()[-1]
        assert not file.exists()
        one.answers(is_allowed=is_allowed)
        await one.rests()
        made.append(file.exists())
    text, file = one.wish()
    before = len(one.asked())
    await one.says(text)
    await eventually(lambda: len(one.asked()) > before, LONG)
    await one.stops()
    await one.rests()

    assert made == [True, False]
    assert not file.exists()


async def taken_up_again(one: Hosted) -> None:
    """A kill in the middle is told, and the next text goes on in the same conversation; and once more."""
    await one.says(one.text())
    await one.rests()
    before = one.conversation()
    for _ in range(2):
        told = len(one.told())
        await one.says(one.long())
        await one.kill()
        await eventually(lambda told=told: len(one.told()) > told, LONG)
        text = one.text()
        outcome = await one.says(text)
        await one.rests()

        cut, *words = one.told()[told:]
        assert "ended" in cut
        assert len(words) == 1  # and nothing that was said before
        assert text.split()[-1] in words[0]
        assert outcome == Outcome.done()
        assert one.given()[-1] == text
        assert one.conversation() == before != ""


async def open_once(one: Hosted) -> None:
    await one.says(one.text())
    await one.rests()
    before = len(one.given())
    outcome = await one.says_elsewhere(one.text())

    assert (outcome.ending, outcome.reason) == (Ending.FAILED, Reason.CONVERSATION_OPEN)
    assert len(one.given()) == before


async def ended(one: Hosted) -> None:
    await one.says(one.long())
    await one.ends()

    assert one.running() == ()


Judge = Callable[..., Awaitable[None]]
PROMISES: Mapping[str, tuple[Judge, str]] = {
    "once": (given_once_and_in_order, "each text once, whole, in order"),
    "doubt": (doubts_are_told, "what is said of a text is true, whenever its program dies"),
    "states": (busy_and_idle_are_told, "busy and idle are told"),
    "stop": (stopped, "Esc stops what it does, and nothing else"),
    "questions": (asked_and_answered, "asked about what is done then"),
    "again": (taken_up_again, "a kill is told, and the conversation goes on"),
    "alone": (open_once, "no conversation is open twice"),
    "end": (ended, "the end of the session ends the program"),
}


@dataclass(frozen=True)
class Row:
    """One of them, and what it cannot promise: by promise, why."""

    make: str  # of subjects.py
    cannot: Mapping[str, str] = field(default_factory=dict)
    is_short: bool = True  # else with TEST_EVERY_AGENT=1 alone


_PERSONS = "its program is its person's"
_HOOKS = "its program's hooks tell"
_TERMINAL = {
    **dict.fromkeys(("doubt", "states", "questions"), _HOOKS), **dict.fromkeys(("again", "alone", "end"), _PERSONS),
    "stop": "Esc is a key of its program",
}  # fmt: skip
_RUN = "each text is a run of its own"
ROWS: Mapping[str, Row] = {
    "tmux": Row("tmux", _TERMINAL),
    "pty": Row("pty", _TERMINAL),
    "nvim": Row("nvim", _TERMINAL),
    "command": Row("command", dict.fromkeys(("states", "questions", "again", "alone", "end", "stop", "doubt"), _RUN)),
    "headless: Claude Code": Row("claude"),
    "model": Row("model", {"questions": "it does nothing", "alone": "nobody else can open it"}),
    "acp: a stand-in": Row("stand-in"),
    "acp: codex": Row("codex"),
    "acp: one that a person added (Qwen Code)": Row("added"),
    "acp: opencode": Row("opencode", is_short=False),  # takes long to start
    "acp: codex in version 2, a draft": Row("codex2", is_short=False),
    "acp: copilot": Row("copilot", is_short=False),
    "acp: gemini": Row("gemini", is_short=False),  # waits for the next minute behind each kill
}


def table() -> str:
    """The table as docs/testing.md shows it."""
    lines = ["| | " + " | ".join(ROWS) + " |", "| --- |" + " --- |" * len(ROWS)]
    for name, (_, words) in PROMISES.items():
        cells = (row.cannot.get(name, "yes") for row in ROWS.values())
        lines.append(f"| {words} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
