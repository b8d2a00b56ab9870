"""What somebody who may write answers to a message of ours: a choice, words for a session, files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dataclasses import replace as replaced

from msgspec.structs import replace

from pointsman.client.errors import RouterError
from pointsman.client.records import Chat
from webhook_adapter.model import Submission, Submitted
from webhook_adapter.router.errors import is_about_content
from webhook_adapter.transports.lifecycle import Handled, Outcome, handed_in
from webhook_adapter.transports.mail.inbound.answers import NO_FILES_HERE, NOT_ONE_OF_THEM, Answers
from webhook_adapter.transports.mail.inbound.content import Content, Unreadable, content
from webhook_adapter.transports.mail.inbound.envelope import Envelope
from webhook_adapter.transports.mail.inbound.files import store
from webhook_adapter.transports.mail.inbound.mail import Mail, begun_by, update_key
from webhook_adapter.transports.mail.inbound.questions import Answered, Messages, answered
from webhook_adapter.transports.mail.options import Choice
from webhook_adapter.transports.mail.outbound.compose import message_id
from webhook_adapter.transports.mail.settings import MailSettings

MAX_MAIL = 28 * 1024 * 1024
"""Bytes of a mail: a file of 20 MB takes a third more on its way."""
MAX_FILE = 20 * 1024 * 1024  # bytes: more, the router does not take

TOO_LARGE = f"the mail is larger than {MAX_MAIL // 1024 // 1024} MB"
FILE_TOO_LARGE = "{name} is larger than 20 MB"
TOO_MANY_FILES = "the mail has more than 10 files"


@dataclass(frozen=True, slots=True)
class Replies:
    """Takes them. `submit` hands in what was said, `put` a part of a file."""

    _settings: MailSettings
    _messages: Messages
    _submit: Callable[[Submission], Submitted]
    _put: Callable[[str, int, bytes], None]
    _answers: Answers

    def take(self, mail: Mail, read: Envelope, about: str, *, needs_pairing: bool) -> Handled:
        """Take one that answers the message of this identity. Raises RouterError or TryAgain: it must come again."""
        begins = about == begun_by(read.sender)
        known = None if begins else answered(self._messages, about)
        said = self._said(mail)
        base = Submission(
            update_key(mail, read),
            Chat("mail", read.sender, message_id=read.message_id),
            read.actor,
            reply_to_message_id="" if begins else self._replied(about, known),
            reply_to_ours=not begins,
            user_id=read.sender,
            needs_pairing=needs_pairing,
        )
        try:
            if isinstance(said, str):
                return self._hand_in(replace(base, file_problem=said))
            if known and (refused := self._not_taken(known, said)):
                return self._answers.tell(mail, read, about, refused, known.options)
            handled, answer = self._follow(base, said, known.choice(said.text) if known else None)
        except RouterError as error:
            if error.code == "NOT_PAIRED":
                return Handled(Outcome.DENIED, about=f"chat={read.sender}")
            if not is_about_content(error):
                raise
            handled, answer = Handled(Outcome.REFUSED, about=f"chat={read.sender} code={error.code}"), error.message
        if answer:
            self._answers.tell(mail, read, about, answer)
        return handled

    def _said(self, mail: Mail) -> Content | str:
        """What the mail says, or why it is not taken."""
        if mail.head.size > MAX_MAIL:
            return TOO_LARGE
        try:
            said = content(mail.fetch(MAX_MAIL), self._settings.address)
        except Unreadable as why:
            return str(why)
        if said.left_out:
            return TOO_MANY_FILES
        large = next((each.name for each in said.files if len(each.content) > MAX_FILE), "")
        return FILE_TOO_LARGE.format(name=large) if large else said

    def _replied(self, about: str, known: Answered | None) -> str:
        return (known.message_id if known else "") or message_id(about, self._settings.domain)

    def _not_taken(self, known: Answered, said: Content) -> str:
        """Why nothing is handed in, for people; empty where it is."""
        if known.choice(said.text):
            return NO_FILES_HERE if said.files else ""
        return "" if known.takes(said.text) else NOT_ONE_OF_THEM

    def _follow(self, base: Submission, said: Content, choice: Choice | None) -> tuple[Handled, str]:
        """Hand it in; what nobody else would answer."""
        if choice is None:
            return self._say(base, said), ""
        if choice.words:
            return self._hand_in(replace(base, text=choice.words)), ""
        # A press belongs to the message that the choices stand in.
        pressed = replace(
            base, button=choice.option.data, chat=replaced(base.chat, message_id=base.reply_to_message_id),
            reply_to_message_id="", reply_to_ours=False,
        )  # fmt: skip
        submitted = self._submit(pressed)
        return handed_in(base.update_key, submitted), "" if submitted.command_id else submitted.answer

    def _say(self, base: Submission, said: Content) -> Handled:
        *before, last = [self._hand_in(each) for each in self._parts(replace(base, text=said.text), said)]
        return before[0] if before else last

    def _parts(self, base: Submission, said: Content) -> Iterator[Submission]:
        """One for the words and the first file, and one for each further file."""
        if not said.files:
            yield base
        for number, file in enumerate(said.files):
            key = f"{base.update_key}:{number}"
            stored = store(self._put, key, file)
            album = base.update_key if len(said.files) > 1 else ""
            yield replace(base, update_key=key, file=stored, album=album, text="" if number else base.text)

    def _hand_in(self, submission: Submission) -> Handled:
        return handed_in(submission.update_key, self._submit(submission))
