"""What the janitor decides: nothing goes of which anything is not known."""

from itertools import product

import pytest
from msgspec.structs import replace

from router.domain.janitor import ARCHIVED_FOR, FAILED_FOR, GRACE, Deed, Facts, decide, is_spare
from router.domain.workspace import Figures, KnownWorkspace, Wanted, Workspace, WorkspaceState, asked

S = WorkspaceState
NOW = 1_000_000_000.0
CLEAN = Figures("/ws", "c0ffee", is_dirty=False)
OVER = replace(
    asked(Wanted("s1", "m1", Workspace("github:a/b#1", "https://github.com/a/b", "refs/pull/1/head")), 100.0),
    state=S.CLOSING, told=S.READY, closing_at=NOW - GRACE - 1, looked_at=NOW - GRACE, figures=CLEAN,
)  # fmt: skip
PROVEN = Facts(is_over=True)


def deed(known: KnownWorkspace = OVER, facts: Facts = PROVEN, now: float = NOW) -> Deed:
    return decide(known, facts, now).deed


def test_what_is_proven_done_is_removed() -> None:
    assert deed() is Deed.REMOVE


@pytest.mark.parametrize("figures", [replace(CLEAN, is_dirty=True), replace(CLEAN, unpushed=1), Figures()], ids=str)
def test_what_may_hold_something_is_archived(figures: Figures) -> None:
    assert deed(replace(OVER, figures=figures)) is Deed.ARCHIVE


def test_what_was_never_looked_at_is_archived() -> None:
    assert deed(replace(OVER, looked_at=None)) is Deed.ARCHIVE


@pytest.mark.parametrize(
    "fact",
    [
        {"is_over": None}, {"is_over": False}, {"has_session": True}, {"is_asked": True}, {"is_deferred": True},
        {"is_shared": True}, {"is_away": True}, {"is_being_closed": True}, {"is_orphan": True},
    ],
    ids=str,
)  # fmt: skip
def test_each_thing_that_is_not_known_or_speaks_for_it_keeps_it(fact: dict[str, bool]) -> None:
    assert deed(facts=replace(PROVEN, **fact)) is Deed.KEEP
    assert deed(replace(OVER, figures=Figures()), replace(PROVEN, **fact)) is Deed.KEEP


def test_grace_is_a_week() -> None:
    assert deed(now=NOW - 2) is Deed.KEEP
    assert deed(replace(OVER, closing_at=None)) is Deed.KEEP


@pytest.mark.parametrize("state", [S.ASKED, S.PREPARING, S.READY, S.IN_USE, S.GONE])
def test_only_what_is_to_close_is_closed(state: S) -> None:
    assert deed(replace(OVER, state=state)) is Deed.KEEP


def test_an_archive_goes_after_a_month_whatever_it_was_for() -> None:
    archived = replace(OVER, state=S.ARCHIVED, archived_at=NOW - ARCHIVED_FOR - 1)

    assert deed(archived, Facts()) is Deed.FORGET
    assert deed(replace(archived, archived_at=NOW - ARCHIVED_FOR + 1), Facts()) is Deed.KEEP
    assert deed(replace(archived, archived_at=None), Facts()) is Deed.KEEP
    assert deed(archived, Facts(is_away=True)) is Deed.KEEP


def test_what_failed_is_forgotten_but_for_what_only_its_machine_knows() -> None:
    failed = replace(OVER, state=S.FAILED, changed_at=NOW - FAILED_FOR - 1)

    assert deed(failed) is Deed.REMOVE
    assert deed(replace(failed, changed_at=NOW)) is Deed.KEEP
    assert deed(replace(failed, repository="")) is Deed.KEEP


def test_nothing_is_removed_that_is_dirty_or_unpushed_whatever_else_holds() -> None:
    """All facts together with all states and figures."""
    names = [name for name in Facts.__struct_fields__ if name != "is_over"]
    figures = [Figures(), replace(CLEAN, unpushed=3), replace(CLEAN, is_dirty=True)]
    removed = [
        (state, each)
        for values in product((False, True), repeat=len(names))
        for over in (None, False, True)
        for state in (S.CLOSING, S.READY, S.IN_USE, S.PREPARING, S.ASKED)
        for each in figures
        if deed(replace(OVER, state=state, figures=each), Facts(over, *values)) is Deed.REMOVE
    ]

    assert removed == []


def test_what_is_over_and_clean_may_go_early_where_there_is_no_room() -> None:
    young = replace(OVER, closing_at=NOW)

    assert is_spare(young, PROVEN)
    assert not is_spare(replace(young, state=S.READY), PROVEN)
    assert not is_spare(replace(young, looked_at=None), PROVEN)


@pytest.mark.parametrize("figures", [replace(CLEAN, is_dirty=True), replace(CLEAN, unpushed=1), Figures()], ids=str)
def test_what_may_hold_something_never_goes_early(figures: Figures) -> None:
    assert not is_spare(replace(OVER, figures=figures), PROVEN)


@pytest.mark.parametrize(
    "fact",
    [
        {"is_over": None}, {"is_over": False}, {"has_session": True}, {"is_asked": True}, {"is_deferred": True},
        {"is_shared": True}, {"is_being_closed": True}, {"is_orphan": True}, {"is_away": True},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_proven_to_be_over_never_goes_early(fact: dict[str, bool]) -> None:
    assert not is_spare(OVER, replace(PROVEN, **fact))
