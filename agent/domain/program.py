"""A program that sessions can be started with here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Program:
    """One that would be started here. What is said of it is for people; `has_login` is None where nobody knows."""

    name: str
    version: str = ""
    mode: str = ""
    lacks: str = ""
    has_login: bool | None = None
