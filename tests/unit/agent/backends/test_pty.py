"""The agent's side of `pointsman run`: deliveries out, outcomes back, and doubt where the connection broke."""

import asyncio
from collections.abc import Callable

import pytest

from agent.backends.pty import Attachment, PtyBackend
from agent.domain.command import Ending, Input, KeyPress, Outcome, Reason
from agent.domain.session import Session

SESSION = Session("s1", "pty")
OTHER = Session("s2", "pty")

Answer = Callable[[PtyBackend, dict[str, object]], None]


class Host:
    """A host at the other end of a connection: keeps what it is sent and does what the test says."""

    def __init__(self, backend: PtyBackend, answer: Answer) -> None:
        self.messages: list[dict[str, object]] = []
        self._backend = backend
        self._answer = answer

    async def send(self, message: dict[str, object]) -> None:
        self.messages.append(message)
        self._answer(self._backend, message)


def done(backend: PtyBackend, message: dict[str, object]) -> None:
    backend.outcome({"type": "outcome", "delivery": message["delivery"], "ending": "done"})


def silent(backend: PtyBackend, message: dict[str, object]) -> None:
    """Says nothing."""


def breaks(*_: object) -> None:
    raise ConnectionResetError("gone")


def answers(**fields: object) -> Answer:
    return lambda backend, message: backend.outcome({"delivery": message["delivery"], **fields})


def test_a_text_goes_out_and_its_outcome_comes_back() -> None:
    async def scene() -> tuple[Outcome, list[dict[str, object]]]:
        backend = PtyBackend()
        host = Host(backend, done)
        backend.attach("s1", host.send)
        return await backend.deliver(SESSION, Input("hi", submit=False)), host.messages

    outcome, messages = asyncio.run(scene())

    assert outcome == Outcome.done()
    assert messages == [{"type": "deliver", "delivery": 1, "text": "hi", "submit": False}]


def test_a_key_goes_out_by_its_name() -> None:
    async def scene() -> list[dict[str, object]]:
        backend = PtyBackend()
        host = Host(backend, done)
        backend.attach("s1", host.send)
        await backend.deliver(SESSION, KeyPress("esc"))
        return host.messages

    assert asyncio.run(scene()) == [{"type": "deliver", "delivery": 1, "key": "esc"}]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (answers(ending="failed", reason="TARGET_GONE", detail="x"), Outcome.failed(Reason.TARGET_GONE, "x")),
        (answers(ending="uncertain", reason="NEW_WORD"), Outcome.uncertain(Reason.BACKEND_ERROR)),
        (answers(ending="new word"), Outcome.uncertain(Reason.NONE)),
        (breaks, Outcome.uncertain(Reason.TARGET_GONE, "the connection to the terminal broke: gone")),
        (silent, Outcome.uncertain(Reason.BACKEND_ERROR, "the terminal did not answer for 0.01 s")),
    ],
    ids=["failed", "unknown reason", "unknown ending", "broken", "silent"],
)
def test_every_answer_becomes_an_outcome(answer: Answer, outcome: Outcome) -> None:
    async def scene() -> Outcome:
        backend = PtyBackend(limit=0.01)
        backend.attach("s1", Host(backend, answer).send)
        return await backend.deliver(SESSION, Input("hi"))

    assert asyncio.run(scene()) == outcome


def test_without_a_host_nothing_was_typed() -> None:
    outcome = asyncio.run(PtyBackend().deliver(SESSION, Input("hi")))

    assert (outcome.ending, outcome.reason) == (Ending.FAILED, Reason.TARGET_GONE)


def lose(backend: PtyBackend, attachment: Attachment) -> None:
    backend.detach(attachment)


def replace(backend: PtyBackend, attachment: Attachment) -> None:
    backend.attach(attachment.session_id, Host(backend, silent).send)


@pytest.mark.parametrize("end", [lose, replace])
def test_a_connection_that_ends_leaves_doubt(end: Callable[[PtyBackend, Attachment], None]) -> None:
    async def scene() -> Outcome:
        backend = PtyBackend()
        sent = asyncio.Event()
        attachment = backend.attach("s1", Host(backend, lambda *_: sent.set()).send)
        delivery = asyncio.create_task(backend.deliver(SESSION, Input("hi")))
        await sent.wait()
        end(backend, attachment)
        return await delivery

    outcome = asyncio.run(scene())

    assert (outcome.ending, outcome.reason) == (Ending.UNCERTAIN, Reason.TARGET_GONE)


def test_a_host_that_lost_its_place_does_not_take_it_from_the_newer_one() -> None:
    async def scene() -> tuple[Outcome, bool]:
        backend = PtyBackend()
        older = backend.attach("s1", Host(backend, silent).send)
        backend.attach("s1", Host(backend, done).send)
        backend.detach(older)
        return await backend.deliver(SESSION, Input("hi")), await backend.alive(SESSION)

    assert asyncio.run(scene()) == (Outcome.done(), True)


def test_an_answer_reaches_the_delivery_it_names_and_no_other() -> None:
    async def scene() -> tuple[Outcome, Outcome]:
        backend = PtyBackend(limit=0.05)
        sent = asyncio.Event()
        backend.attach("s1", Host(backend, lambda *_: sent.set()).send)
        backend.attach("s2", Host(backend, done).send)
        first = asyncio.create_task(backend.deliver(SESSION, Input("hi")))
        await sent.wait()
        second = await backend.deliver(OTHER, Input("hi"))
        return await first, second

    first, second = asyncio.run(scene())

    assert (first.ending, second.ending) == (Ending.UNCERTAIN, Ending.DONE)


def test_alive_means_attached() -> None:
    async def scene() -> tuple[bool, bool, bool]:
        backend = PtyBackend()
        before = await backend.alive(SESSION)
        attachment = backend.attach("s1", Host(backend, done).send)
        during = await backend.alive(SESSION)
        backend.detach(attachment)
        return before, during, await backend.alive(SESSION)

    assert asyncio.run(scene()) == (False, True, False)


@pytest.mark.parametrize("message", [{}, {"delivery": 7, "ending": "done"}, {"delivery": "1"}])
def test_an_answer_to_nothing_is_dropped(message: dict[str, object]) -> None:
    async def scene() -> bool:
        backend = PtyBackend()
        backend.attach("s1", Host(backend, done).send)
        backend.outcome(message)
        return await backend.alive(SESSION)

    assert asyncio.run(scene())
