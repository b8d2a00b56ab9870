"""A notification's life as a table."""

from itertools import product

import pytest

from router.domain.command import ChatRef
from router.domain.errors import IllegalTransition
from router.domain.notification import (
    MAX_ACTION_BYTES,
    Delivered,
    Event,
    GivenUp,
    Kind,
    Leased,
    Notification,
    NotificationState,
    Refused,
    Returned,
    apply,
)

S = NotificationState
NOW = 1_000.0
LEASED, RETURNED, DELIVERED, REFUSED, GIVEN_UP = (
    Leased(),
    Returned("429"),
    Delivered(("1", "2")),
    Refused("no"),
    GivenUp(),
)
EVENTS: list[Event] = [LEASED, RETURNED, DELIVERED, REFUSED, GIVEN_UP]
LEGAL: dict[tuple[NotificationState, Event], NotificationState] = {
    (S.QUEUED, LEASED): S.SENT,
    (S.QUEUED, GIVEN_UP): S.DEAD,
    (S.SENT, RETURNED): S.QUEUED,
    (S.SENT, DELIVERED): S.DELIVERED,
    (S.SENT, REFUSED): S.REFUSED,
    (S.SENT, GIVEN_UP): S.DEAD,
}


def notification(state: NotificationState) -> Notification:
    return Notification("n", "s", ChatRef("web", "1"), Kind.PROGRESS, "hi", "token", 900.0, state=state)


def named(value: object) -> str:
    return value.name if isinstance(value, NotificationState) else type(value).__name__


@pytest.mark.parametrize(("state", "event"), LEGAL, ids=named)
def test_a_legal_event_leads_to_the_next_state(state: NotificationState, event: Event) -> None:
    assert apply(notification(state), event, NOW).state is LEGAL[state, event]


@pytest.mark.parametrize(
    ("state", "event"), [pair for pair in product(NotificationState, EVENTS) if pair not in LEGAL], ids=named
)
def test_every_other_event_raises_and_changes_nothing(state: NotificationState, event: Event) -> None:
    before = notification(state)

    with pytest.raises(IllegalTransition, match=state.name):
        apply(before, event, NOW)

    assert before == notification(state)


def test_a_lease_counts_the_attempt() -> None:
    assert apply(notification(S.QUEUED), LEASED, NOW).attempt == 1


def test_a_delivery_keeps_the_platforms_ids_and_the_time() -> None:
    delivered = apply(notification(S.SENT), DELIVERED, NOW)

    assert (delivered.message_ids, delivered.delivered_at) == (("1", "2"), NOW)


@pytest.mark.parametrize(("event", "detail"), [(RETURNED, "429"), (REFUSED, "no")], ids=named)
def test_the_platforms_words_are_kept(event: Event, detail: str) -> None:
    assert apply(notification(S.SENT), event, NOW).detail == detail


def test_questions_go_before_answers_receipts_and_progress() -> None:
    assert sorted(Kind, key=lambda kind: kind.value) == [
        Kind.QUESTION, Kind.ANSWER, Kind.STATUS, Kind.PROGRESS, Kind.WORK,
    ]  # fmt: skip


def test_the_longest_action_fits_a_telegram_button() -> None:
    assert len("cmd:" + "t" * 16 + ":") + MAX_ACTION_BYTES <= 64
