"""The router is followed once for all pages, and only while somebody looks."""

import threading
from collections.abc import Iterator

import pytest

from pointsman.client.errors import RouterError
from tests.rigs.console_router import FakeControl, a_session
from tests.waiting import wait_until
from webhook_adapter.console import wakeups
from webhook_adapter.console.wakeups import Wakeups


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeControl]:
    control = FakeControl()
    control.add_session(a_session("s-1"))
    control.events |= {"s-1": [], "s-2": []}
    yield control
    monkeypatch.setattr(wakeups, "_WANTED", 0.0)
    control.happened()  # who follows steps looks up, and ends


@pytest.fixture
def woken(control: FakeControl) -> Wakeups:
    return Wakeups(lambda: control, lambda: "as before")


def following(woken: Wakeups) -> list[str]:
    return sorted(woken._followers)


def waiting(woken: Wakeups, session_id: str) -> threading.Thread:
    """Somebody who waits until a change, and has begun to."""
    begun = threading.Event()

    def wait() -> None:
        with woken.on(session_id) as change:
            begun.set()
            change()

    thread = threading.Thread(target=wait)
    thread.start()
    begun.wait()
    return thread


def test_what_a_session_does_wakes_those_who_look_at_it_and_nobody_else(woken: Wakeups, control: FakeControl) -> None:
    waiting(woken, "").join(10)  # the first look wakes everybody
    here, there = waiting(woken, "s-1"), waiting(woken, "s-2")
    wait_until(lambda: {"of s-1", "of s-2"} <= set(following(woken)))

    control.do("s-1", "said", by="USER", text="hello")
    here.join(10)

    assert not here.is_alive()
    assert there.is_alive()
    control.do("s-2", "said", by="USER", text="hello")
    there.join(10)
    assert not there.is_alive()


def test_many_who_look_at_one_session_are_one_follower(woken: Wakeups, control: FakeControl) -> None:
    threads = [waiting(woken, "s-1") for _ in range(5)]

    assert following(woken) == ["looks", "of s-1", "steps"]
    control.do("s-1", "said", by="USER", text="hello")
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


def test_nobody_is_followed_once_nobody_looks(
    woken: Wakeups, control: FakeControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = waiting(woken, "s-1")
    control.do("s-1", "said", by="USER", text="hello")
    thread.join(10)

    monkeypatch.setattr(wakeups, "_WANTED", 0.0)
    control.do("s-1", "said", by="USER", text="again")
    control.happened()

    wait_until(lambda: not following(woken))


def test_whoever_waits_hears_at_once_that_the_router_is_away(woken: Wakeups, control: FakeControl) -> None:
    control.failure = RouterError("UNAVAILABLE", "the router is away", "UNAVAILABLE")

    thread = waiting(woken, "s-1")
    thread.join(10)

    assert not thread.is_alive()
