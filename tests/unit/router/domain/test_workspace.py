"""The life of a workspace is a table: what is not in it raises, and changes nothing."""

from itertools import product

import pytest
from msgspec.structs import replace

from router.domain.errors import IllegalTransition, Reason, Refusal
from router.domain.workspace import (
    SAID_BY_MACHINES,
    SOURCES,
    Closed,
    Event,
    Figures,
    Kept,
    NotBegun,
    Reopened,
    Told,
    Wanted,
    Workspace,
    WorkspaceState,
    apply,
    asked,
    checked,
    label,
)

S = WorkspaceState
WORKSPACE = Workspace("github:acme/api#12", "https://github.com/acme/api", "refs/pull/12/head", "refs/heads/main")
NEW = asked(Wanted("s1", "m1", WORKSPACE), 100.0)
EVENTS: list[Event] = [
    Wanted("s2", "m1", WORKSPACE),
    Told(S.READY, Figures()),
    NotBegun("no"),
    Closed(),
    Reopened(),
    Kept("Ada"),
]


def told(state: WorkspaceState, **figures: object) -> Told:
    return Told(state, Figures(**figures))  # type: ignore[arg-type]


@pytest.mark.parametrize(("state", "event"), [*product(S, EVENTS)], ids=lambda each: str(each).partition("(")[0])
def test_an_event_is_legal_where_the_table_says_so_and_nowhere_else(state: WorkspaceState, event: Event) -> None:
    known = replace(NEW, state=state)
    if state in SOURCES[type(event)]:
        assert apply(known, event, 101.0).changed_at == 101.0
    else:
        with pytest.raises(IllegalTransition):
            apply(known, event, 101.0)


def test_a_whole_life() -> None:
    known, states = NEW, [NEW.state]
    for event in (
        told(S.PREPARING), told(S.READY), told(S.IN_USE), told(S.READY, unpushed=2), Closed(), told(S.ARCHIVED),
        told(S.GONE),
    ):  # fmt: skip
        known = apply(known, event, 100.0 + len(states))
        states.append(known.state)

    assert states == [S.ASKED, S.PREPARING, S.READY, S.IN_USE, S.READY, S.CLOSING, S.ARCHIVED, S.GONE]
    assert (known.closing_at, known.is_over) == (105.0, True)


@pytest.mark.parametrize("state", [S.READY, S.IN_USE, S.PREPARING, S.FAILED])
def test_it_stays_closing_whatever_its_machine_says_until_there_is_nothing_left_to_close(state: WorkspaceState) -> None:
    closing = apply(apply(NEW, told(S.READY), 101.0), Closed(), 102.0)

    later = apply(closing, told(state, unpushed=3), 103.0)

    assert (later.state, later.closing_at, later.figures.unpushed) == (S.CLOSING, 102.0, 3)
    assert apply(later, Reopened(), 104.0).state is state


def test_a_start_in_one_that_closes_reopens_it_and_its_grace_is_forgotten() -> None:
    closing = apply(apply(NEW, told(S.READY), 101.0), Closed(), 102.0)

    reopened = apply(closing, Wanted("s2", "m1", WORKSPACE), 103.0)

    assert (reopened.state, reopened.closing_at, reopened.session_id) == (S.READY, None, "s2")


@pytest.mark.parametrize(("state", "after"), [(S.GONE, S.ASKED), (S.FAILED, S.ASKED), (S.ARCHIVED, S.ARCHIVED)])
def test_one_that_is_over_begins_anew_and_an_archive_is_put_back_first(
    state: WorkspaceState, after: WorkspaceState
) -> None:
    over = apply(NEW, told(state), 101.0)

    assert apply(over, Wanted("s2", "m2", WORKSPACE), 102.0).state is after


def test_what_was_a_strangers_stays_a_strangers_until_it_is_gone() -> None:
    foreign = asked(Wanted("s1", "m1", replace(WORKSPACE, foreign=True)), 100.0)

    assert apply(apply(foreign, told(S.READY), 101.0), Wanted("s2", "m1", WORKSPACE), 102.0).is_foreign
    assert not apply(apply(foreign, told(S.GONE), 101.0), Wanted("s2", "m1", WORKSPACE), 102.0).is_foreign


