"""What hooks see of an event, and what they can do to it: nothing."""

import logging

import pytest
from flask import Flask

from pointsman.client.records import CommandState
from webhook_adapter.model import Submitted
from webhook_adapter.router.errors import unavailable
from webhook_adapter.transports.lifecycle import (
    Event,
    EventLog,
    Handled,
    Hook,
    Lifecycle,
    Outcome,
    RequestIds,
    handed_in,
    lifecycle,
)

DENIED = Handled(Outcome.DENIED, about="chat=5 user=6")


class Diary(Hook):
    """Writes down what it sees."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def before(self, event: Event) -> None:
        self.lines.append(f"before {event.transport}")

    def after(self, event: Event, handled: Handled) -> None:
        self.lines.append(f"after {event.transport} {handled.outcome.value}")

    def failed(self, event: Event, error: Exception) -> None:
        self.lines.append(f"failed {event.transport} {error}")


class Clumsy(Hook):
    """Stumbles whatever it sees."""

    def before(self, event: Event) -> None:
        raise LookupError(event.transport)

    def after(self, event: Event, handled: Handled) -> None:
        raise LookupError(event.transport, handled)

    def failed(self, event: Event, error: Exception) -> None:
        raise LookupError(event.transport) from error


def stumbles() -> Handled:
    raise ValueError("no such update")


def not_stored() -> Handled:
    raise unavailable("the router is away")


def test_hooks_see_an_event_before_and_after_it_is_handled() -> None:
    diary = Diary()

    def take() -> Handled:
        diary.lines.append("handled")
        return DENIED

    assert Lifecycle(diary).handle("carrier", take) is DENIED
    assert diary.lines == ["before carrier", "handled", "after carrier denied"]


def test_hooks_see_what_went_wrong_and_it_goes_on() -> None:
    diary = Diary()

    with pytest.raises(ValueError, match="no such update"):
        Lifecycle(diary).handle("carrier", stumbles)

    assert diary.lines == ["before carrier", "failed carrier no such update"]


def test_a_hook_that_raises_loses_no_event_and_keeps_no_other_hook_from_it(caplog: pytest.LogCaptureFixture) -> None:
    diary = Diary()
    both = Lifecycle(Clumsy(), diary)

    assert both.handle("carrier", lambda: DENIED) is DENIED
    with pytest.raises(ValueError, match="no such update"):
        both.handle("carrier", stumbles)

    assert diary.lines == ["before carrier", "after carrier denied", "before carrier", "failed carrier no such update"]
    assert caplog.text.count("hook failed hook=Clumsy") == 4


@pytest.mark.parametrize(("duplicate", "outcome"), [(False, Outcome.STORED), (True, Outcome.DUPLICATE)])
def test_what_is_on_the_routers_disk_is_stored_or_a_duplicate(duplicate: bool, outcome: Outcome) -> None:
    submitted = Submitted("c1", CommandState.QUEUED, "s1", "", duplicate)

    assert handed_in("carrier:1", submitted).outcome is outcome
    assert handed_in("carrier:1", submitted).about == "key=carrier:1 command=c1"


def test_the_log_says_what_became_of_an_event_under_the_id_of_its_request(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with Flask("app").test_request_context():
        RequestIds().take("from-the-proxy")
        lifecycle().handle("carrier", lambda: DENIED)
        with pytest.raises(Exception, match="away"):
            lifecycle().handle("carrier", not_stored)

    assert [record.getMessage() for record in caplog.records] == [
        "carrier event denied id=from-the-proxy chat=5 user=6",
        "carrier event not stored id=from-the-proxy code=UNAVAILABLE",
    ]


def test_without_a_request_each_event_has_an_id_of_its_own() -> None:
    ids = [Event("carrier"), Event("carrier")]
    for event in ids:
        RequestIds().before(event)

    assert len({event.request_id for event in ids}) == 2
    assert all(len(event.request_id) == 32 for event in ids)


def test_of_what_is_stored_the_log_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    Lifecycle(EventLog()).handle("carrier", lambda: Handled(Outcome.STORED))

    assert not caplog.records
