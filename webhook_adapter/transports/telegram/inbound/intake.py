"""From an update to the router: parse, authorise, hand in. The same for webhooks and for polling."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from pointsman.client.errors import RouterError
from pointsman.client.records import Chat
from webhook_adapter.config import TelegramConfig
from webhook_adapter.model import Submission, Submitted
from webhook_adapter.router.errors import is_about_content
from webhook_adapter.transports.lifecycle import Handled, Outcome, handed_in
from webhook_adapter.transports.telegram.inbound.access import AllowList
from webhook_adapter.transports.telegram.inbound.files import NO_FILE, Brought
from webhook_adapter.transports.telegram.inbound.strangers import PeopleRouter, Strangers
from webhook_adapter.transports.telegram.inbound.update import Attached, Ignored, Inbound, Json, parse

logger = logging.getLogger(__name__)

_MAX_ANSWER = 200  # characters of answerCallbackQuery
_NOT_YOU = "You may not press this: ask whoever runs this bot."


@dataclass(frozen=True, slots=True)
class Received(Handled):
    """What became of an update; `callback_id` and `answer` where a pressed button waits for one."""

    callback_id: str = ""
    answer: str = ""


class Intake:
    """One bot's door into the router."""

    def __init__(
        self,
        telegram: TelegramConfig,
        submit: Callable[[Submission], Submitted],
        bring: Callable[[str, Attached], Brought],
        people: PeopleRouter,
        bot_username: Callable[[], str | None] = lambda: None,
        *,
        transcribes: bool = False,
    ) -> None:
        """`transcribes`: somebody here turns recordings into text."""
        self._transcribes = transcribes
        self._bot_id = telegram.bot_id
        self._allow_list = AllowList(telegram.allowed_chat_ids, telegram.allowed_user_ids)
        self._strangers = Strangers(self._allow_list, people)
        self._submit = submit
        self._bring = bring
        self._bot_username = bot_username
        for group in self._allow_list.open_groups:
            logger.warning("every member of group %d may command the machines; ALLOWED_USER_IDS narrows it", group)

    def receive(self, update: Json) -> Received:
        """Take one update. Raises RouterError when nothing was stored and the update must come again."""
        inbound = parse(update, self._bot_id, self._bot_username())
        if isinstance(inbound, Ignored):
            return Received(Outcome.IGNORED, about=f"reason={inbound.reason.value}")
        if self._allow_list.allows(inbound.chat_id, inbound.user_id):
            return self._hand_in(inbound)
        if self._strangers.took_a_code(inbound):
            return Received(Outcome.STORED, about=f"chat={inbound.chat_id} user={inbound.user_id} paired")
        if self._strangers.are_paired(inbound):
            return self._hand_in(inbound, needs_pairing=True)
        return self._denied(inbound)

    def _denied(self, inbound: Inbound) -> Received:
        """Only who sees the bot's buttons is answered, on the button: words would confirm the bot to strangers."""
        sees_buttons = inbound.callback_id and self._allow_list.names_chat(inbound.chat_id)
        answer = (inbound.callback_id, _NOT_YOU) if sees_buttons else ()
        return Received(Outcome.DENIED, *answer, about=f"chat={inbound.chat_id} user={inbound.user_id}")

    def _hand_in(self, inbound: Inbound, *, needs_pairing: bool = False) -> Received:
        try:
            # An edit is answered and never typed, so its file is not needed.
            attached = None if inbound.edited else inbound.attached
            # The file first: what names it may be typed as soon as it is stored.
            brought = self._bring(inbound.update_key, attached) if attached else NO_FILE
            submission = _submission(inbound, brought, needs_pairing=needs_pairing)
            if self._transcribes and attached and attached.is_speech and brought.file:
                submission = replace(submission, transcribe=True)
            handled = handed_in(inbound.update_key, self._submit(submission))
        except RouterError as error:
            if error.code == "NOT_PAIRED":
                self._strangers.put_out(inbound)
                return self._denied(inbound)
            if not is_about_content(error):
                raise
            about, answer = f"key={inbound.update_key} code={error.code}", error.message[:_MAX_ANSWER]
            return Received(Outcome.REFUSED, inbound.callback_id, answer, about=about)
        answer = handled.submitted.answer[:_MAX_ANSWER]
        return Received(handled.outcome, inbound.callback_id, answer, about=handled.about)


def _submission(inbound: Inbound, brought: Brought, *, needs_pairing: bool = False) -> Submission:
    return Submission(
        update_key=inbound.update_key,
        chat=Chat("telegram", str(inbound.chat_id), inbound.thread_id, inbound.message_id),
        actor=inbound.actor,
        text=inbound.text,
        reply_to_message_id=inbound.reply_to_message_id,
        reply_to_ours=inbound.reply_to_ours,
        button=inbound.button,
        edited=inbound.edited,
        file=brought.file,
        file_problem=brought.problem,
        album=inbound.album,
        user_id=str(inbound.user_id),
        needs_pairing=needs_pairing,
    )
