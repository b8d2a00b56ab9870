"""Presses of the router's own buttons. Each is bound to the message it stands under, and counts while that is the
newest word on its command.
"""

from dataclasses import dataclass, replace

from router.domain import choices, wording
from router.domain.choices import Verb
from router.domain.command import Action, Command, CommandState, KeyPress, Origin
from router.domain.errors import Refusal
from router.domain.notification import Kind, Notification
from router.domain.routing import Inbound
from router.domain.session import Session, bare_id
from router.services.dead_letters import DeadLetters
from router.services.delivery import Delivery
from router.services.receipts import Receipts
from router.store import commands, messages, notifications, places, sessions
from router.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Press:
    """What was asked for is an action for a session."""

    session_id: str
    action: Action


class ChatButtons:
    """Answers a press with what to show the presser, or with an action for a session."""

    def __init__(self, delivery: Delivery, dead_letters: DeadLetters, receipts: Receipts) -> None:
        self._delivery = delivery
        self._dead_letters = dead_letters
        self._receipts = receipts

    def press(self, tx: Transaction, inbound: Inbound, note: Notification, action: str) -> str | Press:
        """Do what a button under a receipt or an answer says."""
        verb, key = choices.verb_of(action)
        if verb is None or all(button.action != action for button in note.buttons):
            return wording.STALE_BUTTON
        if note.kind is Kind.ANSWER:
            return self._on_answer(tx, inbound, note, verb, key)
        newest = notifications.newest_receipt(tx, note.command_id)
        if newest is None or newest.notification_id != note.notification_id:
            return wording.STALE_BUTTON
        try:
            return self._on_receipt(tx, inbound, commands.get(tx, note.command_id), verb, key)
        except Refusal as refusal:
            return wording.refused(refusal)

    def _on_answer(self, tx: Transaction, inbound: Inbound, note: Notification, verb: Verb, key: str) -> str | Press:
        match verb:
            case Verb.KEY:
                return Press(note.session_id, KeyPress(key))
            case Verb.USE if session := _named(tx, key):
                messages.choose_session(tx, inbound.chat, session.session_id)
                return wording.CHOSEN.format(name=session.name, machine=session.machine_id)
            case Verb.ASK | Verb.DONT_ASK:
                asks = verb is Verb.ASK
                places.wish(tx, inbound.chat, replace(places.wishes(tx, inbound.chat), asks_first=asks))
                self._receipts.pressed(tx, note)
                return wording.POLICY[asks]
        return wording.STALE_BUTTON

    def _on_receipt(self, tx: Transaction, inbound: Inbound, command: Command, verb: Verb, key: str) -> str:
        match verb:
            case Verb.RETRY:
                return self._again(tx, inbound, command, "")
            case Verb.TO if session := _named(tx, key):
                return self._again(tx, inbound, command, session.session_id)
            case Verb.ELSEWHERE:
                return self._offer(tx, command)
            case Verb.BACK:
                self._receipts.offer_cures(tx, command)
                return ""
            case Verb.DROP:
                self._dead_letters.drop(tx, command.command_id, inbound.actor)
                return wording.DROPPED
            case Verb.CANCEL:
                return self._cancel(tx, inbound, command)
            case Verb.SEND if command.state is CommandState.QUEUED:
                self._delivery.allow(tx, command, inbound.actor)
                return wording.SENT_NOW
        return wording.STALE_BUTTON

    def _again(self, tx: Transaction, inbound: Inbound, command: Command, session_id: str) -> str:
        origin = Origin(inbound.chat.transport, inbound.actor, command.origin.chat or inbound.chat)
        again = self._dead_letters.redrive(tx, command.command_id, session_id, origin)
        session = sessions.find(tx, again.session_id)
        return wording.SENT_AGAIN.format(name=session.name if session else again.session_id)

    def _offer(self, tx: Transaction, command: Command) -> str:
        others = [s for s in sessions.page(tx) if bare_id(s.session_id) != bare_id(command.session_id)]
        if not others:
            return wording.NO_OTHER_SESSION
        self._receipts.offer(tx, command, others)
        return wording.CHOOSE_ONE

    def _cancel(self, tx: Transaction, inbound: Inbound, command: Command) -> str:
        after = self._delivery.cancel(tx, command.command_id, inbound.actor)
        taken_back = after.state is CommandState.CANCELLED
        return wording.TAKEN_BACK if taken_back else wording.TAKING_BACK.format(machine=command.machine_id)


def _named(tx: Transaction, key: str) -> Session | None:
    return next((session for session in sessions.page(tx) if choices.key_of(session) == key), None)
