"""From an update to the router: parse, authorise, hand in. The same for webhooks and for polling."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from webhook_adapter.config import TelegramConfig
from webhook_adapter.model import Chat, Stranger, Submission, Submitted
from webhook_adapter.router.errors import RouterError
from webhook_adapter.transports.telegram.inbound.access import AllowList
from webhook_adapter.transports.telegram.inbound.files import NO_FILE, Brought
from webhook_adapter.transports.telegram.inbound.strangers import Strangers
from webhook_adapter.transports.telegram.inbound.update import Attached, Ignored, Inbound, Json, parse

logger = logging.getLogger(__name__)

_MAX_ANSWER = 200  # characters of answerCallbackQuery
_NOT_YOU = "You may not press this: ask whoever runs this bot."


class Outcome(Enum):
    """What became of an update. Telegram need not send any of these again."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    DENIED = "denied"
    REFUSED = "refused"  # by the router, for what it says


@dataclass(frozen=True, slots=True)
class Received:
    """The outcome; `callback_id` and `answer` where a pressed button waits for one."""

    outcome: Outcome
    callback_id: str = ""
    answer: str = ""


class Intake:
    """One bot's door into the router."""

    def __init__(
        self,
        telegram: TelegramConfig,
        submit: Callable[[Submission], Submitted],
        bring: Callable[[str, Attached], Brought],
        report: Callable[[Stranger], bool],
        bot_username: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`report` tells the router of somebody who is not allowed; it returns whether they are new there."""
        self._bot_id = telegram.bot_id
        self._allow_list = AllowList(telegram.allowed_chat_ids, telegram.allowed_user_ids)
        self._strangers = Strangers(self._allow_list, report)
        self._submit = submit
        self._bring = bring
        self._bot_username = bot_username
        for group in self._allow_list.open_groups:
            logger.warning("every member of group %d may command the machines; ALLOWED_USER_IDS narrows it", group)

    def receive(self, update: Json) -> Received:
        """Take one update. Raises RouterError when nothing was stored and the update must come again."""
        inbound = parse(update, self._bot_id, self._bot_username())
        if isinstance(inbound, Ignored):
            logger.info("update ignored reason=%s", inbound.reason.value)
            return Received(Outcome.IGNORED)
        if not self._allow_list.allows(inbound.chat_id, inbound.user_id):
            logger.info("update denied chat=%d user=%d", inbound.chat_id, inbound.user_id)
            self._strangers.met(inbound)
            return self._denied(inbound)
        return self._hand_in(inbound)

    def _denied(self, inbound: Inbound) -> Received:
        """Only who sees the bot's buttons is answered, on the button: words would confirm the bot to strangers."""
        if inbound.callback_id and self._allow_list.names_chat(inbound.chat_id):
            return Received(Outcome.DENIED, inbound.callback_id, _NOT_YOU)
        return Received(Outcome.DENIED)

    def _hand_in(self, inbound: Inbound) -> Received:
        try:
            attached = None if inbound.edited else inbound.attached
            brought = self._bring(inbound.update_key, attached) if attached else NO_FILE
            submitted = self._submit(_submission(inbound, brought))
        except RouterError as error:
            if not error.is_about_content:
                raise
            logger.info("update refused key=%s code=%s", inbound.update_key, error.code)
            return Received(Outcome.REFUSED, inbound.callback_id, error.message[:_MAX_ANSWER])
        outcome = Outcome.DUPLICATE if submitted.duplicate else Outcome.STORED
        # At DEBUG: the router's audit has it, and a line for each would make the threads queue for the log.
        logger.debug("update %s key=%s command=%s", outcome.value, inbound.update_key, submitted.command_id)
        return Received(outcome, inbound.callback_id, submitted.answer[:_MAX_ANSWER])


def _submission(inbound: Inbound, brought: Brought) -> Submission:
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
    )
