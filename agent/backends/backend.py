"""The seam between the executor and a terminal: one action in, one outcome out; and what else is asked of backends."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from agent.backends.terminals.keyboard import Keyboard
from agent.domain.command import Action, Outcome
from agent.domain.control import CONTROLS, MODES, ControlKind
from agent.domain.session import Session


class Backend(Protocol):
    """A way to type into a session.

    The executor calls `deliver` for one action of a session at a time and never again for the same command. A backend
    reports what it knows: failed only when nothing was typed, uncertain when something may have been.
    """

    async def deliver(self, session: Session, action: Action) -> Outcome:
        """Carry out one action. Never raises for what the terminal does: that is a failed outcome."""

    async def obstacle(self, session: Session, action: Action) -> str:
        """Why this action has to wait, for people: a dialog is open that it would confirm. Empty when it may go."""

    async def clear_line(self, session: Session) -> None:
        """Take away what an interrupted delivery may have left on the input line, so that nothing is joined to it.

        Never raises for what the terminal does: the delivery that follows will say.
        """

    async def release(self, session: Session) -> None:
        """The session is over: end what this backend has started for it. Never raises."""

    async def alive(self, session: Session) -> bool:
        """Whether the registered process is still the one behind the target."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What there is to ask about a backend, so that nobody asks for its name."""

    target_key: str = ""  # what the target of a session must name
    hosted: bool = False  # the agent runs the program: it can start and end it, and both end together
    in_folder: bool = True  # what it runs does so in one; else it knows of none
    attaches: bool = False  # its host comes to the agent, and comes again: nobody else can register it
    joins: bool = False  # its programs become sessions by themselves: nobody else can register one
    tells_states: bool = False  # the program itself tells, in order, what it takes, does and asks: hooks add nothing
    agents: tuple[str, ...] = ()  # the coding agents that it runs, by the names that people know them by
    title: Callable[[Session], str] = lambda _: "its program"  # what people call the one of a session
    modes: Callable[[Session], tuple[str, ...]] = lambda _: (
        MODES
    )  # of a program that it runs or types into, as far as they are seen
    controls: tuple[ControlKind, ...] = CONTROLS
    typed_into: bool = True  # else a session is known by its hooks alone, until a better place is found for it
    screen: Callable[[Session], Keyboard] | None = None  # opens what shows people a terminal that they cannot see


class Entry(NamedTuple):
    """A line of the table in registry.py."""

    backend: Backend
    traits: Traits = Traits()


class Backends:
    """Those of one agent, by name."""

    def __init__(self, table: Mapping[str, Entry]) -> None:
        self.table = table

    def get(self, name: str) -> Backend | None:
        """None for one that is not here: the sessions of another version may name it."""
        return self.table[name].backend if name in self.table else None

    def traits(self, name: str) -> Traits:
        """Of one that is not here, none."""
        return self.table[name].traits if name in self.table else Traits()

    def of_agent(self, name: str) -> str:
        """The name of the one that runs that coding agent; empty where there is none."""
        return self.which(lambda traits: traits.hosted and name in traits.agents)

    @property
    def agents(self) -> tuple[str, ...]:
        """The coding agents that can be run, whether or not they are installed."""
        return tuple(name for entry in self.table.values() for name in entry.traits.agents)

    def which(self, has: Callable[[Traits], bool]) -> str:
        """The name of the one with that trait; empty where there is none."""
        return next((name for name, entry in self.table.items() if has(entry.traits)), "")
