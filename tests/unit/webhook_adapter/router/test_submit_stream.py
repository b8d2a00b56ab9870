"""The inbound stream, over a stream made of queues."""

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from pointsman.client.errors import RouterError
from pointsman.client.records import Chat, CommandState
from tests.waiting import PATIENCE, wait_until
from webhook_adapter.loop import Loop
from webhook_adapter.model import Submission, Submitted
from webhook_adapter.router.errors import unavailable
from webhook_adapter.router.submit_stream import Answer, Item, SubmitStream

REFUSED = RouterError("NOT_FOUND", "no such session", "SESSION_UNKNOWN")


def submission(key: str, text: str = "hello") -> Submission:
    return Submission(key, Chat("telegram", "99"), "telegram:99", text)


def stored(item: Item) -> Answer:
    return item[0], Submitted(item[1].update_key, CommandState.QUEUED, "s1", "", duplicate=False)


class Wire:
    """One stream's other end: keeps the frames, answers when told to."""

    def __init__(self, frames: Iterator[list[Item]]) -> None:
        self.frames: list[list[Item]] = []
        self._answers: queue.SimpleQueue[list[Answer] | RouterError | None] = queue.SimpleQueue()
        self.ended = threading.Event()
        threading.Thread(target=self._take, args=(frames,), daemon=True).start()

    def _take(self, frames: Iterator[list[Item]]) -> None:
        for frame in frames:
            self.frames.append(frame)
        self.ended.set()

    @property
    def items(self) -> list[Item]:
        return [item for frame in list(self.frames) for item in frame]

    def answer(self, *answers: Answer) -> None:
        self._answers.put(list(answers))

    def lose(self, error: RouterError | None = None) -> None:
        self._answers.put(error)

    def replies(self) -> Iterator[list[Answer]]:
        while (answer := self._answers.get()) is not None:
            if isinstance(answer, RouterError):
                raise answer
            yield answer


class Wires:
    """Opens streams, and gives them to the test in order."""

    def __init__(self) -> None:
        self.opened: list[Wire] = []

    def open(self, frames: Iterator[list[Item]]) -> Iterator[list[Answer]]:
        wire = Wire(frames)
        self.opened.append(wire)
        return wire.replies()

    def wire(self, number: int) -> Wire:
        return wait_until(lambda: self.opened[number] if len(self.opened) > number else None) or self.opened[number]


@pytest.fixture
def wires() -> Wires:
    return Wires()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def test_each_thread_gets_its_own_answer(wires: Wires, pool: ThreadPoolExecutor) -> None:
    stream = SubmitStream(wires.open)
    waiting = {key: pool.submit(stream.submit, submission(key)) for key in ("a", "b", "c")}
    wire = wires.wire(0)
    wait_until(lambda: len(wire.items) == 3)

    wire.answer(*[stored(item) for item in reversed(wire.items)])

    assert {key: each.result(PATIENCE).command_id for key, each in waiting.items()} == {"a": "a", "b": "b", "c": "c"}
    assert len(wires.opened) == 1


def test_what_has_gathered_goes_in_one_frame(pool: ThreadPoolExecutor) -> None:
    wires, read, gate = Wires(), threading.Event(), threading.Event()

    def open_gated(frames: Iterator[list[Item]]) -> Iterator[list[Answer]]:
        def gated() -> Iterator[list[Item]]:
            for frame in frames:
                read.set()
                gate.wait(PATIENCE)
                yield frame

        return wires.open(gated())

    stream = SubmitStream(open_gated)
    waiting = [pool.submit(stream.submit, submission("first"))]
    read.wait(PATIENCE)
    waiting += [pool.submit(stream.submit, submission(key)) for key in ("a", "b", "c")]
    wait_until(lambda: stream.waiting == 4)
    gate.set()
    wire = wires.wire(0)
    wait_until(lambda: len(wire.items) == 4)
    wire.answer(*[stored(item) for item in wire.items])

    assert [each.result(PATIENCE).command_id for each in waiting] == ["first", "a", "b", "c"]
    assert [len(frame) for frame in wire.frames] == [1, 3]


