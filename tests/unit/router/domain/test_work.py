"""A turn, folded from what a session does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain.session import SessionState
from router.domain.wording import work as wording
from router.domain.work import (
    MOST_STEPS,
    STALE,
    Became,
    Happened,
    Planned,
    Spoke,
    ToolKind,
    Used,
    Work,
    WorkState,
    folded,
    over,
    untold,
)

NOW = 10_000.0
BUSY, IDLE = Became(SessionState.BUSY), Became(SessionState.IDLE)
What = Spoke | Used | Planned | Became


def begins(tool_id: str, kind: ToolKind = ToolKind.RUN) -> Used:
    return Used(tool_id, WorkState.RUNNING, kind, "Bash", "ls")


def ends(tool_id: str, output: str = "", state: WorkState = WorkState.DONE) -> Used:
    return Used(tool_id, state, output=output)


def after(*whats: What, work: Work | None = None, first: int = 1) -> Work:
    return folded(work or Work(), [Happened(seq, what) for seq, what in enumerate(whats, first)], NOW)


def test_a_turn_begins_with_work_and_ends_with_rest() -> None:
    begun = after(Spoke("go", by_person=True), BUSY)
    ended = after(IDLE, work=begun, first=3)

    assert (begun.begun, begun.is_over, begun.since) == (2, False, NOW)
    assert (ended.begun, ended.is_over) == (2, True)
    assert over(ended, NOW + 1) is ended


@pytest.mark.parametrize(
    "whats",
    [(Spoke("x"),), (Spoke("go", by_person=True),), (IDLE,), (ends("a"),), (Planned(()),)],
    ids=["words", "a prompt", "rest", "an end", "a plan"],
)
def test_nothing_else_begins_one(whats: tuple[What, ...]) -> None:
    assert after(*whats).is_over


def test_what_happened_long_ago_begins_none() -> None:
    old = Happened(1, begins("a"), NOW - STALE - 1)
    young = Happened(1, begins("a"), NOW - STALE + 1)

    assert folded(Work(), [old], NOW).is_over
    assert not folded(Work(), [young], NOW).is_over


def test_tools_are_counted_once_and_their_ends_are_steps() -> None:
    work = after(
        BUSY, begins("a"), begins("a"), begins("b", ToolKind.EDIT), ends("a", "out"), ends("b", state=WorkState.FAILED)
    )

    assert (dict(work.counts), work.failed, work.running) == ({ToolKind.RUN: 1, ToolKind.EDIT: 1}, 1, ())
    assert [(step.seq, step.what.output) for step in work.steps if isinstance(step.what, Used)] == [(5, "out"), (6, "")]
    assert [step.seq for step in untold(work, 5)] == [6]


def test_words_are_a_step_once_something_follows_them_else_the_answer() -> None:
    between = after(BUSY, Spoke("first"), begins("a"), Spoke("last"))
    ended = after(IDLE, work=between, first=5)

    assert [step.what for step in between.steps] == [Spoke("first")]
    assert ended.last == Spoke("last")


def test_a_new_turn_knows_the_one_before_it_and_goes_on_with_a_plan_that_is_not_done() -> None:
    plan = Planned(((WorkState.DONE, "a"), (WorkState.PENDING, "b")))
    second = after(BUSY, plan, IDLE, BUSY)

    assert second.before is not None
    assert (second.before.begun, second.before.is_over, second.begun, second.plan) == (1, True, 4, plan.entries)


def test_of_many_steps_the_newest_are_kept_and_the_others_counted() -> None:
    work = after(BUSY, *(each for n in range(100) for each in (begins(f"{n}"), ends(f"{n}"))))

    assert (len(work.steps), work.skipped) == (MOST_STEPS, 100 - MOST_STEPS)
    assert wording.steps(work, 0).startswith("… 4")


TEXTS = st.text(st.sampled_from("`*_#\n x<>|-") | st.characters(codec="utf-8"), max_size=2000)
WHATS = st.one_of(
    st.builds(Spoke, TEXTS),
    st.builds(Used, st.sampled_from("abc"), st.sampled_from(WorkState), st.sampled_from(ToolKind), TEXTS, TEXTS, TEXTS),
    st.builds(Planned, st.lists(st.tuples(st.sampled_from(WorkState), TEXTS), max_size=60).map(tuple)),
    st.builds(Became, st.sampled_from(SessionState), TEXTS),
)


@given(st.lists(WHATS, max_size=40))
def test_whatever_a_session_does_each_text_fits_in_one_message(whats: list[What]) -> None:
    work = after(BUSY, *whats)

    assert len(wording.under_way(work)) <= wording.ROOM
    assert len(wording.steps(work, 0)) <= wording.ROOM + 100
    assert len(wording.ended(over(work, NOW)).splitlines()) == 1


def test_code_that_was_cut_does_not_make_code_of_what_follows() -> None:
    work = after(BUSY, Spoke("```py\n" + "x" * 3000), begins("a"), ends("a", "out ``` in"))

    words, tool = wording.steps(work, 0).split("\n\n✓ ")
    assert words.endswith("…\n```")
    assert tool == "**Bash** `ls`\n````\nout ``` in\n````"


@pytest.mark.parametrize(("seconds", "said"), [(4, "4 s"), (59, "59 s"), (240, "4 min"), (3900, "1 h 5 min")], ids=str)
def test_how_long_it_took_is_said_at_its_end(seconds: float, said: str) -> None:
    assert wording.ended(over(after(BUSY), NOW + seconds)) == f"☑️ Worked {said}"
