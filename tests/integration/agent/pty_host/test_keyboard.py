"""The keyboard of a program's terminal, on a real pty: what it does when it may not or cannot type."""

import asyncio
import os
import pty
import tty
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import pytest

from agent.backends.terminals.terminal import carry_out
from agent.backends.terminals.typing_rules import Pace
from agent.domain.command import Action, Ending, Input, KeyPress, Outcome, Reason
from agent.pty_host.keyboard import SharedKeyboard


@dataclass
class Pair:
    """Both ends of a pty in raw mode."""

    master: int
    slave: int

    def got(self, length: int) -> bytes:
        """That many bytes of what was typed: they come in pieces."""
        data = b""
        while len(data) < length:
            data += os.read(self.slave, 100)
        return data


@pytest.fixture
def pair() -> Iterator[Pair]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    made = Pair(master, slave)
    yield made
    os.close(made.master)
    os.close(made.slave)


def play(pair: Pair, scene: Callable[[SharedKeyboard], Awaitable[Outcome]]) -> Outcome:
    async def scenes() -> Outcome:
        return await scene(SharedKeyboard(pair.master, draft_limit=0.05))

    return asyncio.run(scenes())


async def deliver(keyboard: SharedKeyboard, action: Action, before_enter: float = 0.0) -> Outcome:
    return await carry_out(keyboard, action, Pace(between=0.0, before_enter=before_enter))


def test_a_line_that_stays_half_typed_fails_the_delivery_and_says_why(pair: Pair) -> None:
    async def scene(keyboard: SharedKeyboard) -> Outcome:
        await keyboard.forward(b"half", person=True)
        return await deliver(keyboard, Input("from afar"))

    outcome = play(pair, scene)

    assert (outcome.ending, outcome.reason) == (Ending.FAILED, Reason.LINE_IN_USE)
    assert "half-typed line" in outcome.detail
    assert pair.got(4) == b"half"


@pytest.mark.parametrize("key", ["enter", "ctrl-c"])
def test_a_key_from_afar_that_ends_the_line_frees_it(pair: Pair, key: str) -> None:
    async def scene(keyboard: SharedKeyboard) -> Outcome:
        await keyboard.forward(b"half", person=True)
        await deliver(keyboard, KeyPress(key))
        return await deliver(keyboard, Input("from afar"))

    assert play(pair, scene) == Outcome.done()


def test_a_key_from_afar_comes_behind_a_text_that_is_being_typed(pair: Pair) -> None:
    async def scene(keyboard: SharedKeyboard) -> Outcome:
        typing = asyncio.create_task(deliver(keyboard, Input("x" * 1000)))
        await asyncio.to_thread(pair.got, 1)  # it has begun
        pressed = await deliver(keyboard, KeyPress("esc"))
        assert typing.done()
        return pressed

    assert play(pair, scene) == Outcome.done()


def test_input_that_is_no_person_s_holds_up_nothing(pair: Pair) -> None:
    async def scene(keyboard: SharedKeyboard) -> Outcome:
        await keyboard.forward(b"half a file", person=False)
        return await deliver(keyboard, Input(" and more", submit=False))

    assert play(pair, scene) == Outcome.done()
    assert pair.got(20) == b"half a file and more"


def test_a_program_that_ends_while_it_is_typed_into_leaves_doubt(pair: Pair) -> None:
    async def scene(keyboard: SharedKeyboard) -> Outcome:
        typing = asyncio.create_task(deliver(keyboard, Input("text"), before_enter=1.0))
        await asyncio.to_thread(os.read, pair.slave, 100)
        keyboard.end()
        return await typing

    outcome = play(pair, scene)

    assert (outcome.ending, outcome.reason) == (Ending.UNCERTAIN, Reason.TARGET_GONE)


def test_after_the_program_s_end_nothing_is_typed(pair: Pair) -> None:
    async def scene(keyboard: SharedKeyboard) -> Outcome:
        keyboard.end()
        return await deliver(keyboard, Input("late"))

    assert play(pair, scene) == Outcome.failed(Reason.TARGET_GONE, "the program has ended")


def test_what_the_program_shows_counts_as_its_answer_to_what_was_typed_last(pair: Pair) -> None:
    async def story() -> list[bool]:
        keyboard, seen = SharedKeyboard(pair.master), []
        await keyboard.type("words")
        seen.append(keyboard.answered())
        keyboard.saw(b"words")
        seen.append(keyboard.answered())
        await keyboard.type("more")
        return [*seen, keyboard.answered()]

    assert asyncio.run(story()) == [False, True, False]
