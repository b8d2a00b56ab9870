"""What comes from chats that others hold, as a repository holds its issues: no more is done than their binding allows.

Whoever writes there may be nobody of ours, and everybody may read it. So words go to the session that was begun in
that chat, or begin one on the bound machine; of other sessions nothing is said, and nothing reaches them. The door has
looked whether who wrote may ask at all.
"""

import re
from dataclasses import dataclass

from msgspec.structs import replace

from router.domain import routing
from router.domain.action import StartSession
from router.domain.binding import Binding
from router.domain.command import CommandState, Origin
from router.domain.errors import Refusal
from router.domain.machine import MODEL
from router.domain.permission import Option, Permission
from router.domain.permission_input import Answer
from router.domain.person import Person, PersonRole
from router.domain.routing import Inbound
from router.domain.session import Session, SessionState
from router.domain.start import Wanted
from router.domain.wording import answers, quick
from router.domain.wording import bindings as wording
from router.domain.workspace import Workspace
from router.services import bindings
from router.services.chat.inbound import InboundService
from router.services.chat.proposals import ChatProposals
from router.services.chat.submission import MAX_ANSWER, Submitted, decided, submitted_as
from router.services.delivery.engine import DeliveryEngine
from router.services.outbox.status_messages import StatusMessages
from router.services.permissions import Permissions
from router.services.starts import Starts
from router.store import chats, commands, machines, permissions, sessions, workspace_moves
from router.store.database import Transaction

COMMANDS = frozenset(["stop", "cancel", "end"])
"""Of the router's, what is done there: each is about the session of that chat. `/new` begins another one in it."""
_ASK = re.compile(r"/?ask(?:\s+(.*))?", re.DOTALL | re.IGNORECASE)
_MOVED = 2.0  # seconds by which the platform's clock may be ahead of ours


