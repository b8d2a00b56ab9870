"""Who waits wakes a machine, once; who has nothing to do leaves; and what it costs has bounds."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

import pytest

from pointsman.providers.loop import Loop
from pointsman.providers.pool import Entry, Pool
from pointsman.providers.provider import Provided, ProviderError, State, Unsure, Wanted
from pointsman.providers.watch import Seen

RESTS = Seen(is_known=True, is_connected=True, waiting=0, works=False)
AWAY = Seen(is_known=True, works=False)


class AtOnce(Executor):
    """Carries out what it is given before it comes back."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


class Never(Executor):
    """Is slow: what it is given is not done yet."""

    def __init__(self) -> None:
        self.given = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":  # noqa: ARG002
        self.given += 1
        return Future()


@dataclass
class Machines:
    """A provider; `trouble` is what its next calls meet, by verb."""

    states: dict[str, State]
    said: list[tuple[str, str]] = field(default_factory=list)
    trouble: dict[str, Exception] = field(default_factory=dict)
    after: Callable[[str], object] = lambda _: None

    def ensure(self, wanted: Wanted) -> Provided:
        raise AssertionError(wanted)

    def start(self, key: str) -> Provided:
        return self._became(key, "start", State.RUNNING)

    def stop(self, key: str) -> Provided:
        return self._became(key, "stop", State.STOPPED)

    def destroy(self, key: str) -> None:
        raise AssertionError(key)

    def listed(self) -> list[Provided]:
        self.after("listed")
        if error := self.trouble.get("listed"):
            raise error
        return [Provided(key, state, key) for key, state in self.states.items()]

    def _became(self, key: str, verb: str, state: State) -> Provided:
        self.said.append((verb, key))
        if error := self.trouble.pop(verb, None):
            raise error
        self.states[key] = state
        return Provided(key, state, key)


@dataclass
class Counted:
    times: list[tuple[str, float]] = field(default_factory=list)

    def within_an_hour(self, key: str, now: float) -> int:
        return sum(name == key and now - then < 3600 for name, then in self.times)

    def note(self, key: str, now: float) -> None:
        self.times.append((key, now))


class Scene:
    def __init__(self, *keys: str, executor: Executor | None = None, **limits: Any) -> None:
        self.machines, self.counted, self.time = Machines(dict.fromkeys(keys, State.STOPPED)), Counted(), 1000.0
        self.seen = dict.fromkeys(keys, AWAY)
        self.pool = Pool({key: Entry(key, "local") for key in keys}, **limits)
        self.executor = executor or AtOnce()
        self.begin()

    def begin(self) -> None:
        """Also what a successor does, of whom nothing was kept but the counts."""
        self.loop = Loop(
            self.pool, dict.fromkeys(self.pool.machines, self.machines), lambda: self.seen, self.counted,
            self.executor, lambda: self.time, lambda: self.time,
        )  # fmt: skip

    def rounds(self, count: int, apart: float = 2.0) -> list[tuple[str, str]]:
        for _ in range(count):
            self.loop.round()
            self.time += apart
        return self.machines.said


def waiting(count: int) -> Seen:
    return Seen(is_known=True, is_connected=False, waiting=count, works=False)


def test_many_commands_wake_it_once() -> None:
    scene = Scene("a")
    scene.seen["a"] = waiting(40)

    assert scene.rounds(30) == [("start", "a")]


def test_nothing_that_waits_wakes_nothing() -> None:
    assert Scene("a", "b").rounds(3000) == []


def test_one_that_the_router_does_not_know_is_not_started() -> None:
    scene = Scene("a")
    scene.seen["a"] = Seen(waiting=3)

    assert scene.rounds(10) == []


def test_it_leaves_after_a_while_in_which_nothing_was_to_do() -> None:
    scene = Scene("a")
    scene.machines.states["a"], scene.seen["a"] = State.RUNNING, RESTS
    before = list(scene.rounds(450))  # 15 minutes, but the last look
    after = scene.rounds(2)

    assert (before, after) == ([], [("stop", "a")])


