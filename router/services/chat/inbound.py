"""What people write in chats: find the session, accept the command, answer what is no command. One transaction each."""

from dataclasses import dataclass, field
from functools import partial

from msgspec.structs import replace

from router.clock import Clock
from router.domain import control, router_buttons, routing
from router.domain.action import Action, Input
from router.domain.command import MAX_TEXT_BYTES, ChatRef, Origin
from router.domain.errors import Refusal
from router.domain.notification import Button, Kind, Notification
from router.domain.person import Deed
from router.domain.routing import Inbound, Route
from router.domain.session import SessionState
from router.domain.subscription import PUSH
from router.domain.wording import answers, labels
from router.services import files
from router.services.chat import deferrals, notes, starts
from router.services.chat.answer_rules import ChatAnswerRules
from router.services.chat.buttons import ChatButtons, Chosen, Press, Voiced
from router.services.chat.commands import ChatCommands
from router.services.chat.deferrals import ChatDeferrals, Said
from router.services.chat.notes import ChatNotes
from router.services.chat.pages import Pages
from router.services.chat.starts import ChatStarts
from router.services.chat.submission import MAX_ANSWER, Submitted, decided, submitted_as
from router.services.chat.voices import Voices
from router.services.controls import Controls
from router.services.delivery.drafts import Draft
from router.services.outbox import bundles
from router.services.outbox.status_messages import StatusMessages
from router.services.people import rights
from router.services.permissions import Permissions
from router.store import chats, held, messages, notifications, permissions, session_topics, sessions
from router.store import files as stored_files
from router.store.database import Transaction
from router.store.trace import TraceStep, record

_ALBUM = "album:{}"  # in place of a message's id: albums have none
_OUR_OWN = frozenset({Kind.STATUS, Kind.ANSWER})  # only the router writes these: their buttons are verbs of its own


