"""All targets, and the inputs that once broke one: `corpus/TARGET/` has a file for each."""

from collections.abc import Sequence
from pathlib import Path

from tests.fuzz import on_adapter, on_machines, on_mail, on_programs, on_router
from tests.fuzz.target import TARGETS, Target

CORPUS = Path(__file__).with_name("corpus")
MODULES = (on_adapter, on_machines, on_mail, on_programs, on_router)


def kept(target: Target) -> Sequence[Path]:
    """The inputs that once broke it."""
    return sorted((CORPUS / target.name).glob("*"))


def beginnings(target: Target) -> list[bytes]:
    """What a run begins with."""
    return [*target.seeds, *(path.read_bytes() for path in kept(target))]


__all__ = ["TARGETS", "beginnings", "kept"]
