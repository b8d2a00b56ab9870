"""Presses of the router's own buttons. Each is bound to the message it stands under, and counts while that is the
newest word on its command.
"""

from dataclasses import dataclass

from msgspec.structs import replace

from router.domain import router_buttons
from router.domain.action import Action, KeyPress
from router.domain.command import Command, CommandState, Origin
from router.domain.control import ControlKind, ControlSignal
from router.domain.errors import Refusal
from router.domain.notification import Kind, Notification
from router.domain.router_buttons import Verb
from router.domain.routing import Inbound
from router.domain.session import Session, SessionState, bare_id
from router.domain.wording import answers, labels
from router.domain.wording import controls as wording
from router.domain.work import Shows
from router.services.chat import batches, deferrals, notes, proposals
from router.services.chat.batches import ChatBatches
from router.services.chat.deferrals import ChatDeferrals
from router.services.chat.notes import ChatNotes
from router.services.chat.proposals import ChatProposals
from router.services.delivery.dead_letters import DeadLetters
from router.services.delivery.engine import DeliveryEngine
from router.services.outbox.status_messages import StatusMessages
from router.store import chats, commands, notifications, sessions
from router.store.database import Transaction

_SHOWS = {each.value: each for each in Shows}


@dataclass(frozen=True, slots=True)
class Press:
    """What was asked for is an action for a session."""

    session_id: str
    action: Action


@dataclass(frozen=True, slots=True)
class Chosen:
    """The session that what was written is for, and the button that named it."""

    session_id: str
    label: str


