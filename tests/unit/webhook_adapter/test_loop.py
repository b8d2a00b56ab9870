"""What waits on the loop keeps nothing else there waiting, and in a thread it is the same code."""

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from greenlet import getcurrent

from webhook_adapter import loop as waits
from webhook_adapter.loop import Loop, Place


class Turns:
    """A loop whose turns a test makes, and a clock that it sets."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.now = 0.0
        self.wakes = 0
        self._woken = threading.Semaphore(0)
        self.loop = Loop(self._wake, threads, lambda: self.now)

    def _wake(self) -> None:
        self.wakes += 1
        self._woken.release()

    def turn(self) -> None:
        """Once it is woken."""
        assert self._woken.acquire(timeout=20)
        self.loop.go_on()


@pytest.fixture
def turns() -> Iterator[Turns]:
    with ThreadPoolExecutor(4) as threads:
        yield Turns(threads)


def waiting(turns: Turns, told: list[object], timeout: float = 10.0) -> Place[object]:
    """A task that waits at a place, and tells what came."""
    places = list[Place[object]]()

    def task() -> None:
        places.append(waits.place())
        try:
            told.append(places[0].get(timeout=timeout))
        except queue.Empty:
            told.append("late")

    turns.loop.run(task)
    return places[0]


def in_thread(call: Callable[[], object]) -> object:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(call).result(20)


def test_in_a_thread_it_waits_for_what_another_one_puts() -> None:
    place = waits.place()
    in_thread(lambda: place.put("here"))

    assert place.get(timeout=1) == "here"


def test_on_the_loop_others_go_on_meanwhile(turns: Turns) -> None:
    told = list[object]()
    first, second = waiting(turns, told), waiting(turns, told)
    assert told == []

    in_thread(lambda: second.put("second"))
    turns.turn()
    in_thread(lambda: first.put("first"))
    turns.turn()

    assert told == ["second", "first"]


def test_what_comes_at_once_wakes_the_loop_once(turns: Turns) -> None:
    told = list[object]()
    places = [waiting(turns, told) for _ in range(5)]

    in_thread(lambda: [place.put(number) for number, place in enumerate(places)])
    turns.turn()

    assert told == [0, 1, 2, 3, 4]
    assert turns.wakes == 1


def test_who_has_waited_long_enough_goes_on_without(turns: Turns) -> None:
    told = list[object]()
    late = waiting(turns, told, timeout=10.0)
    turns.now = 9.9
    turns.loop.end_late()
    assert told == []

    turns.now = 10.0
    turns.loop.end_late()
    late.put("too late")
    turns.turn()

    assert told == ["late"]


def test_what_comes_while_its_task_does_something_else_is_there_when_it_waits(turns: Turns) -> None:
    told, places = list[object](), list[Place[object]]()
    go_on = threading.Event()

    def task() -> None:
        places.append(waits.place())
        waits.aside(lambda: go_on.wait(20))
        told.append(places[0].get(timeout=10.0))

    turns.loop.run(task)
    in_thread(lambda: places[0].put("early"))
    turns.turn()
    go_on.set()
    turns.turn()

    assert told == ["early"]


def test_a_task_may_wait_again(turns: Turns) -> None:
    told, places = list[object](), list[Place[object]]()

    def task() -> None:
        for _ in range(2):
            places.append(waits.place())
            told.append(places[-1].get(timeout=10))

    turns.loop.run(task)
    for number in range(2):
        places[number].put(number)
        turns.turn()

    assert told == [0, 1]


@pytest.mark.parametrize("error", [None, ValueError("no")])
def test_what_blocks_runs_in_a_thread(turns: Turns, error: Exception | None) -> None:
    told, ran_in = list[object](), list[int]()

    def call() -> str:
        ran_in.append(threading.get_ident())
        if error:
            raise error
        return "done"

    def task() -> None:
        try:
            told.append(waits.aside(call))
        except ValueError as raised:
            told.append(raised)

    turns.loop.run(task)
    turns.turn()

    assert told == [error or "done"]
    assert ran_in != [threading.get_ident()]
    assert waits.aside(threading.get_ident) == threading.get_ident()


def test_what_many_want_soon_is_done_once_at_the_end_of_the_turn(turns: Turns) -> None:
    done = list[int]()

    def call() -> None:
        done.append(1)

    for _ in range(3):
        turns.loop.run(lambda: waits.soon(call))
    assert done == []

    turns.loop.end_turn()
    turns.loop.end_turn()
    assert done == [1]
    waits.soon(call)
    assert done == [1, 1]


def test_no_more_wait_there_than_it_has_room_for(turns: Turns) -> None:
    told = list[object]()
    places = [waiting(turns, told) for _ in range(256)]
    assert not turns.loop.has_room

    places[0].put("there")
    turns.turn()

    assert turns.loop.has_room


def test_what_begins_runs_where_another_has_ended(turns: Turns) -> None:
    places = list[object]()

    for _ in range(3):
        turns.loop.run(lambda: places.append(getcurrent()))

    assert len(set(places)) == 1


def test_what_waits_is_in_nobodys_way(turns: Turns) -> None:
    told = list[object]()
    places = [waiting(turns, told) for _ in range(2)]
    turns.loop.run(lambda: told.append("between"))
    for place in places:
        place.put("came")
    turns.turn()

    assert told == ["between", "came", "came"]


def test_of_a_crowd_few_are_kept(turns: Turns) -> None:
    told = list[object]()
    places = [waiting(turns, told) for _ in range(200)]
    for place in places:
        place.put("came")
    turns.turn()

    assert told == ["came"] * 200
    assert len(turns.loop.idle) == 64
