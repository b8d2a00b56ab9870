"""What a program says beside what we talk about with it, for those alone who read along."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Offered:
    """What may be typed behind a slash."""

    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """What the conversation cost so far in US dollars, and how many tokens its context has room for."""

    cost: float
    context_size: int


@dataclass(frozen=True, slots=True)
class Begun:
    """An answer of the model begins."""

    answer_id: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """It goes on."""

    text: str


@dataclass(frozen=True, slots=True)
class Whole:
    """It is said."""


Aside = Offered | Figures | Begun | Chunk | Whole
