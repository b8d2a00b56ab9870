"""Work that a model would hand over to a coding agent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Proposal:
    """A person may start it. What is empty is left to the router."""

    prompt: str
    machine: str = ""
    agent: str = ""
    folder: str = ""
