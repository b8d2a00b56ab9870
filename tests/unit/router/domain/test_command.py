"""A command's life as a table: what is legal, and that nothing else is."""

from itertools import product

import pytest

from router.domain.action import Input, KeyPress, Lane, lane_of
from router.domain.command import (
    LIVE,
    REDRIVABLE,
    SOURCES,
    Command,
    CommandState,
    Ended,
    Event,
    GivenUp,
    NotTaken,
    Origin,
    Returned,
    Sent,
    Stored,
    Taken,
    TakenBack,
    WorkFinished,
    apply,
)
from router.domain.errors import IllegalTransition, Reason

S = CommandState
NOW = 1_000.0

SENT, RETURNED, STORED = Sent(7, "inbox"), Returned(charged=True), Stored()
DONE = Ended(S.DONE, detail="exit 0", typed_at=990.0)
GIVEN_UP, TAKEN_BACK = GivenUp(Reason.TOO_OLD), TakenBack(S.CANCELLED, Reason.CANCELLED)
NOT_TAKEN, TAKEN, FINISHED = NotTaken("> go on"), Taken(), WorkFinished()
EVENTS: list[Event] = [SENT, RETURNED, STORED, DONE, GIVEN_UP, TAKEN_BACK, NOT_TAKEN, TAKEN, FINISHED]

# The diagram of docs/protocol.md, once more and by hand.
LEGAL: dict[tuple[CommandState, Event], CommandState] = {
    (S.QUEUED, SENT): S.SENT,
    (S.QUEUED, DONE): S.DONE,
    (S.QUEUED, GIVEN_UP): S.DEAD,
    (S.QUEUED, TAKEN_BACK): S.CANCELLED,
    (S.SENT, RETURNED): S.QUEUED,
    (S.SENT, STORED): S.RECEIVED,
    (S.SENT, DONE): S.DONE,
    (S.SENT, GIVEN_UP): S.DEAD,
    (S.RECEIVED, DONE): S.DONE,
    (S.DONE, NOT_TAKEN): S.DONE,
    (S.DONE, TAKEN): S.DONE,
    (S.DONE, FINISHED): S.DONE,
}
ILLEGAL = [pair for pair in product(CommandState, EVENTS) if pair not in LEGAL]


def command(state: CommandState) -> Command:
    origin = Origin("test")
    return Command("c", "s", "m", 1, 1, Lane.NORMAL, Input("ls"), origin, 900.0, 2_000.0, state=state, attempt=1)


def named(value: object) -> str:
    return value.name if isinstance(value, CommandState) else type(value).__name__


def pairs(found: "list[tuple[CommandState, Event]]") -> list[object]:
    return [pytest.param(state, event, id=f"{named(state)}-{named(event)}") for state, event in found]


@pytest.mark.parametrize(("state", "event"), pairs(list(LEGAL)))
def test_a_legal_event_leads_to_the_next_state(state: CommandState, event: Event) -> None:
    assert apply(command(state), event, NOW).state is LEGAL[state, event]


@pytest.mark.parametrize(("state", "event"), pairs([pair for pair in LEGAL if pair[0] in LIVE]))
def test_what_lives_has_no_time_of_its_end_and_what_has_ended_has_one(state: CommandState, event: Event) -> None:
    """By which an index tells them apart."""
    changed = apply(command(state), event, NOW)

    assert (changed.ended_at is None) == changed.state.live


@pytest.mark.parametrize(("state", "event"), pairs(ILLEGAL))
def test_every_other_event_raises_and_changes_nothing(state: CommandState, event: Event) -> None:
    before = command(state)

    with pytest.raises(IllegalTransition, match=state.name):
        apply(before, event, NOW)

    assert before == command(state)


@pytest.mark.parametrize("ending", [s for s in CommandState if s not in LIVE and s is not S.DEAD], ids=named)
@pytest.mark.parametrize("state", sorted(LIVE, key=named), ids=named)
def test_a_machine_may_end_a_live_command_in_any_way(state: CommandState, ending: CommandState) -> None:
    assert apply(command(state), Ended(ending), NOW).state is ending


@pytest.mark.parametrize("state", [s for s in CommandState if s not in LIVE], ids=named)
def test_no_event_leaves_a_terminal_state(state: CommandState) -> None:
    legal = [event for event in EVENTS if state in SOURCES[type(event)]]

    assert {apply(command(state), event, NOW).state for event in legal} <= {state}


def test_a_send_counts_the_attempt_and_names_the_link() -> None:
    sent = apply(command(S.QUEUED), SENT, NOW)

    assert (sent.attempt, sent.epoch, sent.inbox_id, sent.sent_at) == (2, 7, "inbox", NOW)


@pytest.mark.parametrize(("charged", "count"), [(True, 1), (False, 0)])
def test_only_a_charged_return_counts_against_a_command(charged: bool, count: int) -> None:
    assert apply(command(S.SENT), Returned(charged), NOW).charged == count


def test_an_end_keeps_what_the_machine_said() -> None:
    ended = apply(command(S.RECEIVED), Ended(S.FAILED, Reason.EXIT_CODE, "exit 2", 990.0), NOW)

    assert (ended.reason, ended.detail, ended.typed_at, ended.ended_at) == (Reason.EXIT_CODE, "exit 2", 990.0, NOW)


def test_marks_on_a_done_command_keep_their_times() -> None:
    taken = apply(command(S.DONE), TAKEN, NOW)
    finished = apply(taken, FINISHED, NOW + 5)

    assert (finished.taken_at, finished.finished_at) == (NOW, NOW + 5)


def test_a_late_word_takes_back_that_a_text_was_not_taken() -> None:
    missed = apply(command(S.DONE), NOT_TAKEN, NOW)
    taken = apply(missed, TAKEN, NOW + 5)

    assert (missed.reason, missed.detail, missed.taken_at) == (Reason.NOT_TAKEN, "> go on", None)
    assert (taken.reason, taken.detail, taken.taken_at) == (Reason.UNSPECIFIED, "", NOW + 5)


@pytest.mark.parametrize(
    ("action", "lane"),
    [
        (KeyPress("esc"), Lane.URGENT),
        (KeyPress("ctrl-c"), Lane.URGENT),
        (KeyPress("enter"), Lane.NORMAL),
        (Input("esc"), Lane.NORMAL),
    ],
    ids=str,
)
def test_only_interrupts_are_urgent(action: Input | KeyPress, lane: Lane) -> None:
    assert lane_of(action) is lane


def test_what_ended_well_or_lives_is_not_repeated() -> None:
    assert {S.FAILED, S.UNCERTAIN, S.CANCELLED, S.EXPIRED, S.DEAD} == REDRIVABLE


def test_a_command_weighs_the_bytes_of_its_text() -> None:
    light, heavy = (
        command(S.QUEUED),
        command(S.QUEUED).__class__("c", "s", "m", 1, 1, Lane.NORMAL, Input("é" * 500), Origin("test"), 0.0, 0.0),
    )

    assert heavy.size - light.size == 1_000 - len("ls")
