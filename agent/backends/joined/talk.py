"""A conversation in a person's terminal that the agent takes part in, whatever program has it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.backends.joined.programs import Found
from agent.domain.acp_question import Form, Json, Permission
from agent.domain.session_event import What


@dataclass(frozen=True, slots=True)
class Dialog:
    """A question that stands on its screen. `name` is the program's own for it, the same however often it is heard of.

    `answer` says what a person chose, with what they wrote beside a no, and whether those words went along; without it
    the screen has the question, as before.
    """

    name: str
    about: Permission | Form
    answer: Callable[[Json, str], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Ears:
    """Who hears what happens in a conversation; each is awaited, in order."""

    took: Callable[[], Awaitable[None]]  # the text that it is being given
    happened: Callable[[Sequence[What]], None]
    asked: Callable[[Dialog], Awaitable[None]]
    asked_there: Callable[[str], Awaitable[None]]  # what only its terminal can answer, in words
    answered: Callable[[str], Awaitable[None]]  # the dialog of that name is gone, whoever answered it
    works: Callable[[], Awaitable[None]]  # a turn has begun, or goes on
    finished: Callable[[str], Awaitable[None]]  # a turn, with these words for people
    rests: Callable[[], Awaitable[None]]  # it has done with all that it has


class Talk(Protocol):
    """One that is open. It has ended, for us, once `how` says how."""

    @property
    def conversation_id(self) -> str: ...

    @property
    def how(self) -> str:
        """It can be reached no more, for people; empty while it can."""

    @property
    def is_busy(self) -> bool:
        """A turn goes on: a text would disturb it."""

    @property
    def is_asking(self) -> bool:
        """A dialog is on its screen."""

    async def say(self, content: str) -> None:
        """Returns once it says that it has the text. Raises Refused where it will not have it, Ended in doubt."""

    async def interrupt(self) -> bool:
        """Stop the turn; False where there is none. Raises TimeoutError where it does not stop."""

    async def leave(self) -> None:
        """Take part no more. What it does goes on."""


@dataclass(frozen=True, slots=True)
class Place:
    """A program in a terminal, and what it talks about now."""

    program: Found
    conversation_id: str
    title: str = ""
    cwd: str = ""


class Kind(Protocol):
    """One coding agent that can be joined."""

    @property
    def title(self) -> str: ...

    @property
    def names(self) -> frozenset[str]:
        """What its processes call themselves."""

    async def places(self, found: Sequence[Found]) -> Sequence[Place]:
        """Which of these can be joined now, and where."""

    async def join(self, place: Place, ears: Ears) -> Talk:
        """Take part. Raises Refused, Ended, TimeoutError, OSError."""

    async def close(self) -> None:
        """Leave all."""
