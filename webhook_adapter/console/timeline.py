"""A conversation as far back as somebody looks: words are counted, and what was sent between them comes along."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from pointsman.client.records import Command, Notification
from webhook_adapter.console import present
from webhook_adapter.console.ports import ConsoleControl

PAGE = 50  # a command has at most 64 KiB of text and 4 KiB of detail: an answer stays well below 4 MiB
LONGEST = 5_000  # words
LIST_LENGTH = 50  # a command has at most 64 KiB of text and 4 KiB of detail, and gRPC takes answers of at most 4 MiB
_COMMANDS_PER_WORD = 4

Item = TypeVar("Item", Command, Notification)


def timeline(ask: ConsoleControl, session_id: str, depth: int) -> present.Json:
    """The newest `depth` words of a session and what was sent to it since, oldest first; and every open question.

    `more`: there is something older. `gap_at`: more was sent since the oldest word than is shown; what was sent before
    this time is left out.
    """
    words, more_words = _newest(
        lambda oldest: ask.words(session_id=session_id, limit=PAGE, before=oldest.notification_id if oldest else ""),
        lambda found: len(found) >= depth,
    )
    words = _whole(words) if more_words else words
    since = present.created(words[-1]) if words else 0.0

    def reaches_far(found: list[Command]) -> bool:
        """As far as the words, or as far as is sensible."""
        return len(found) >= depth and (present.created(found[-1]) < since or len(found) >= depth * _COMMANDS_PER_WORD)

    commands, more_commands = _newest(
        lambda oldest: ask.commands(session_id=session_id, limit=PAGE, before=oldest.command_id if oldest else ""),
        reaches_far,
    )
    shown = [one for one in commands if present.created(one) >= since] if more_words else commands
    is_cut = more_commands and bool(words) and present.created(commands[-1]) > since
    return {
        "items": present.chat([*words, *_missing(words, ask.open_questions(session_id))], shown),
        "more": more_words or more_commands,
        "gap_at": present.created(commands[-1]) if is_cut else None,
    }


def waiting(ask: ConsoleControl) -> present.Json:
    """Commands that wait for a person, and those that have not ended."""
    queued = ask.commands(states=present.LIVE_STATES, limit=LIST_LENGTH)
    return {"dead": present.commands(ask.dead_letters(LIST_LENGTH).commands), "queued": present.commands(queued)}


def _missing(words: Sequence[Notification], others: Sequence[Notification]) -> list[Notification]:
    known = {one.notification_id for one in words}
    return [one for one in others if one.notification_id not in known]


def _newest(
    page: Callable[[Item | None], Sequence[Item]], is_enough: Callable[[list[Item]], bool]
) -> tuple[list[Item], bool]:
    """Page after page, newest first, until it is enough; and whether there may be more."""
    found: list[Item] = []
    while not is_enough(found):
        older = page(found[-1] if found else None)
        found += older
        if len(older) < PAGE:
            return found, False
    return found, True


def _whole(words: list[Notification]) -> list[Notification]:
    """Without the oldest message: its copies for other platforms may be behind the end."""
    whole = [one for one in words[:-1] if not present.is_same_message(one, words[-1])]
    return whole or words
