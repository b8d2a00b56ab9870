"""What Telegram's answers mean for a message: try later, this message never, or this chat not before a person acts."""

import logging
from collections.abc import Callable

from webhook_adapter.transports.telegram.client import ApiRefused
from webhook_adapter.transports.transport import Refused, RetryLater

logger = logging.getLogger(__name__)

_MISCONFIGURED_RETRY_S = 60.0
_NO_TIME_TOLD_S = 5.0  # with a 429
# 401 a wrong token, 404 a wrong base address: the message is good, and a person can cure the setting within the day.
_MISCONFIGURED = (401, 404)
# 403: blocked, removed, never started, no rights. The same is said with a 400 in these words.
_CHAT_CLOSED = (
    "chat not found",
    "chat_id is empty",
    "peer_id_invalid",
    "chat_write_forbidden",
    "group chat was deactivated",
    "not enough rights to send",
    "have no rights to send",
    "need administrator rights",
)


def outcome_of(refused: ApiRefused, answers: Callable[[], bool]) -> Refused | RetryLater:
    """What a refusal means for the message. `answers` asks whether the server answers other calls."""
    if refused.code in _MISCONFIGURED and answers():  # it is this method that the server does not know
        return RetryLater(str(refused), alone=True)
    if refused.code in _MISCONFIGURED:
        logger.error("telegram does not know this bot: check TELEGRAM_BOT_TOKEN and TELEGRAM_API_BASE (%s)", refused)
        return RetryLater(str(refused), _MISCONFIGURED_RETRY_S)
    if refused.code == 429:
        return RetryLater(str(refused), _NO_TIME_TOLD_S if refused.retry_after is None else refused.retry_after)
    # Somebody else polls, or Telegram is ill: nothing is wrong with the message.
    if refused.code == 409 or refused.code >= 500:
        return RetryLater(str(refused), refused.retry_after, alone=answers())
    if refused.code == 403 or any(words in refused.description.lower() for words in _CHAT_CLOSED):
        logger.warning("chat takes no messages: let the bot in again, or take it out of the settings (%s)", refused)
        return Refused(refused.description, chat_closed=True)
    logger.error("message refused: %s", refused)
    return Refused(refused.description)
