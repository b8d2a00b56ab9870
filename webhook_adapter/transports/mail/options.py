"""The choices under a message: numbered in a mail, and chosen by number or by their words. Nothing is guessed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_REASON = "reason"  # the router's button that asks for words: they come as a reply to the question
_NUMBER = re.compile(r"[#(]?\s*([0-9]{1,2})\s*[.):]?")
_EDGE = re.compile(r"^[\W_]+|[\W_]+$")


@dataclass(frozen=True, slots=True)
class Option:
    """One choice. `data`: what choosing it sends back. `with_words`: it is nothing without a text behind it."""

    number: int
    label: str
    data: str
    with_words: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody chose, and what they said with it."""

    option: Option
    words: str = ""


def numbered(buttons: Iterable[tuple[str, str]]) -> tuple[Option, ...]:
    """The choices of buttons: what they are called, and what they send back."""
    return tuple(
        Option(number, label, data, with_words=data.rpartition(":")[2] == _REASON)
        for number, (label, data) in enumerate(buttons, 1)
    )


def chosen(options: Iterable[Option], text: str) -> Choice | None:
    """What a text chooses; None where it is not exactly one of them."""
    options = tuple(options)
    if found := _named(options, text):
        return None if found.with_words else Choice(found)
    head, colon, words = text.partition(":")
    found = _named(options, head) if colon else None
    return Choice(found, words.strip()) if found and found.with_words and words.strip() else None


def _named(options: tuple[Option, ...], text: str) -> Option | None:
    number, said = _NUMBER.fullmatch(text.strip()), _bare(text)
    fit = {each.number for each in options if said and _bare(each.label) == said}
    # A label may be a number itself, and not its own: then both are meant, and nobody knows which.
    fit |= {each.number for each in options if number and each.number == int(number[1])}
    return next(each for each in options if each.number in fit) if len(fit) == 1 else None


def _bare(text: str) -> str:
    """Without what stands around the words: an emoji, a full stop."""
    return _EDGE.sub("", " ".join(text.split())).casefold()