def test_when_it_was_archived_is_when_that_was_said_first() -> None:
    archived = apply(apply(NEW, told(S.ARCHIVED), 101.0), told(S.ARCHIVED), 202.0)

    assert archived.archived_at == 101.0
    assert apply(archived, told(S.READY), 303.0).archived_at is None


def test_one_in_use_is_shown_as_waiting_while_its_session_waits_for_a_person() -> None:
    in_use = apply(NEW, told(S.IN_USE), 101.0)

    assert in_use.seen(waits=True) is S.WAITING
    assert in_use.seen(waits=False) is S.IN_USE
    assert apply(in_use, told(S.READY), 102.0).seen(waits=True) is S.READY


def test_machines_do_not_say_what_only_people_decide() -> None:
    assert not {S.ASKED, S.WAITING, S.CLOSING} & SAID_BY_MACHINES


@pytest.mark.parametrize(
    "repository",
    [
        "https://github.com/acme/api", "https://git.example:8443/a/b.git", "ssh://git@git.example/a.git",
        "git@github.com:acme/api.git", "/srv/git/api.git",
    ],
)  # fmt: skip
def test_repositories_that_git_reads(repository: str) -> None:
    assert checked(replace(WORKSPACE, repository=repository)).repository == repository


@pytest.mark.parametrize(
    "changes",
    [
        {"key": ""}, {"key": "a b"}, {"key": "k" * 129}, {"key": "a\nb"},
        {"repository": ""}, {"repository": "ext::sh -c id"}, {"repository": "--upload-pack=id"},
        {"repository": "https://ada:secret@github.com/a/b"}, {"repository": "ssh://-oProxyCommand=id/a"},
        {"repository": "git@-oProxyCommand=id:a"}, {"repository": "file://host/x"}, {"repository": "src/api"},
        {"repository": "git@host:-x"}, {"repository": "/a b"},
        {"ref": "main"}, {"ref": "--all"}, {"ref": "refs/heads/../../x"}, {"ref": "refs/heads/-x"},
        {"ref": "refs/heads/a b"},
        {"ref": "refs/heads/x.lock"}, {"ref": "refs/stash"}, {"base_ref": "main"}, {"ref": "refs/heads/a:refs/heads/b"},
        {"foreign": True, "base_ref": ""},
    ],
    ids=str,
)  # fmt: skip
def test_what_could_be_an_option_a_program_or_a_password_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(Refusal) as refused:
        checked(replace(WORKSPACE, **changes))

    assert refused.value.reason is Reason.INVALID_ARGUMENT


def test_nobody_but_the_router_says_that_an_archive_has_to_be_there() -> None:
    assert not checked(replace(WORKSPACE, restore=True)).restore


@pytest.mark.parametrize(
    ("key", "repository", "name"),
    [
        ("github:4711#12", "https://github.com/acme/api.git", "api#12"),
        ("github:4711#12", "git@github.com:api.git", "api#12"),
        ("github:4711#12", "", "github:4711#12"),
        ("acme/api@main", "https://github.com/acme/web", "api@main"),
        ("main", "https://github.com/acme/web", "main"),
    ],
)
def test_a_session_in_it_is_called_by_names_and_not_by_numbers(key: str, repository: str, name: str) -> None:
    assert label(key, repository) == name


def test_what_somebody_keeps_stays_kept_until_it_is_said_to_be_over_or_made_anew() -> None:
    kept = apply(replace(NEW, state=S.CLOSING, told=S.READY, closing_at=1.0), Kept("Ada"), 200.0)
    again = apply(kept, Wanted("s2", "m1", WORKSPACE), 300.0)
    closed = apply(again, Closed(), 400.0)
    anew = apply(replace(kept, state=S.GONE), Wanted("s2", "m1", WORKSPACE), 300.0)

    assert (kept.state, kept.closing_at, kept.kept_by, again.kept_by) == (S.READY, None, "Ada", "Ada")
    assert (closed.state, closed.kept_by, anew.kept_by) == (S.CLOSING, "", "")
