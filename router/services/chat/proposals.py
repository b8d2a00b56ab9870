"""Work that a model would hand over: shown to the people of its session, and begun by whoever presses first.

Of a chat that others hold it is shown there alone, and begun as words there would: where its binding says.
"""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from router.clock import Clock
from router.domain import router_buttons, routing
from router.domain.command import ChatRef, Origin
from router.domain.errors import Refusal
from router.domain.notification import Button, Kind, Notification
from router.domain.proposal import Proposal
from router.domain.router_buttons import Verb
from router.domain.routing import Inbound
from router.domain.session import Session
from router.domain.unicode_escapes import WARNING
from router.domain.wording import answers, quick
from router.services.delivery.quick import QuickAnswers
from router.services.outbox.status_messages import StatusMessages
from router.services.people.audience import hearers
from router.services.starts import Starts
from router.store import bindings, notifications, proposals
from router.store.database import Transaction

VERBS = frozenset({Verb.BEGIN})


@dataclass(frozen=True, slots=True)
class Offered:
    """What may be begun: the message that it stands under, its button, and the prompt; empty where its day is over."""

    note: Notification
    label: str
    prompt: str


@dataclass(frozen=True, slots=True)
class ChatProposals:
    """Nothing is begun by a machine's word."""

    _starts: Starts
    _status_messages: StatusMessages
    _quick: QuickAnswers
    _clock: Clock
    _new_id: Callable[[], str]

    def proposed(self, tx: Transaction, session: Session, proposal: Proposal) -> None:
        """Show all of it, with a button. One of a session that is with no model alone is none."""
        if (chat := self._quick.chat_of(session.session_id)) is None:
            return
        is_held = bindings.holds(tx, chat.transport)
        there, name = ([chat], quick.THE_MODEL) if is_held else (hearers(tx, session), session.name)
        proposal = Proposal(proposal.prompt) if is_held else proposal
        if not proposal.is_sound:
            self._show(tx, there, quick.NOT_SHOWN.format(name=name), session)
            return
        proposal, proposal_id = proposal if is_held else self._placed(tx, proposal), self._new_id()
        proposals.add(tx, proposal_id, proposal, self._clock.now())
        text = quick.PROPOSED_HERE.format(prompt=proposal.shown) if is_held else _text(session, proposal)
        text = text if proposal.shown == proposal.prompt.strip() else f"{text}\n\n{WARNING}"
        self._show(tx, there, text, session, router_buttons.begin_button(proposal_id), first=proposal_id)

    def expire(self, tx: Transaction) -> float | None:
        """Where the day of one is over that nobody started, its messages say so; when the next one's is."""
        due, now = proposals.next_over(tx), self._clock.now()
        if due is None or due > now:
            return due
        for proposal_id in proposals.drop_over(tx, now):
            first = notifications.find(tx, proposal_id)  # none of those from before they had one id with it
            for copy in notifications.copies(tx, first) if first and not first.pressed else ():
                self._status_messages.change(tx, copy, f"{copy.text}\n\n{quick.DAY_IS_OVER}")
        return proposals.next_over(tx)

    def press(self, tx: Transaction, inbound: Inbound, note: Notification, _: Verb, key: str, label: str) -> str:
        """Start it, with the rights of whoever pressed; what to show them."""
        proposal = proposals.find(tx, key, self._clock.now())
        if proposal is None:
            return quick.NOT_KEPT
        origin = Origin(inbound.chat.transport, inbound.actor, inbound.chat)
        try:
            self._starts.start(tx, proposal.wanted, origin, note=inbound.update_key)
        except Refusal as refusal:
            return answers.refused(refusal)  # nothing is begun: it can be pressed again
        self.begun(tx, note, label, inbound.who)
        return quick.BEGUN

    def pressed(self, tx: Transaction, inbound: Inbound) -> Offered | None:
        """What a press in a chat that others hold is to begin; None where it is none, or not any more."""
        route = routing.route(inbound)
        if not isinstance(route, routing.ByButton):
            return None
        note, (verb, key) = notifications.by_token(tx, inbound.chat, route.token), router_buttons.verb_of(route.action)
        label = next((each.label for each in note.buttons if each.action == route.action), "") if note else ""
        if note is None or not label or note.pressed or note.kind is not Kind.ANSWER or verb not in VERBS:
            return None
        proposal = proposals.find(tx, key, self._clock.now())
        return Offered(note, label, proposal.prompt if proposal else "")

    def begun(self, tx: Transaction, note: Notification, label: str, who: str) -> None:
        """It counts once, from whichever chat."""
        for copy in notifications.copies(tx, note):
            self._status_messages.chosen(tx, copy, label, who)

    def _show(
        self, tx: Transaction, there: list[ChatRef], text: str, session: Session, *buttons: Button, first: str = ""
    ) -> None:
        self._status_messages.ask_all(tx, there, text, session.session_id, buttons, first)

    def _placed(self, tx: Transaction, proposal: Proposal) -> Proposal:
        """With the machine that it would be begun on now, so that people see it and no other is taken later."""
        try:
            return replace(proposal, machine_id=self._starts.checked(tx, proposal.wanted).machine_id)
        except Refusal:  # until somebody presses, that may change
            return proposal


def _text(session: Session, proposal: Proposal) -> str:
    return quick.PROPOSED.format(
        name=session.name, agent=proposal.agent or quick.CLAUDE, machine=proposal.machine_id or quick.ANY_MACHINE,
        folder=proposal.folder or quick.ANY_FOLDER, prompt=proposal.shown,
    )  # fmt: skip
