"""The router's own buttons fit every platform and are read back as what they were made."""

import pytest

from router.domain.action import Input, Lane
from router.domain.command import Command, CommandState, Hold, Origin
from router.domain.control import MAX_MODE
from router.domain.notification import MAX_ACTION_BYTES, Button
from router.domain.router_buttons import (
    LONGEST_ID,
    Verb,
    button,
    control_buttons,
    cures,
    hash_of,
    id_of,
    key_buttons,
    key_of,
    session_buttons,
    verb_of,
)
from router.domain.session import Session, SessionState

LONG = Session("s/" + "x" * 126, "m" * 128, "label" * 40, "tmux", "", SessionState.IDLE, 1, 0.0, 0.0)
_WITH_NAME = (Verb.TO, Verb.USE, Verb.HERE, Verb.KEY, Verb.MODE, Verb.MODEL, Verb.SHOW)
KEYLESS = [verb for verb in Verb if verb not in _WITH_NAME]


def command(state: CommandState, **fields: object) -> Command:
    return Command("c", "s", "m", 1, 1, Lane.NORMAL, Input("ls"), Origin("test"), 0.0, 1.0, state=state, **fields)  # type: ignore[arg-type]


def verbs(buttons: tuple[Button, ...]) -> list[Verb | None]:
    return [verb_of(each.action)[0] for each in buttons]


@pytest.mark.parametrize("verb", KEYLESS)
def test_every_verb_has_a_label(verb: Verb) -> None:
    assert button(verb).label
    assert verb_of(button(verb).action) == (verb, "")


@pytest.mark.parametrize(
    "made",
    [
        session_buttons(Verb.TO, [LONG]),
        session_buttons(Verb.USE, [LONG]),
        key_buttons(["ctrl-c"]),
        control_buttons(Verb.MODE, ["x" * MAX_MODE], {}),
    ],
)
def test_a_button_with_a_key_fits(made: tuple[Button, ...]) -> None:
    [only] = made

    assert len(only.action.encode()) <= MAX_ACTION_BYTES
    assert len(only.label) <= 64


@pytest.mark.parametrize("state", [CommandState.DONE, CommandState.CANCELLED])
def test_what_ended_well_needs_no_cure(state: CommandState) -> None:
    assert cures(command(state)) == ()


@pytest.mark.parametrize(
    "state", [CommandState.FAILED, CommandState.UNCERTAIN, CommandState.EXPIRED, CommandState.DEAD]
)
def test_every_bad_end_has_cures_until_it_is_settled(state: CommandState) -> None:
    assert verbs(cures(command(state)))[:2] == [Verb.RETRY, Verb.ELSEWHERE]
    assert cures(command(state, dropped=True)) == ()


def test_a_command_that_waits_for_a_word_offers_it() -> None:
    assert verbs(cures(command(CommandState.QUEUED, hold=Hold.ASKED))) == [Verb.SEND, Verb.CANCEL]
    assert verbs(cures(command(CommandState.QUEUED, hold=Hold.ALLOWED))) == [Verb.CANCEL]


@pytest.mark.parametrize("action", ["", "explode", "retry ", "RETRY"])
def test_a_verb_there_never_was(action: str) -> None:
    assert verb_of(action)[0] is None


def called(session_id: str) -> Session:
    return Session(session_id, "m", "", "", "", SessionState.IDLE, 1, 1.0, 1.0)


@pytest.mark.parametrize("verb", [Verb.TO, Verb.USE, Verb.HERE])
def test_a_session_is_named_by_its_id_where_that_fits_a_button(verb: Verb) -> None:
    session = called("x" * LONGEST_ID)
    [made] = session_buttons(verb, [session])

    assert len(made.action.encode()) <= MAX_ACTION_BYTES
    assert id_of(verb_of(made.action)[1]) == session.session_id


def test_a_session_with_a_long_id_is_named_by_a_hash_for_which_no_id_can_pass() -> None:
    victim = called("x" * (LONGEST_ID + 1))
    impostor = called(hash_of(victim))

    assert key_of(victim) == hash_of(victim)
    assert id_of(key_of(victim)) == ""
    assert key_of(impostor) != key_of(victim)
