"""Who watches steps from a cursor on gets each of them that there was, or hears that some are gone."""

import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb

from router.api.control.trace import WATCH_PAGE
from router.store import trace
from router.store.database import Transaction
from tests.integration.router.harness import LIMIT, RouterUnderTest
from tests.rigs.rpc_errors import error_info, reason_of
from tests.rigs.thin_agent import ThinAgent

DAY = 24 * 3600


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    return router.machine("devbox")


def kept(router: RouterUnderTest, count: int, **request: Any) -> list[int]:
    """The numbers of the first events from there on."""
    watch = router.watch(**request)
    numbers = [next(watch).event_id for _ in range(count)]
    watch.cancel()
    return numbers


def aged(where: str) -> Callable[[Transaction], None]:
    """Makes those steps a month older."""

    def change(tx: Transaction) -> None:
        tx.execute(f"UPDATE steps SET at = at - {31 * DAY} WHERE {where}")

    return change


def refused(router: RouterUnderTest, **request: Any) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as error:
        next(router.watch(**request))
    return error.value


def test_zero_begins_with_the_oldest_that_is_kept(router: RouterUnderTest, session: str) -> None:
    router.send(session)

    assert kept(router, 2) == [1, 2]


def test_from_now_on_shows_nothing_of_before(router: RouterUnderTest, session: str) -> None:
    watch = router.watch(from_now_on=True)
    sent = router.send(session)
    first = next(watch)
    watch.cancel()

    assert first.step.subject_id == sent.command_id


def test_from_now_on_and_from_a_cursor_on_is_a_contradiction(router: RouterUnderTest) -> None:
    assert reason_of(refused(router, from_now_on=True, after_event_id=1)) == "INVALID_ARGUMENT"


def test_a_cursor_behind_which_events_were_removed_is_told_so(router: RouterUnderTest, session: str) -> None:
    for _ in range(4):
        router.send(session)
    router.write(aged("step_id <= 3"))
    router.control.Cleanup(pb.CleanupRequest())

    gone = refused(router, after_event_id=2)

    assert gone.code() is grpc.StatusCode.OUT_OF_RANGE
    assert reason_of(gone) == "EVENTS_GONE"
    assert error_info(gone).metadata["first_event_id"] == "4"
    assert "after event 3" in (gone.details() or "")
    assert kept(router, 2, after_event_id=3) == [4, 5]
    assert kept(router, 2) == [4, 5]


def test_it_is_told_also_of_events_that_went_from_between(router: RouterUnderTest, session: str) -> None:
    for _ in range(5):
        router.send(session)
    router.write(aged("step_id IN (3, 4)"))  # the clock stood wrong while these happened
    router.control.Cleanup(pb.CleanupRequest())

    assert reason_of(refused(router, after_event_id=2)) == "EVENTS_GONE"
    assert kept(router, 1, after_event_id=4) == [5]
    assert kept(router, 1) == [5]


def test_who_watches_one_session_hears_of_it_too(router: RouterUnderTest, session: str) -> None:
    for _ in range(4):
        router.send(session)
    router.write(aged("step_id <= 3"))
    router.control.Cleanup(pb.CleanupRequest())

    assert reason_of(refused(router, after_event_id=2, session_id=session)) == "EVENTS_GONE"


def test_a_number_is_never_given_twice_however_old_all_events_are(router: RouterUnderTest, session: str) -> None:
    router.send(session)
    [*_, newest] = kept(router, 2)
    router.write(aged("1"))
    router.control.Cleanup(pb.CleanupRequest())

    router.send(session)

    assert kept(router, 1, after_event_id=newest) == [newest + 1]


def test_a_cursor_that_there_never_was_is_refused(router: RouterUnderTest) -> None:
    gone = refused(router, after_event_id=1_000_000)

    assert reason_of(gone) == "EVENTS_BEGAN_ANEW"


def test_who_is_behind_when_they_are_removed_hears_of_it(
    router: RouterUnderTest, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    are_gone, look = threading.Event(), trace.after

    def after(on: sqlite3.Connection, step_id: int, *more: Any) -> Any:
        if step_id:
            assert are_gone.wait(LIMIT)
        return look(on, step_id, *more)

    monkeypatch.setattr(trace, "after", after)
    for _ in range(WATCH_PAGE + 20):
        router.send(session)
    watch = router.watch()
    seen = [next(watch).event_id for _ in range(WATCH_PAGE)]
    router.write(aged(f"step_id <= {WATCH_PAGE + 10}"))
    router.control.Cleanup(pb.CleanupRequest())
    are_gone.set()

    with pytest.raises(grpc.RpcError) as error:
        next(watch)

    assert seen == list(range(1, WATCH_PAGE + 1))
    assert reason_of(error.value) == "EVENTS_GONE"
