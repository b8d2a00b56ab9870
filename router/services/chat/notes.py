"""/remember, /recall, /notes and /forget, and the buttons under what they say and under what sessions want known."""

from dataclasses import dataclass

from router.domain import router_buttons
from router.domain.errors import Refusal
from router.domain.note import Note, NoteScope, NoteState, Speaker
from router.domain.notification import Notification
from router.domain.router_buttons import Verb
from router.domain.routing import Inbound
from router.domain.session import Session
from router.domain.wording import answers
from router.domain.wording import notes as wording
from router.services.chat.deferrals import Said
from router.services.memory import speakers
from router.services.memory.notes import Memory
from router.services.outbox.status_messages import StatusMessages
from router.store import notifications, sessions
from router.store.database import Transaction

COMMANDS = frozenset(["remember", "recall", "notes", "forget"])
VERBS = frozenset({Verb.KEEP_NOTE, Verb.FORGET_NOTE, Verb.TAKE_NOTE})
MOST_LISTED = 20
MOST_ASKED = 5  # of those that wait, a message each


@dataclass(frozen=True, slots=True)
class ChatNotes:
    """Answers with what is said."""

    _memory: Memory
    _status_messages: StatusMessages

    def run(self, tx: Transaction, inbound: Inbound, name: str, argument: str, about: str, target: str) -> list[Said]:
        """Carry out one of COMMANDS; `about`: the session that it was said under, `target`: else the chosen one."""
        speaker = speakers.of_inbound(tx, inbound)
        try:
            match name:
                case "remember" if argument:
                    return [self._remember(tx, speaker, argument, _session(tx, target))]
                case "recall" if argument:
                    found = self._memory.recall(tx, speaker, argument, _session(tx, about), MOST_LISTED)
                    return [Said(wording.listed(found, wording.NOTHING_FOUND))]
                case "forget" if argument.lstrip("#").isdecimal():
                    number = int(argument.lstrip("#")[:15])
                    self._memory.forget(tx, speaker, number)
                    return [Said(wording.FORGOTTEN.format(number=number))]
                case "notes":
                    return self._notes(tx, speaker, _session(tx, about))
            return [Said(wording.HOW[name])]
        except Refusal as refusal:
            return [Said(answers.refused(refusal))]

    def press(self, tx: Transaction, inbound: Inbound, shown: Notification, verb: Verb, key: str, label: str) -> str:
        """Do what one of VERBS says; what to show the presser."""
        speaker, number = speakers.of_inbound(tx, inbound), int(key)
        try:
            said = self._pressed(tx, speaker, verb, number)
        except Refusal as refusal:
            return answers.refused(refusal)
        now = notifications.find(tx, shown.notification_id)
        if now is not None and not now.pressed:  # else it is one of those that asked, and says so already
            text = said if verb is not Verb.KEEP_NOTE else ""
            self._status_messages.chosen(tx, shown, label, speaker.name, text)
        return said

    def _pressed(self, tx: Transaction, speaker: Speaker, verb: Verb, number: int) -> str:
        match verb:
            case Verb.KEEP_NOTE:
                return wording.noted(self._memory.keep(tx, speaker, number))
            case Verb.TAKE_NOTE:
                return wording.noted(self._memory.take(tx, speaker, number))
        self._memory.forget(tx, speaker, number)
        return wording.FORGOTTEN.format(number=number)

    def _remember(self, tx: Transaction, speaker: Speaker, text: str, session: Session | None) -> Said:
        note = self._memory.remember(tx, speaker, text, None, session)
        verbs = [Verb.FORGET_NOTE]
        if note.place.scope is not NoteScope.PERSON and note.author == speaker.name:
            verbs.append(Verb.TAKE_NOTE)
        buttons = tuple(router_buttons.note_button(verb, note.number) for verb in verbs)
        return Said(wording.noted(note), buttons, note.session_id)

    def _notes(self, tx: Transaction, speaker: Speaker, session: Session | None) -> list[Said]:
        found = self._memory.list(tx, speaker, session, MOST_LISTED)
        known = [each for each in found if each.state is NoteState.KEPT]
        waiting = [each for each in found if each.state is NoteState.WAITING][:MOST_ASKED]
        listed = [Said(wording.listed(known, wording.NOTHING))] if known or not waiting else []
        return listed + [_asked(each) for each in waiting]


def _asked(note: Note) -> Said:
    return Said(wording.asks(note, note.author), router_buttons.waiting_note_buttons(note.number), note.session_id)


def _session(tx: Transaction, session_id: str) -> Session | None:
    return sessions.find(tx, session_id) if session_id else None
