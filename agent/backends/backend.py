"""The seam between the executor and a terminal: one action in, one outcome out."""

from typing import Protocol

from agent.domain.command import Action, Outcome
from agent.domain.session import Session


class Backend(Protocol):
    """A way to type into a session.

    The executor calls `deliver` for one action of a session at a time and never again for the same command. A backend
    reports what it knows: failed only when nothing was typed, uncertain when something may have been.
    """

    name: str

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