@dataclass(frozen=True, slots=True)
class BoundChats:
    """Stands before the service that takes what everybody else writes."""

    inbound: InboundService
    proposals: ChatProposals
    _starts: Starts
    _permissions: Permissions
    _delivery: DeliveryEngine
    _status_messages: StatusMessages

    def submit(self, tx: Transaction, inbound: Inbound, became: str = "") -> Submitted:
        """Take one message or press. Raises Refusal where nothing is bound. `became`: the command to be taken back."""
        binding = bindings.get(tx, inbound.chat.transport, inbound.space)
        if inbound.takes_back:
            return self._take_back(tx, inbound, became)
        # What it first said was acted upon, and who may change it need not be who wrote it.
        if inbound.edited:
            return Submitted()
        session = _session_of(tx, inbound)
        inbound = replace(inbound, person=_only(session, inbound))
        if inbound.button is not None:
            return self._pressed(tx, inbound, binding)
        if asked := _ASK.fullmatch(inbound.text.strip()):
            return self._ask(tx, inbound, binding, asked[1] or "")
        command = routing.chat_command(inbound.text, routing.CHAT_COMMANDS)
        if command is not None and command.name == "new":
            return self._begin(tx, inbound, binding, command.argument)
        if command is not None and command.name not in COMMANDS:
            return self._answer(tx, inbound, wording.NOT_HERE)
        if session is None:
            return self._answer(tx, inbound, wording.NOTHING_RUNS) if command else self._words(tx, inbound, binding)
        if command is not None:
            return self.inbound.submit(tx, replace(inbound, reply_to="", session_id=""))
        if (answered := self._answered(tx, inbound, session)) is not None:
            return answered
        # To that session, whatever the words begin with: `/cmd` names others.
        said = replace(inbound, session_id=session.session_id, reply_to="", text=_with_context(inbound))
        return self.inbound.submit(tx, said)

    def _pressed(self, tx: Transaction, inbound: Inbound, binding: Binding) -> Submitted:
        if (offered := self.proposals.pressed(tx, inbound)) is None:
            return self.inbound.submit(tx, inbound)
        if not offered.prompt:
            return self._answer(tx, inbound, quick.NOT_KEPT)
        begun = self._begin(tx, inbound, binding, offered.prompt)
        if begun.command_id:
            self.proposals.begun(tx, offered.note, offered.label, inbound.who)
        return begun

    def _ask(self, tx: Transaction, inbound: Inbound, binding: Binding, text: str) -> Submitted:
        """Ask the model of the bound machine, and of no other; beside the session that words are for."""
        if not text.strip():
            return self._answer(tx, inbound, wording.HOW_TO_ASK)
        said = _with_context(replace(inbound, text=text))
        if session := self._delivery.quick.session_of(tx, inbound.chat):
            asked = replace(inbound, session_id=session.session_id, reply_to="", text=said)
            return self.inbound.submit(tx, replace(asked, person=_only(session, inbound)))
        wanted = Wanted(binding.machine_id, StartSession(said, agent=MODEL))
        return self._start(tx, inbound, wanted)

    def _words(self, tx: Transaction, inbound: Inbound, binding: Binding) -> Submitted:
        if not binding.autostart:
            return self._answer(tx, inbound, wording.BEGINS_NOTHING)
        return self._begin(tx, inbound, binding, inbound.text)

    def _begin(self, tx: Transaction, inbound: Inbound, binding: Binding, text: str) -> Submitted:
        """Begin a session in that chat: what is said there from now on is for it."""
        said = _with_context(replace(inbound, text=text)) if text.strip() else ""
        place = _workspace(tx, inbound, binding)
        machine_id = (place and workspace_moves.came_to(tx, place.key)) or binding.machine_id  # people brought it there
        wanted = Wanted(machine_id, StartSession(said, binding.folder, agent=binding.agent, workspace=place))
        begun = self._start(tx, inbound, wanted)
        if begun.command_id:
            chats.choose_session(tx, inbound.chat, begun.session_id)
        return begun

    def _start(self, tx: Transaction, inbound: Inbound, wanted: Wanted) -> Submitted:
        origin = Origin(inbound.chat.transport, inbound.actor, inbound.chat)
        try:
            # Beside those who hear of all: what a session asks is not for everybody's eyes, and must find its people.
            command = self._starts.start(tx, wanted, origin, note=inbound.update_key, is_public=True)
        except Refusal as refusal:
            return self._answer(tx, inbound, answers.refused(refusal))
        chats.set_wrote_in(tx, inbound.chat)
        return submitted_as(command)

    def _answered(self, tx: Transaction, inbound: Inbound, session: Session) -> Submitted | None:
        """Words that name an option answer the question that the session asked; None where they are none."""
        word = inbound.text.strip().casefold()
        there = permissions.open_of_session(tx, session.session_id)
        # What was asked only after somebody wrote cannot be what they meant, however late their words come.
        seen = [each for each in there if each.created_at < inbound.written_at - _MOVED]
        meant = [(each, option) for each in seen if (option := _option(each, word))]
        if not meant:
            return None
        if len(there) > 1:
            return self._answer(tx, inbound, wording.SEVERAL_QUESTIONS)
        asked, option = meant[0]
        told = self._permissions.answer(
            tx, replace(inbound, digest=asked.input_digest), asked.permission_id, Answer(option.option_id)
        )
        if told.command_id:
            return decided(tx, told)
        return replace(self._answer(tx, inbound, told.words, session.session_id), reason=told.reason)

    def _take_back(self, tx: Transaction, inbound: Inbound, became: str) -> Submitted:
        """A message is gone: what it became is not done where it has not begun."""
        command = commands.find(tx, became) if became else None
        if command is None or command.state is not CommandState.QUEUED:
            return Submitted()
        # Of this chat alone, whatever key somebody names.
        if command.origin.chat is None or command.origin.chat.chat_id != inbound.chat.chat_id:
            return Submitted()
        return submitted_as(self._delivery.cancel(tx, command.command_id, inbound.who))

    def _answer(self, tx: Transaction, inbound: Inbound, text: str, session_id: str = "") -> Submitted:
        chats.set_wrote_in(tx, inbound.chat)
        self._status_messages.answer(tx, inbound.chat, text, session_id)
        return Submitted(session_id=session_id, answer=text[:MAX_ANSWER])


def _session_of(tx: Transaction, inbound: Inbound) -> Session | None:
    """The session that was begun in that chat and has not ended."""
    session = sessions.find(tx, chats.chosen_session(tx, inbound.chat))
    return session if session is not None and session.state is not SessionState.ENDED else None


def _workspace(tx: Transaction, inbound: Inbound, binding: Binding) -> Workspace | None:
    """The clone that it works in; None where people chose a folder, or the machine has not said that it makes any."""
    machine = machines.find(tx, binding.machine_id)
    can = machine is not None and machine.capabilities is not None and machine.has_workspaces
    return inbound.workspace if can and not binding.folder and not binding.agent else None


def _only(session: Session | None, inbound: Inbound) -> Person:
    """Somebody who reaches that session and no other."""
    reached = session.session_id if session else "-"  # which is none's id
    return Person("", inbound.actor, PersonRole.OPERATOR, (), (reached,), 0.0)


def _with_context(inbound: Inbound) -> str:
    return f"{inbound.text.strip()}\n\n{inbound.context}" if inbound.context else inbound.text


def _option(asked: Permission, word: str) -> Option | None:
    """What of a question a word names: its number as it is shown, its label, or what it means."""
    shown = [option for option in asked.options if option.has_button]
    if word.isascii() and word.isdigit() and len(word) < 3:
        return shown[int(word) - 1] if 0 < int(word) <= len(shown) else None
    named = [option for option in shown if word in (option.label.casefold(), option.verdict.value)]
    return named[0] if len(named) == 1 else None
