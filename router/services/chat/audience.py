"""Who hears of what, and how loud, and who somebody is: /follow, /unfollow, /mute, /unmute,
/iam and /escalate.
"""

import re
from dataclasses import dataclass

from router.domain import concern, escalation
from router.domain.command import ChatRef
from router.domain.routing import Inbound
from router.domain.session import Session, bare_id
from router.domain.wording import answers, people
from router.domain.wording import escalations as wording
from router.services import escalations
from router.services.chat.settings import SettingsCommands
from router.services.people import audience, rights
from router.services.people.pairing import Pairing
from router.store import people as people_store
from router.store import sessions
from router.store.database import Transaction

COMMANDS = frozenset(["follow", "unfollow", "iam", "escalate", "mute", "unmute"])
_MAX_NAMED = 10
_SPAN = re.compile(r"(?:in\s)?\d+\s?(?:m|min|minutes?|h|hours?|d|days?)(?:\s?\d+\s?m)?")


@dataclass(frozen=True, slots=True)
class AudienceCommands:
    """Answers with what is said."""

    _pairing: Pairing
    _settings: SettingsCommands

    def run(self, tx: Transaction, inbound: Inbound, name: str, argument: str, about: str) -> str:
        """Carry out one of COMMANDS; `about` is the session that was chosen or answered. Raises Refusal."""
        if name == "iam":
            return (
                people.YOU_ARE.format(name=self._pairing.join(tx, inbound, argument).name) if argument else people.IAM
            )
        if name == "escalate":
            return _escalate(tx, inbound, argument)
        wanted, until = _until(argument) if name == "mute" else (argument, "")
        found = _named(tx, inbound, wanted, about)
        if isinstance(found, str):
            return found
        if name == "mute":
            return self._settings.mute(tx, inbound.chat, found, until)
        if name == "unmute":
            return self._settings.unmute(tx, inbound.chat, found)
        if name == "follow":
            return answers.FOLLOWS.format(name=audience.follow(tx, found.session_id, [inbound.chat]).name)
        return answers.LEFT.format(name=audience.unfollow(tx, found.session_id, [inbound.chat]).name)


def matching(there: list[Session], wanted: str) -> list[Session]:
    """By id, by label, else by a part of the label or the beginning of the id."""
    try_exact = [s for s in there if s.name == wanted or bare_id(s.session_id) == bare_id(wanted)]
    low = wanted.lower()
    # A part of a name only where no name is exactly that: else `api` could not be chosen beside `api-2`.
    return try_exact or [s for s in there if low in s.name.lower() or s.session_id.lower().startswith(low)]


def _until(argument: str) -> tuple[str, str]:
    """The name of a session and a time, where there are such: `api until 9:00`, `until fri 18:00`, `2h`."""
    before, until, after = f" {argument} ".partition(" until ")
    if until:
        return before.strip(), after.strip()
    return ("", argument) if _SPAN.fullmatch(argument) else (argument, "")


def _escalate(tx: Transaction, inbound: Inbound, wanted: str) -> str:
    """How who writes is asked again; whom the settings let in may have said who they are."""
    here = people_store.paired(tx, ChatRef(inbound.chat.transport, inbound.chat.chat_id), inbound.user_id)
    person_id = inbound.person.person_id if inbound.person else here.person_id if here else ""
    if (also := concern.among(wanted)) is not None:
        people_store.set_concerns(tx, person_id, concern.as_kept(also))
    elif wanted:
        escalations.set_ladder(tx, person_id, escalation.read(wanted))
    return wording.ladder(*escalations.told(tx, person_id))


def _named(tx: Transaction, inbound: Inbound, wanted: str, about: str) -> Session | str:
    """The session that is meant, or why nothing was done."""
    if not wanted:
        return sessions.find(tx, about) or answers.FOLLOW_WHICH
    found = matching(rights.reached(inbound.person, sessions.living_ones(tx)), wanted)
    if len(found) > 1:
        return answers.SEVERAL_TO_FOLLOW.format(names=", ".join(each.session_id for each in found[:_MAX_NAMED]))
    return found[0] if found else answers.NO_SUCH_SESSION.format(wanted=wanted)
