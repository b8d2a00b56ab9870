"""What people read of questions that nobody answered."""

from collections.abc import Sequence

from router.domain.permission import Permission
from router.domain.wording.concerns import ALONE, ALSO

NO_PERSON = "There is no person {person_id}. `pointsman people` lists them."
STOOD_IN = "it was shown elsewhere in its place"
ENDED_HERE = "the chat shows how it ended"
NEVER_SHOWN = "what it changes was shown elsewhere"
LADDER = "Who does not answer a question is asked again: {ladder}, then once a day. {hint}"
HINT = "/escalate 10m push, 20m again, 1h mail! changes that (! in quiet hours, too); /escalate off asks once."
LADDER_OFF = "Questions come once, everywhere at once. /escalate 15m again, 30m mail changes that."
_STILL_OPEN = "⏳ Still open since {since}{days}:\n\n{asks}"
_DAYS = (" (a day)", " ({count} days)")
_BEHIND = ("Behind it waits a text: {texts}", "Behind it wait {count} texts: {texts}")
_LONG = 800  # characters of what is asked: who decides about more looks at the question itself
_CUT = "{shown}… ({count} more characters: answer where all of it stands, above)"
_QUOTED = 3  # texts
DAY = 24 * 3600.0


def is_long(asked: Permission) -> bool:
    """Whether a reminder does not show all that is decided about, and so is nothing to be answered by."""
    return len(asked.input) > _LONG


def beginning(asks: str) -> str:
    """As much of a long question as a reminder shows."""
    return _CUT.format(shown=asks[:_LONG], count=len(asks) - _LONG)


def still_open(asks: str, since: str, waited: float, behind: Sequence[str]) -> str:
    """That a question still waits: since when, and what depends on it."""
    whole = int(waited // DAY)
    days = _DAYS[whole > 1].format(count=whole) if whole else ""
    said = _STILL_OPEN.format(since=since, days=days, asks=asks)
    if not behind:
        return said
    texts = ", ".join(f"“{text}”" for text in behind[:_QUOTED]) + (", …" if len(behind) > _QUOTED else "")
    return f"{said}\n\n{_BEHIND[len(behind) > 1].format(count=len(behind), texts=texts)}"


def ladder(said: str, concerns: str) -> str:
    """How a person is asked again, and what goes up their ladder beside questions."""
    told = LADDER.format(ladder=said, hint=HINT) if said != "off" else LADDER_OFF
    return f"{told} {ALSO.format(concerns=concerns) if concerns != 'none' else ALONE}"