AT_WORK = {
    "a command": Seen(is_known=True, is_connected=True, waiting=1, works=False),
    "a session": Seen(is_known=True, is_connected=True, works=True),
    "nobody knows what": Seen(is_known=True, is_connected=False, works=False),
}


@pytest.mark.parametrize("seen", AT_WORK.values(), ids=AT_WORK)
def test_while_it_has_something_to_do_it_stays(seen: Seen) -> None:
    scene = Scene("a")
    scene.machines.states["a"] = State.RUNNING
    scene.seen["a"] = RESTS
    scene.rounds(440)
    scene.seen["a"] = seen
    scene.rounds(1)
    scene.seen["a"] = RESTS  # what came before does not count any more

    assert scene.rounds(440) == []


def test_what_comes_while_it_is_to_leave_keeps_it() -> None:
    scene = Scene("a")
    scene.machines.states["a"], scene.seen["a"] = State.RUNNING, RESTS
    scene.machines.after = lambda _: scene.seen.update(a=AT_WORK["a command"])

    assert scene.rounds(600) == []


def test_whoever_dies_at_the_start_starts_no_second_one() -> None:
    scene = Scene("a")
    scene.seen["a"] = waiting(1)
    scene.machines.trouble["start"] = KeyboardInterrupt()  # it is asked for, and here we end
    with pytest.raises(KeyboardInterrupt):
        scene.rounds(1)
    scene.machines.states["a"] = State.STARTING
    scene.begin()

    assert scene.rounds(30) == [("start", "a")]
    assert len(scene.counted.times) == 1


def test_how_often_it_is_started_is_bounded_also_over_deaths() -> None:
    scene = Scene("a", starts_an_hour=3)
    scene.seen["a"] = waiting(1)
    for _ in range(40):
        scene.machines.states["a"] = State.STOPPED  # it dies at once
        scene.rounds(1, apart=60)
        scene.begin()
    within = len(scene.machines.said)
    scene.time += 3600
    scene.machines.states["a"] = State.STOPPED

    assert within == 3
    assert len(scene.rounds(1)) == 4


def test_no_more_are_up_than_may_be() -> None:
    scene = Scene("a", "b", "c", most_up=2)
    scene.seen |= dict.fromkeys("abc", waiting(1))
    started = list(scene.rounds(60))
    first = started[0][1]
    scene.machines.states[first], scene.seen[first] = State.STOPPED, AWAY  # it left, by whatever
    scene.rounds(600)

    assert len(started) == 2
    assert sorted(scene.machines.said) == [("start", key) for key in "abc"]


def test_of_one_whose_provider_does_not_say_it_is_taken_to_be_up() -> None:
    scene = Scene("a", "b", most_up=1)
    silent = Machines({}, trouble={"listed": Unsure("silence")})
    scene.loop.providers = {"a": scene.machines, "b": silent}
    scene.seen["a"] = waiting(1)

    assert scene.rounds(60) == []


def test_a_slow_provider_is_not_called_twice_and_holds_up_no_other() -> None:
    slow = Never()
    scene = Scene("a", "b", executor=slow)
    scene.seen |= dict.fromkeys("ab", waiting(1))
    scene.rounds(500)

    assert slow.given == 2


@pytest.mark.parametrize("error", [ProviderError("no"), Unsure("silence"), OSError("disk"), RuntimeError("bug")])
@pytest.mark.parametrize("verb", ["listed", "start"])
def test_what_goes_wrong_is_tried_again_ever_less_often(verb: str, error: Exception) -> None:
    scene = Scene("a", starts_an_hour=60)
    scene.seen["a"] = waiting(1)
    scene.machines.trouble[verb] = error
    scene.rounds(5)
    scene.machines.trouble.clear()
    scene.rounds(60)

    assert scene.machines.states["a"] is State.RUNNING


def test_a_broken_one_and_one_that_is_gone_are_left_to_a_person(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene("a", "b")
    scene.seen |= dict.fromkeys("ab", waiting(1))
    scene.machines.states = {"a": State.BROKEN}

    assert scene.rounds(600) == []
    assert sorted(record.message.partition(":")[0] for record in caplog.records) == ["machine a", "machine b"]  # once