@dataclass(frozen=True, slots=True)
class InboundService:
    """Routes inbound messages. A refusal is an answer to the person; only a database error is an error to the door."""

    _status_messages: StatusMessages
    _chat_commands: ChatCommands
    _chat_buttons: ChatButtons
    _permissions: Permissions
    _starts: ChatStarts
    _controls: Controls
    _pages: Pages
    voices: Voices
    _deferrals: ChatDeferrals
    _notes: ChatNotes
    _answer_rules: ChatAnswerRules
    _clock: Clock
    _wrote_in: set[ChatRef] = field(default_factory=set)  # of which that is on disk

    def now(self) -> float:
        """Seconds since the epoch, by the steady clock."""
        return self._clock.now()

    def submit(self, tx: Transaction, inbound: Inbound) -> Submitted:
        """Take one message or button press."""
        bundles.looked(tx, inbound.chat, self._clock.now())
        # Of who was let in by a code that is kept, and ends with them; and so does a browser.
        if not inbound.needs_pairing and inbound.chat.transport != PUSH:
            self._note(tx, ChatRef(inbound.chat.transport, inbound.chat.chat_id))
        # Without the file the words alone would be misunderstood: nothing is typed.
        if inbound.file_problem:
            submitted = self._answer(tx, inbound, answers.FILE_NOT_TAKEN.format(why=inbound.file_problem))
        elif (of_page := self._pages.submit(tx, inbound)) is not None:
            submitted = of_page
        elif inbound.transcribe and inbound.file is not None:
            submitted = self._hold_voice(tx, inbound)
        else:
            submitted = self._follow(tx, inbound, routing.route(inbound))
        if not submitted.command_id:  # a command tells its own story
            who, about, said = inbound.who, submitted.session_id, submitted.answer
            record(tx, [TraceStep(self.now(), inbound.update_key, about, "Answered", "", "", who, said)])
        return submitted

    def _note(self, tx: Transaction, chat: ChatRef) -> None:
        """Whoever wrote in may be written to."""
        if chat not in self._wrote_in:  # once in a process: every message comes through here
            chats.set_wrote_in(tx, chat)
            tx.after_commit(partial(self._wrote_in.add, chat))

    def _hold_voice(self, tx: Transaction, inbound: Inbound) -> Submitted:
        """A recording whose words are to be known first; nothing of it is typed before somebody says so."""
        route = routing.route(inbound)
        if isinstance(route, routing.ChatCommand | routing.Changed):
            return self._follow(tx, inbound, route)
        if forbidden := rights.refusal(tx, inbound.person, Deed.TYPE, ""):
            return self._answer(tx, inbound, forbidden)
        try:
            files.whole(tx, inbound.file)  # type: ignore[arg-type]  # who calls has seen it
        except Refusal as refusal:
            return self._answer(tx, inbound, answers.refused(refusal))
        if full := self.voices.hold(tx, inbound):
            return self._answer(tx, inbound, full)
        return Submitted()

    def _say_voiced(self, tx: Transaction, inbound: Inbound, note: Notification, voiced: Voiced) -> Submitted:
        """A person says what becomes of a recording: it goes where it would have gone, had it been written."""
        said = self.voices.decided(tx, inbound, note, voiced.verb, voiced.label)
        if isinstance(said, str):
            return Submitted(answer=said[:MAX_ANSWER])
        return self._follow(tx, said, routing.route(said))

    def _follow(self, tx: Transaction, inbound: Inbound, route: Route) -> Submitted:
        if isinstance(route, routing.ToSession):
            return self._type(tx, inbound, route.session_id, Input(route.text))
        match route:
            case routing.ByToken(token, text):
                return self._by_token(tx, inbound, notifications.by_token(tx, inbound.chat, token), text)
            case routing.ByReply(message_id, text):
                return self._reply(tx, inbound, message_id, text)
            case routing.ByButton(token, action):
                return self._press(tx, inbound, token, action)
            case routing.ChatCommand(name, argument):
                # In a session's own topic a command is about that session.
                about = session_topics.session_of(tx, inbound.chat)
                return self._command(tx, inbound, name, argument, about)
            case routing.ToPlace(text):
                # The first of an album said where it goes; the others come without a word.
                if session_id := session_topics.session_of(tx, inbound.chat) or _of_album(tx, inbound):
                    return self._type(tx, inbound, session_id, Input(text))
                return self._to_chosen(tx, inbound, text)
            case routing.Changed():
                return self._answer(tx, inbound, answers.EDITED)
            case routing.Unreadable():
                return Submitted(answer=labels.STALE_BUTTON)

    def _reply(self, tx: Transaction, inbound: Inbound, message_id: str, text: str) -> Submitted:
        session_id = messages.session_of(tx, inbound.chat, message_id)
        if bundles.is_bundle(tx, inbound.chat, message_id):
            return self._ask_which(tx, inbound, answers.FOR_WHICH_OF_THESE, text)
        if not session_id:
            if text.strip() and (said := self.voices.replied(tx, inbound)):
                return self._follow(tx, said, routing.route(said))
            route = routing.without_reply(text)
            # Empty: a message of ours that is about no session. None: one that we do not know any more.
            if session_id is None and inbound.reply_to_ours and isinstance(route, routing.ToPlace):
                return self._to_unknown(tx, inbound, text)
            return self._follow(tx, inbound, route)
        shown = notifications.find(tx, messages.notification_of(tx, inbound.chat, message_id))
        # Words under a question are its answer, but for /stop and its like, which interrupt.
        if shown and permissions.takes_replies(tx, shown) and not routing.chat_command(text, routing.IN_A_REPLY):
            return self._reply_to_question(tx, inbound, shown, text)
        return self._for(tx, inbound, session_id, text)

    def _for(self, tx: Transaction, inbound: Inbound, session_id: str, text: str) -> Submitted:
        """What was said to a session: a command about it, or words for it."""
        if ours := routing.chat_command(text, routing.IN_A_REPLY):
            return self._command(tx, inbound, ours.name, ours.argument, session_id)
        return self._type(tx, inbound, session_id, Input(text))

    def _ask_which(self, tx: Transaction, inbound: Inbound, words: str, text: str) -> Submitted:
        """Ask which session a message is for, and keep it until a person presses one. An album is asked about once."""
        if forbidden := rights.refusal(tx, inbound.person, Deed.TYPE, ""):
            return self._answer(tx, inbound, forbidden)
        if not text.strip() and inbound.file is None:
            return self._answer(tx, inbound, answers.EMPTY)
        # Now, not when a session has been pressed: nobody would know any more what to shorten.
        if len(text.encode()) > MAX_TEXT_BYTES:
            return self._answer(tx, inbound, answers.TOO_LONG.format(limit=MAX_TEXT_BYTES // 1024))
        there, count = bundles.offered(tx, inbound, router_buttons.MAX_OFFERED)
        if not there:
            return self._answer(tx, inbound, answers.NO_SESSIONS_YET)
        question = held.question_of_album(tx, inbound.chat, inbound.album)
        if not question:
            more = count - len(there)
            said = f"{words}\n{answers.MORE_SESSIONS.format(count=more)}" if more > 0 else words
            buttons = router_buttons.session_buttons(router_buttons.Verb.HERE, there)
            question = self._status_messages.answer(tx, inbound.chat, said, "", buttons)
        held.keep(tx, question, replace(inbound, text=text), self.now())
        if inbound.file is not None:
            stored_files.name(tx, inbound.file.file_id)
        return Submitted(answer=words[:MAX_ANSWER])

    def _type_held(self, tx: Transaction, inbound: Inbound, note: Notification, chosen: Chosen) -> Submitted:
        """A person says which session it was for: it goes there as if it had been a reply."""
        waited = held.take(tx, note.notification_id, inbound, self.now())
        # Kept for a day; the question stays in the chat for longer.
        if not waited:
            return Submitted(answer=answers.NOT_KEPT)
        self._status_messages.chosen(tx, note, chosen.label, inbound.who, answers.FOR_WHICH_ANSWERED)
        # All of an album, in order; the presser is shown what became of the first.
        first, *_ = [self._for(tx, each, chosen.session_id, each.text) for each in waited]
        return first

    def _to_unknown(self, tx: Transaction, inbound: Inbound, text: str) -> Submitted:
        """An answer to something of ours that is not known: it is too old, or was sent and its courier died."""
        if session_id := session_topics.session_of(tx, inbound.chat):
            return self._type(tx, inbound, session_id, Input(text))
        return self._ask_which(tx, inbound, answers.UNKNOWN_MESSAGE, text)

    def _reply_to_question(self, tx: Transaction, inbound: Inbound, shown: Notification, text: str) -> Submitted:
        if not text.strip() and not inbound.passkey:
            return self._answer(tx, inbound, answers.EMPTY)
        if inbound.passkey:
            told = self._permissions.prove(tx, inbound, shown.permission_id)
        else:
            told = self._permissions.reply(tx, inbound, shown.permission_id, text)
        if not told.command_id:
            return replace(self._answer(tx, inbound, told.words, shown.session_id), reason=told.reason)
        return decided(tx, told)

    def _to_chosen(self, tx: Transaction, inbound: Inbound, text: str) -> Submitted:
        chosen = sessions.place(tx, chats.chosen_session(tx, inbound.chat))
        if chosen is None:
            return self._ask_which(tx, inbound, answers.FOR_WHICH, text)
        if chosen.state is SessionState.ENDED:
            over = answers.CHOSEN_IS_OVER.format(name=sessions.get(tx, chosen.session_id).name)
            return self._ask_which(tx, inbound, over, text)
        return self._type(tx, inbound, chosen.session_id, Input(text), names_session=True)

    def _by_token(self, tx: Transaction, inbound: Inbound, named: Notification | None, text: str) -> Submitted:
        if named is not None and named.permission_id:
            return self._reply_to_question(tx, inbound, named, text)
        if named is not None and named.session_id:
            return self._type(tx, inbound, named.session_id, Input(text))
        return self._ask_which(tx, inbound, answers.NO_SUCH_NAME, text)

    def _press(self, tx: Transaction, inbound: Inbound, token: str, name: str) -> Submitted:
        notification = notifications.by_token(tx, inbound.chat, token)
        # Tokens are unguessable and of this chat: none is no mistake of the presser's, but an old message.
        if notification is None:
            return Submitted(answer=labels.STALE_BUTTON)
        if notification.permission_id:
            told = self._answer_rules.press(tx, inbound, notification, name)
            told = told or self._permissions.press(tx, inbound, notification.permission_id, name)
            if told.command_id:
                return decided(tx, told)
            session_id, answer = notification.session_id, told.words[:MAX_ANSWER]
            return Submitted(session_id=session_id, answer=answer, reason=told.reason)
        if notification.kind in _OUR_OWN:
            if forbidden := rights.of_button(tx, inbound.person, notification, name):
                return Submitted(session_id=notification.session_id, answer=forbidden[:MAX_ANSWER])
            pressed = self._chat_buttons.press(tx, inbound, notification, name)
            if isinstance(pressed, Voiced):
                return self._say_voiced(tx, inbound, notification, pressed)
            if isinstance(pressed, Chosen):
                return self._type_held(tx, inbound, notification, pressed)
            if isinstance(pressed, str):
                return Submitted(session_id=notification.session_id, answer=pressed[:MAX_ANSWER])
            return self._type(tx, inbound, pressed.session_id, pressed.action)
        return self._press_of_session(tx, inbound, notification, name)

    def _press_of_session(self, tx: Transaction, inbound: Inbound, note: Notification, name: str) -> Submitted:
        """A choice that a session offered counts once: whoever is second is told what was chosen."""
        action = routing.action_of(name, note.buttons)
        if action is None:
            return Submitted(answer=labels.STALE_BUTTON)
        if note.pressed:
            return Submitted(answer=labels.ALREADY_PRESSED.format(label=note.pressed)[:MAX_ANSWER])
        submitted = self._type(tx, inbound, note.session_id, action)
        # Marked only when it was accepted: after a refusal the buttons can be pressed again.
        if submitted.command_id:
            label = next((button.label for button in note.buttons if button.action == name), name)
            for copy in notifications.copies(tx, note):  # wherever it stands: it counts once in all chats together
                self._status_messages.chosen(tx, copy, label, inbound.who)
        return submitted

    def _command(self, tx: Transaction, inbound: Inbound, name: str, argument: str, about: str) -> Submitted:
        # Carried out without the file it would do less than the person meant.
        if inbound.file is not None:
            return self._answer(tx, inbound, answers.FILE_WITH_COMMAND.format(command=name), about)
        target = about or chats.chosen_session(tx, inbound.chat)
        if forbidden := rights.of_command(tx, inbound.person, name, target):
            return self._answer(tx, inbound, forbidden)
        if name in routing.ABOUT_A_SESSION and sessions.find(tx, target) is None:
            return self._ask_which(tx, inbound, answers.FOR_WHICH, inbound.text)
        if name in routing.CONTROLS and control.is_text(sessions.get(tx, target).controls, name, argument):
            return self._type(tx, inbound, target, Input(inbound.text), names_session=not about)
        if name in deferrals.COMMANDS | notes.COMMANDS:
            return self._say(tx, inbound, self._said(tx, inbound, name, argument, about, target))
        if name in starts.COMMANDS:
            done = self._starts.run(tx, inbound, name, argument, target)
            about_it = target if name == "end" else ""
            return self._answer(tx, inbound, done, about_it) if isinstance(done, str) else submitted_as(done)
        try:
            reply = self._chat_commands.run(tx, inbound, name, argument, target)
        except Refusal as refusal:
            return self._answer(tx, inbound, answers.refused(refusal), target)
        if isinstance(reply, Press):
            return self._type(tx, inbound, reply.session_id, reply.action, names_session=not about)
        submitted = self._answer(tx, inbound, reply.text, reply.session_id, reply.buttons)
        for letter in reply.letters:
            self._status_messages.show(tx, letter, inbound.chat)
        return submitted

    def _said(
        self, tx: Transaction, inbound: Inbound, name: str, argument: str, about: str, target: str
    ) -> list[Said] | None:
        if name in notes.COMMANDS:
            return self._notes.run(tx, inbound, name, argument, about, target)
        return self._deferrals.run(tx, inbound, name, argument, target if sessions.find(tx, target) else "")

    def _type(
        self, tx: Transaction, inbound: Inbound, session_id: str, action: Action, *, names_session: bool = False
    ) -> Submitted:
        if forbidden := rights.refusal(tx, inbound.person, Deed.TYPE, session_id):
            return self._answer(tx, inbound, forbidden, session_id)
        if inbound.file is not None and isinstance(action, Input):
            action = replace(files.whole(tx, inbound.file), caption=action.text)
        if isinstance(action, Input):
            if not action.text:  # asked only now: with a file, the caption may be empty
                return self._answer(tx, inbound, answers.EMPTY)
            if waits := self._deferrals.for_limit(tx, inbound, session_id, action.text):
                return self._say(tx, inbound, [waits])
        try:
            draft = Draft(session_id, action, _origin(inbound), note=inbound.update_key, names_session=names_session)
            command = self._controls.accept_of(tx, inbound.person, draft)
        except Refusal as refusal:
            return self._answer(tx, inbound, answers.refused(refusal), session_id)
        if inbound.file is not None:
            stored_files.name(tx, inbound.file.file_id)
        # In the same transaction: the next of the album may be here already.
        if inbound.album:
            messages.remember(tx, inbound.chat, (_ALBUM.format(inbound.album),), command.session_id, "", self.now())
        return submitted_as(command)

    def _say(self, tx: Transaction, inbound: Inbound, said: list[Said] | None) -> Submitted:
        """Answer with several messages, of which a presser is shown the first; None: ask which session is meant."""
        if said is None:
            return self._ask_which(tx, inbound, answers.FOR_WHICH, inbound.text)
        first, *_ = [self._answer(tx, inbound, each.text, each.session_id, each.buttons) for each in said]
        return first

    def _answer(
        self, tx: Transaction, inbound: Inbound, text: str, session_id: str = "", buttons: tuple[Button, ...] = ()
    ) -> Submitted:
        self._status_messages.answer(tx, inbound.chat, text, session_id, buttons)
        return Submitted(session_id=session_id, answer=text[:MAX_ANSWER])


def _origin(inbound: Inbound) -> Origin:
    return Origin(inbound.chat.transport, inbound.actor, inbound.chat)


def _of_album(tx: Transaction, inbound: Inbound) -> str:
    """The session that the first message of the same album went to; empty for none."""
    return (inbound.album and messages.session_of(tx, inbound.chat, _ALBUM.format(inbound.album))) or ""
