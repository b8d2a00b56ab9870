"""What people write in chats: find the session, accept the command, answer what is no command. One transaction each."""

from dataclasses import dataclass

from router.clock import Clock
from router.domain import routing, wording
from router.domain.command import Action, Command, CommandState, Input, Origin
from router.domain.errors import Refusal
from router.domain.routing import Inbound, Route
from router.services.chat_commands import ChatCommands
from router.services.delivery import Delivery, Draft
from router.services.receipts import Receipts
from router.store import messages, notifications
from router.store.database import Transaction

MAX_ANSWER = 200  # characters; what a button press can show


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of it: a command, or an answer."""

    command_id: str = ""
    state: CommandState | None = None
    session_id: str = ""
    answer: str = ""


class InboundService:
    """Routes inbound messages. A refusal is an answer to the person; only a database error is an error to the door."""

    def __init__(self, delivery: Delivery, receipts: Receipts, chat_commands: ChatCommands, clock: Clock) -> None:
        self.now = clock.now
        self._delivery = delivery
        self._receipts = receipts
        self._chat_commands = chat_commands

    def submit(self, tx: Transaction, inbound: Inbound) -> Submitted:
        """Take one message or button press."""
        return self._follow(tx, inbound, routing.route(inbound))

    def _follow(self, tx: Transaction, inbound: Inbound, route: Route) -> Submitted:
        match route:
            case routing.ToSession(session_id, text):
                return self._type(tx, inbound, session_id, Input(text))
            case routing.ByToken(token, text):
                named = notifications.by_token(tx, inbound.chat, token)
                return self._type_or(tx, inbound, named.session_id if named else "", text, wording.NO_SUCH_NAME)
            case routing.ByReply(message_id, text):
                if session_id := messages.session_of(tx, inbound.chat, message_id):
                    return self._type(tx, inbound, session_id, Input(text))
                return self._follow(tx, inbound, routing.without_reply(text))
            case routing.ByButton(token, action):
                return self._press(tx, inbound, token, action)
            case routing.ChatCommand(name, argument):
                return self._command(tx, inbound, name, argument)
            case routing.ToChosen(text):
                return self._type_or(tx, inbound, messages.chosen_session(tx, inbound.chat), text, wording.NO_SESSION)
            case routing.Unreadable(text):
                return Submitted(answer=text)

    def _type_or(self, tx: Transaction, inbound: Inbound, session_id: str, text: str, otherwise: str) -> Submitted:
        if session_id:
            return self._type(tx, inbound, session_id, Input(text))
        return self._answer(tx, inbound, otherwise)

    def _press(self, tx: Transaction, inbound: Inbound, token: str, name: str) -> Submitted:
        notification = notifications.by_token(tx, inbound.chat, token)
        action = routing.action_of(name, notification.buttons) if notification else None
        if notification is None or action is None:
            return Submitted(answer=wording.STALE_BUTTON)
        return self._type(tx, inbound, notification.session_id, action)

    def _command(self, tx: Transaction, inbound: Inbound, name: str, argument: str) -> Submitted:
        reply = self._chat_commands.run(tx, inbound.chat, name, argument)
        if isinstance(reply, str):
            return self._answer(tx, inbound, reply)
        return self._type(tx, inbound, reply.session_id, reply.action)

    def _type(self, tx: Transaction, inbound: Inbound, session_id: str, action: Action) -> Submitted:
        if action == Input(""):
            return self._answer(tx, inbound, wording.EMPTY)
        origin = Origin(inbound.chat.transport, inbound.actor, inbound.chat)
        try:
            command = self._delivery.accept(tx, Draft(session_id, action, origin, note=inbound.update_key))
        except Refusal as refusal:
            return self._answer(tx, inbound, refusal.text, session_id)
        return Submitted(command.command_id, command.state, command.session_id, _pressed(command))

    def _answer(self, tx: Transaction, inbound: Inbound, text: str, session_id: str = "") -> Submitted:
        self._receipts.answer(tx, inbound.chat, text, session_id)
        return Submitted(session_id=session_id, answer=text[:MAX_ANSWER])


def _pressed(command: Command) -> str:
    return f"Sending: {wording.quoted(command)}"[:MAX_ANSWER]
