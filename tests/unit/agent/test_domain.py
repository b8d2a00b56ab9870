"""Rules of commands and sessions."""

import itertools

import pytest

from agent.domain.command import (
    Action,
    Command,
    Disowned,
    Ended,
    Ending,
    Entry,
    Event,
    IllegalMove,
    InboxState,
    Input,
    Interrupted,
    KeyPress,
    Lane,
    Outcome,
    Reason,
    Started,
    TakenBack,
    apply,
    objection,
)
from agent.domain.errors import Refusal
from agent.domain.session import Process, Session, SessionState, bare_id, checked_id, checked_label

RECEIVED, STARTED, FINISHED = InboxState
GONE = Outcome.failed(Reason.TARGET_GONE, "gone")
CANCELLED = Outcome(Ending.CANCELLED, Reason.CANCELLED)
CUT_SHORT = Outcome.uncertain(Reason.AGENT_RESTARTED, "The agent was restarted while typing this.")
EVENTS: list[Event] = [
    Started(),
    Ended(GONE),
    TakenBack(),
    Disowned(),
    Interrupted(taken=False),
    Interrupted(taken=True),
]
LEGAL: dict[tuple[InboxState, Event], tuple[InboxState, Outcome | None]] = {
    (RECEIVED, Started()): (STARTED, None),
    (RECEIVED, Ended(GONE)): (FINISHED, GONE),
    (RECEIVED, TakenBack()): (FINISHED, CANCELLED),
    (RECEIVED, Disowned()): (FINISHED, CANCELLED),
    (STARTED, Ended(GONE)): (FINISHED, GONE),
    (STARTED, Interrupted(taken=False)): (FINISHED, CUT_SHORT),
    (STARTED, Interrupted(taken=True)): (FINISHED, Outcome.done()),
}
CASES = list(itertools.product(InboxState, EVENTS))


def entry(state: InboxState, kind: str = "input") -> Entry:
    return Entry("c1", "s1", kind, state)


@pytest.mark.parametrize(("state", "event"), LEGAL)
def test_a_legal_event_moves_a_command_on(state: InboxState, event: Event) -> None:
    after, outcome = LEGAL[state, event]

    assert apply(entry(state), event) == Entry("c1", "s1", "input", after, outcome)


@pytest.mark.parametrize(("state", "event"), [case for case in CASES if case not in LEGAL])
def test_an_illegal_event_raises_and_changes_nothing(state: InboxState, event: Event) -> None:
    before = entry(state)

    with pytest.raises(IllegalMove, match=f"{type(event).__name__} in state {state.name} of c1"):
        apply(before, event)
    assert before == entry(state)


def test_a_session_that_was_being_started_may_have_its_prompt() -> None:
    ended = apply(entry(STARTED, "start"), Interrupted(taken=False))

    assert ended.outcome is not None
    assert "whether it has the prompt cannot be known" in ended.outcome.detail


@pytest.mark.parametrize(
    ("command_id", "session_id", "action", "expected"),
    [
        ("c1", "s1", Input("hello"), None),
        ("c1", "s1", KeyPress("esc"), None),
        ("c1", "s1", Input("é" * 32768), None),
        ("c1", "s1", Input("é" * 32769), Reason.TOO_LARGE),
        ("c1", "s1", None, Reason.UNSUPPORTED),
        ("", "s1", Input("x"), Reason.INVALID_ARGUMENT),
        ("c" * 129, "s1", Input("x"), Reason.INVALID_ARGUMENT),
        ("c1", "s" * 129, Input("x"), Reason.INVALID_ARGUMENT),
    ],
    ids=["text", "key", "64 KiB", "more", "unknown kind", "no id", "long id", "long session id"],
)
def test_what_can_never_be_taken_is_objected_to(
    command_id: str, session_id: str, action: Action | None, expected: Reason | None
) -> None:
    assert objection(Command(command_id, session_id, 0, 1, Lane.NORMAL, action)) is expected


UUID = "0189d3a0-0000-7000-8000-00000000abcd"


@pytest.mark.parametrize("dressed", [UUID, f"session_{UUID}", f"cse_{UUID}", UUID.upper(), f"session_{UUID.upper()}"])
def test_dressed_ids_are_one_session(dressed: str) -> None:
    assert bare_id(dressed) == UUID


@pytest.mark.parametrize("other", ["s1", f"x_{UUID}", f"session_{UUID}0", "Session"])
def test_other_ids_stay_as_they_are(other: str) -> None:
    assert bare_id(other) == other


@pytest.mark.parametrize("value", ["", "a b", "a" * 129, "ä", "a\n"])
def test_a_malformed_id_is_refused_by_the_name_of_its_field(value: str) -> None:
    with pytest.raises(Refusal, match="session_id") as refused:
        checked_id(value, "session_id")
    assert refused.value.reason is Reason.INVALID_ARGUMENT


@pytest.mark.parametrize("value", ["a", "A-z_0.9:@/-", "a" * 128])
def test_a_well_formed_id_is_taken(value: str) -> None:
    assert checked_id(value, "session_id") == value


def test_a_label_may_have_two_hundred_characters() -> None:
    assert checked_label("ä" * 200) == "ä" * 200
    with pytest.raises(Refusal, match="201"):
        checked_label("ä" * 201)


EARLIER = Session("s1", "tmux", target={"pane": "%1"}, process=Process(7, 100.0))


@pytest.mark.parametrize(
    ("earlier", "later", "restarted"),
    [
        (EARLIER, Session("s1", "tmux", target={"pane": "%1"}, process=Process(7, 101.0)), False),
        (EARLIER, Session("s1", "tmux", target={"pane": "%9"}, process=Process(7, 100.0)), False),
        (EARLIER, Session("s1", "tmux", target={"pane": "%1"}, process=Process(8, 100.0)), True),
        (EARLIER, Session("s1", "tmux", target={"pane": "%1"}, process=Process(7, 500.0)), True),
        (EARLIER, Session("s1", "tmux", target={"pane": "%1"}), True),
        (EARLIER, Session("s1", "pty", process=Process(7, 100.0)), True),
        (Session("s1", "command", target={"command": "a"}), Session("s1", "command", target={"command": "a"}), False),
        (Session("s1", "command", target={"command": "a"}), Session("s1", "command", target={"command": "b"}), True),
        (Session("s1", "command", state=SessionState.ENDED), Session("s1", "command"), True),
    ],
    ids=["same", "moved", "pid", "pid reused", "unknown", "backend", "same line", "other line", "ended"],
)
def test_another_program_under_the_same_id_is_a_restart(earlier: Session, later: Session, *, restarted: bool) -> None:
    assert later.is_restart_of(earlier) is restarted