@dataclass(frozen=True, slots=True)
class Voiced:
    """What is to become of a recording, and the button that said it."""

    verb: Verb
    label: str


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button of ours as it was read."""

    verb: Verb
    key: str
    label: str


@dataclass(frozen=True, slots=True)
class ChatButtons:
    """Answers a press with what to show the presser, or with an action for a session."""

    _delivery: DeliveryEngine
    _dead_letters: DeadLetters
    _status_messages: StatusMessages
    _deferrals: ChatDeferrals
    _batches: ChatBatches
    _notes: ChatNotes
    _proposals: ChatProposals

    def press(
        self, tx: Transaction, inbound: Inbound, note: Notification, action: str
    ) -> str | Press | Chosen | Voiced:
        """Do what a button under a status message or an answer says."""
        verb, key = router_buttons.verb_of(action)
        label = next((button.label for button in note.buttons if button.action == action), "")
        # The data of a press can be made up: what counts is what stands under the message.
        if verb is None or not label:
            return labels.STALE_BUTTON
        # Two people, or one impatient one: the first press counts.
        if note.pressed:
            return labels.ALREADY_PRESSED.format(label=note.pressed)
        if note.kind is Kind.ANSWER:
            return self._on_answer(tx, inbound, note, Pressed(verb, key, label))
        newest = notifications.newest_status_message(tx, note.command_id)
        # An older message of the command offers what no longer fits how it stands.
        if newest is None or newest.notification_id != note.notification_id:
            return labels.STALE_BUTTON
        try:
            return self._on_status_message(tx, inbound, commands.get(tx, note.command_id), verb, key)
        except Refusal as refusal:
            return answers.refused(refusal)

    def _on_answer(
        self, tx: Transaction, inbound: Inbound, note: Notification, pressed: Pressed
    ) -> str | Press | Chosen | Voiced:
        who = inbound.who
        ours = ((self._deferrals, deferrals.VERBS), (self._batches, batches.VERBS), (self._notes, notes.VERBS),
                (self._proposals, proposals.VERBS))  # fmt: skip
        if of := next((each for each, verbs in ours if pressed.verb in verbs), None):
            return of.press(tx, inbound, note, pressed.verb, pressed.key, pressed.label)
        match pressed.verb:
            case Verb.SAY | Verb.SAY_FILE | Verb.DONT_SAY:
                return Voiced(pressed.verb, pressed.label)
            case Verb.KEY if session := sessions.find(tx, note.session_id):
                self._status_messages.pressed(tx, note, pressed.label, who, answers.which_key(session))
                return Press(note.session_id, KeyPress(pressed.key))
            case Verb.MODE | Verb.MODEL if session := sessions.find(tx, note.session_id):
                kind = ControlKind(pressed.verb.value)
                asked = wording.mode(session) if kind is ControlKind.MODE else wording.model(session)
                self._status_messages.pressed(tx, note, pressed.label, who, asked)
                return Press(note.session_id, ControlSignal(kind, pressed.key))
            case Verb.HERE if session := _named(tx, pressed.key):
                return Chosen(session.session_id, pressed.label)
            case Verb.USE if session := _named(tx, pressed.key):
                chats.choose_session(tx, inbound.chat, session.session_id)
                self._status_messages.chosen(tx, note, pressed.label, who)
                return answers.CHOSEN.format(name=session.name, machine=session.machine_id)
            # Its session has ended since the button was made: no key fits.
            case Verb.HERE | Verb.USE:
                return answers.SESSION_IS_OVER
            case Verb.ASK | Verb.DONT_ASK:
                asks = pressed.verb is Verb.ASK
                chats.set_settings(tx, inbound.chat, replace(chats.settings(tx, inbound.chat), asks_first=asks))
                self._status_messages.chosen(tx, note, pressed.label, who, answers.POLICY[asks])
                return answers.POLICY[asks]
            case Verb.SHOW if pressed.key in _SHOWS:
                shows = _SHOWS[pressed.key]
                chats.set_settings(tx, inbound.chat, replace(chats.settings(tx, inbound.chat), shows=shows))
                self._status_messages.chosen(tx, note, pressed.label, who, answers.SHOWS[shows])
                return answers.SHOWS[shows]
        return labels.STALE_BUTTON

    def _on_status_message(self, tx: Transaction, inbound: Inbound, command: Command, verb: Verb, key: str) -> str:
        match verb:
            case Verb.RETRY:
                return self._again(tx, inbound, command, "")
            case Verb.TO if session := _named(tx, key):
                return self._again(tx, inbound, command, session.session_id)
            case Verb.TO:
                return answers.SESSION_IS_OVER
            case Verb.ELSEWHERE:
                return self._offer(tx, command)
            case Verb.BACK:
                self._status_messages.offer_cures(tx, command)
                return ""
            case Verb.DROP:
                self._dead_letters.drop(tx, command.command_id, inbound.actor)
                return labels.DROPPED
            case Verb.CANCEL:
                return self._cancel(tx, inbound, command)
            case Verb.CANCEL_ALL:
                return self._cancel_all(tx, inbound, command)
            case Verb.SEND if command.state is CommandState.QUEUED:
                self._delivery.allow(tx, command, inbound.actor)
                return labels.SENT_NOW
        return labels.STALE_BUTTON

    def _again(self, tx: Transaction, inbound: Inbound, command: Command, session_id: str) -> str:
        # Where the command came from, so that all that is said of it stands in one chat.
        origin = Origin(inbound.chat.transport, inbound.actor, command.origin.chat or inbound.chat)
        again = self._dead_letters.redrive(tx, command.command_id, session_id, origin)
        session = sessions.find(tx, again.session_id)
        return labels.SENT_AGAIN.format(name=session.name if session else again.session_id)

    def _offer(self, tx: Transaction, command: Command) -> str:
        some = sessions.page(tx, limit=router_buttons.MAX_OFFERED + 1)
        others = [session for session in some if bare_id(session.session_id) != bare_id(command.session_id)]
        if not others:
            return labels.NO_OTHER_SESSION
        self._status_messages.offer(tx, command, others)
        return labels.CHOOSE_ONE

    def _cancel(self, tx: Transaction, inbound: Inbound, command: Command) -> str:
        after = self._delivery.cancel(tx, command.command_id, inbound.actor)
        # It waited here. Else the machine decides, and its word comes later.
        if after.state is CommandState.CANCELLED:
            return labels.TAKEN_BACK
        asked = labels.TAKING_BACK.format(machine=command.machine_id)
        self._status_messages.settled(tx, command, asked, inbound.who)
        return asked

    def _cancel_all(self, tx: Transaction, inbound: Inbound, command: Command) -> str:
        # The one with the line is the last of them: until then the line counts what is left.
        told = [*self._status_messages.told_by(tx, command), command.command_id]
        for command_id in told:
            self._delivery.cancel(tx, command_id, inbound.actor)
        return answers.TOOK_BACK.format(commands=answers.counted(len(told), "commands"))


def _named(tx: Transaction, key: str) -> Session | None:
    if session_id := router_buttons.id_of(key):
        named = sessions.find(tx, session_id)
        return named if named and named.state is not SessionState.ENDED else None
    # Else a platform's button is too short for its id, and each session is asked whether its hash is meant.
    return next((each for each in sessions.living_ones(tx) if router_buttons.hash_of(each) == key), None)
