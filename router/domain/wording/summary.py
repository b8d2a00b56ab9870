"""What people read each morning, where they want that."""

from collections.abc import Sequence

MOST_SESSIONS = 20
TEXT = "what there is"
EACH_DAY = "every day {at}"
HEAD = "☀️ {sessions}{asked}{letters}"
_SESSIONS = {0: "No session runs.", 1: "One session:"}
_MANY = "{count} sessions:"
_ASKED = {0: " Nothing is asked.", 1: " One question is open."}
_MANY_ASKED = " {count} questions are open."
_LETTERS = {0: "", 1: " One text could not be delivered: /dead"}
_MANY_LETTERS = " {count} texts could not be delivered: /dead"
LINE = "• {name} - {machine}{doing}"
ENDED = "Ended since yesterday: {names}"
MORE = "… and {count} more: /sessions"
ON = "☀️ A summary comes here {when}. /summary off ends that; /scheduled shows it."
OFF = "No summary comes here any more."
HOW = "/summary 8:00 tells you each morning how your sessions stand; /summary off ends that."


def summary(lines: Sequence[str], living: int, ended: Sequence[str], asked: int, letters: int) -> str:
    """How the sessions of a chat stand."""
    head = HEAD.format(
        sessions=_SESSIONS.get(living, _MANY.format(count=living)),
        asked=_ASKED.get(asked, _MANY_ASKED.format(count=asked)),
        letters=_LETTERS.get(letters, _MANY_LETTERS.format(count=letters)),
    )
    more = [MORE.format(count=living - len(lines))] if living > len(lines) else []
    over = [ENDED.format(names=", ".join(ended[:MOST_SESSIONS]))] if ended else []
    return "\n".join([head, *lines, *more, *over])
