"""What a person means by the name of something: its id, its label, or a part of its id. Pure.

The best way in which a name fits decides, and among those it must fit once: the whole id; the label; the label in other
letters; the label of what is over; the beginning or the end of the id. What is over is found by its id first, so that
nobody who names it by that reaches something else that looks alike.
"""

import re
from collections.abc import Iterable

from msgspec import Struct

from router.domain.session import bare_id, is_uuid

_ID_LETTERS = re.compile(r"[A-Za-z0-9._:@/-]+")
SHORTEST = 4  # characters of an id that may stand for it


class Named(Struct, frozen=True):
    """Something that can be named; `where` tells it from others of its label."""

    identity: str
    label: str = ""
    where: str = ""
    over: bool = False

    def __str__(self) -> str:
        """For people who must choose."""
        return " ".join(part for part in (self.label, f"({self.identity})", self.where and f"on {self.where}") if part)


def fitting(name: str, things: Iterable[Named]) -> list[Named]:
    """What the name fits best; nothing, one thing, or several that it fits alike."""
    things = list(things)
    living = [thing for thing in things if not thing.over]
    # An id is no label: else somebody could give theirs the label of another's id, and get what is meant for that.
    labelled = [] if is_uuid(name) else things
    ways = (
        [thing for thing in things if bare_id(thing.identity) == bare_id(name)],
        [thing for thing in labelled if not thing.over and thing.label == name],
        [thing for thing in labelled if not thing.over and thing.label.casefold() == name.casefold()],
        [thing for thing in labelled if thing.label == name],
        [thing for thing in living if is_part(name, thing.identity)],
        [thing for thing in things if is_part(name, thing.identity)],
    )
    return next((way for way in ways if way), [])


def is_part(name: str, identity: str) -> bool:
    """Whether the name is long enough a piece of the id: its beginning, in whatever dress, or its end."""
    long_enough = len(name) >= SHORTEST
    return long_enough and (identity.startswith(name) or bare_id(identity).startswith(name) or identity.endswith(name))


def could_be_id(name: str) -> bool:
    """Whether it has only what ids are made of."""
    return _ID_LETTERS.fullmatch(name) is not None


def several(name: str, found: list[Named]) -> str:
    """What to tell whoever gave a name that fits several."""
    shown = ", ".join(map(str, found[:5]))
    return f"{name!r} fits {len(found)}: {shown}" if len(found) <= 5 else f"{name!r} fits more than 5: {shown}, …"
