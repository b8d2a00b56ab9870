"""What GitHub's answers mean for a message: try later, this message never, or this chat not before a person acts."""

import logging

from webhook_adapter.transports.github.outbound.http import ApiRefused
from webhook_adapter.transports.transport import Refused, RetryLater

logger = logging.getLogger(__name__)

_MISCONFIGURED_RETRY_S = 60.0
GONE = (404, 410)  # hidden is what is deleted, and what nobody lets us see any more
_CLOSED_WORDS = ("locked", "blocked", "suspended", "archived")


def outcome_of(refused: ApiRefused) -> Refused | RetryLater:
    """What a refusal means for the message."""
    if refused.after is not None:  # a limit: of all calls, or of ours alone
        return RetryLater(str(refused), refused.after)
    if refused.status == 401:
        logger.error("github does not know this App: check its key, and this machine's clock (%s)", refused)
        return RetryLater(str(refused), _MISCONFIGURED_RETRY_S)
    if refused.status >= 500 or refused.status == 409:
        return RetryLater(str(refused), alone=True)
    if refused.status in GONE or any(each in refused.words.lower() for each in _CLOSED_WORDS):
        logger.warning("issue takes no comments: is it deleted or locked, or the App not installed? (%s)", refused)
        return Refused(refused.words, chat_closed=True)
    if refused.status == 403:
        logger.error("the App has not all permissions: let the owner accept them (%s)", refused)
    else:
        logger.error("message refused: %s", refused)
    return Refused(refused.words)
