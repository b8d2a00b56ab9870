"""/workspaces in a chat: what is there, and what a person says of one of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from router.domain.command import Origin
from router.domain.errors import Refusal
from router.domain.person import Deed
from router.domain.routing import Inbound
from router.domain.scope import EVERYTHING
from router.domain.wording import workspaces as wording
from router.domain.workspace import Shown, WorkspaceState, label
from router.services.janitor import Janitor
from router.services.people import rights
from router.services.workspaces import reaches
from router.store import workspaces
from router.store.database import Transaction

_OVER = {"close": True, "keep": False}


@dataclass(frozen=True, slots=True)
class ChatWorkspaces:
    """Answers with what is said."""

    _janitor: Janitor

    def run(self, tx: Transaction, inbound: Inbound, argument: str) -> str:
        """Those that whoever asks reaches; with an argument, one of them is closed or kept."""
        person = inbound.person
        there = [each for each in workspaces.shown(tx) if each.known.state is not WorkspaceState.GONE]
        there = [each for each in there if person is None or reaches(tx, person.scope, each.known)]
        if not argument:
            return wording.listed(there)
        verb, _, name = argument.partition(" ")
        if verb == "move" and len(words := name.split()) == 2:
            return rights.refusal(tx, person, Deed.TYPE, "") or self._move(
                tx, inbound, _named(there, words[0]), words[1]
            )
        if (over := _OVER.get(verb)) is None or not name.strip():
            return wording.HOW
        return rights.refusal(tx, person, Deed.TYPE, "") or self._say(
            tx, inbound, _named(there, name.strip()), over=over
        )

    def _say(self, tx: Transaction, inbound: Inbound, found: Sequence[Shown], *, over: bool) -> str:
        if len(found) != 1:
            return wording.which(found)
        key = found[0].known.key
        self._janitor.say(tx, key, inbound.actor or inbound.chat.transport, over=over)
        return wording.now(workspaces.seen(tx, workspaces.get(tx, key)))

    def _move(self, tx: Transaction, inbound: Inbound, found: Sequence[Shown], machine_id: str) -> str:
        if len(found) != 1:
            return wording.which(found)
        key, scope = found[0].known.key, inbound.person.scope if inbound.person else EVERYTHING
        who = Origin(inbound.chat.transport, inbound.actor, inbound.chat)
        try:
            self._janitor.workspaces.move(tx, workspaces.get(tx, key), machine_id, who, scope)
        except Refusal as refusal:
            return refusal.text
        return wording.now(workspaces.seen(tx, workspaces.get(tx, key)))


def _named(there: Sequence[Shown], name: str) -> list[Shown]:
    """By its key, or else by what people call it."""
    by_key = [each for each in there if each.known.key == name]
    return by_key or [each for each in there if label(each.known.key, each.known.repository) == name]