def test_a_long_turn_of_the_loop_does_not_keep_the_router_waiting(wires: Wires, pool: ThreadPoolExecutor) -> None:
    stream, loop = SubmitStream(wires.open), Loop(lambda: None, pool)

    def come(count: int) -> None:
        for _ in range(count):
            loop.run(partial(stream.submit, submission("one of many"), PATIENCE))

    come(8)
    wait_until(lambda: len(wires.wire(0).items) == 8)
    come(3)
    loop.end_turn()
    wait_until(lambda: len(wires.wire(0).items) == 11)

    assert [len(frame) for frame in wires.wire(0).frames] == [8, 3]


def test_a_refused_item_fails_alone(wires: Wires, pool: ThreadPoolExecutor) -> None:
    stream = SubmitStream(wires.open)
    bad, good = pool.submit(stream.submit, submission("bad")), pool.submit(stream.submit, submission("good"))
    wire = wires.wire(0)
    wait_until(lambda: len(wire.items) == 2)
    numbers = {item.update_key: number for number, item in wire.items}
    wire.answer((numbers["bad"], REFUSED), stored((numbers["good"], submission("good"))))

    assert good.result(PATIENCE).command_id == "good"
    with pytest.raises(RouterError, match="SESSION_UNKNOWN"):
        bad.result(PATIENCE)


def test_an_item_of_a_lost_stream_goes_on_a_new_one(wires: Wires, pool: ThreadPoolExecutor) -> None:
    stream = SubmitStream(wires.open)
    waiting = pool.submit(stream.submit, submission("a"))
    wait_until(lambda: wires.wire(0).items)
    wires.wire(0).lose()
    wait_until(lambda: wires.wire(1).items)
    wires.wire(1).answer(stored(wires.wire(1).items[0]))

    assert waiting.result(PATIENCE).command_id == "a"
    assert wires.wire(0).ended.wait(PATIENCE)


def test_who_loses_two_streams_is_told(wires: Wires, pool: ThreadPoolExecutor) -> None:
    stream = SubmitStream(wires.open)
    waiting = pool.submit(stream.submit, submission("a"))
    wires.wire(0).lose(unavailable("the router is away"))
    wires.wire(1).lose(unavailable("the router is away"))

    with pytest.raises(RouterError, match="the router is away") as told:
        waiting.result(PATIENCE)
    assert told.value.status == "UNAVAILABLE"


def test_a_new_stream_is_opened_for_what_comes_after_a_loss(wires: Wires, pool: ThreadPoolExecutor) -> None:
    stream = SubmitStream(wires.open)
    first = pool.submit(stream.submit, submission("a"))
    wires.wire(0).lose(unavailable("away"))
    wires.wire(1).lose(unavailable("away"))
    with pytest.raises(RouterError):
        first.result(PATIENCE)

    second = pool.submit(stream.submit, submission("b"))
    wait_until(lambda: wires.wire(2).items)
    wires.wire(2).answer(stored(wires.wire(2).items[0]))

    assert second.result(PATIENCE).command_id == "b"


def test_a_router_that_does_not_answer_is_not_waited_for_without_end(wires: Wires) -> None:
    with pytest.raises(RouterError, match="in time"):
        SubmitStream(wires.open).submit(submission("a"), timeout=0.01)


def test_an_item_that_would_break_the_stream_is_refused_before_it(wires: Wires) -> None:
    with pytest.raises(RouterError, match="TOO_LARGE"):
        SubmitStream(wires.open).submit(submission("a", "x" * 200_000))

    assert wires.opened == []


def test_a_frame_stays_below_what_the_router_takes(wires: Wires, pool: ThreadPoolExecutor) -> None:
    stream = SubmitStream(wires.open)
    waiting = [pool.submit(stream.submit, submission(str(n), "ä" * 60_000)) for n in range(8)]
    wire = wires.wire(0)
    wait_until(lambda: len(wire.items) == 8)
    wire.answer(*[stored(item) for item in wire.items])

    assert [each.result(PATIENCE).command_id for each in waiting] == [str(n) for n in range(8)]
    assert max(sum(len(item.text.encode()) for _, item in frame) for frame in wire.frames) < 1024 * 1024


def test_closing_ends_the_stream(wires: Wires, pool: ThreadPoolExecutor) -> None:
    stream = SubmitStream(wires.open)
    waiting = pool.submit(stream.submit, submission("a"))
    wait_until(lambda: wires.wire(0).items)
    wires.wire(0).answer(stored(wires.wire(0).items[0]))
    waiting.result(PATIENCE)

    stream.close()

    assert wires.wire(0).ended.wait(PATIENCE)
