"""What a mail server's answers mean for a message: try later, this message never, or this address not any more."""

import logging

from webhook_adapter.transports.mail.outbound.client import MailStopped, Stage
from webhook_adapter.transports.transport import Refused, RetryLater

logger = logging.getLogger(__name__)

_MISCONFIGURED_RETRY_S = 60.0
# At RCPT these are about the mail, not the address: full, too large, a policy that does not like us (RFC 3463).
_NOT_THE_ADDRESS = ("5.2.2", "5.2.3", "5.3.4", "5.7.")
_MAYBE = "the connection ended before the server said whether it took the mail; the same mail goes out again"


def outcome_of(stopped: MailStopped) -> Refused | RetryLater:
    """What becomes of the message."""
    words = str(stopped)
    match stopped.stage:
        case Stage.UNKNOWN:
            return RetryLater(f"{_MAYBE}: {words}")
        case Stage.CONNECT:
            return _misconfigured(words) if stopped.code // 100 == 5 else RetryLater(words)
        case Stage.LOGIN if stopped.code // 100 != 4:
            return _misconfigured(words)
        case Stage.SENDER if stopped.code // 100 == 5:
            return _misconfigured(words)
        case Stage.RECIPIENT if stopped.code // 100 == 5:
            closed = stopped.code != 552 and not any(code in words for code in _NOT_THE_ADDRESS)
            return Refused(words, chat_closed=closed)
        case Stage.CONTENT if stopped.code // 100 == 5:
            return Refused(words)
        case Stage.CONTENT if stopped.code and stopped.code != 421:
            return RetryLater(words, alone=True)  # it speaks to us, and does not like this mail now
    return RetryLater(words)


def _misconfigured(words: str) -> RetryLater:
    # The message is good, and a person can cure the setting within the day.
    logger.error("the mail server does not take us: %s; check POINTSMAN_MAIL_USER and the password", words)
    return RetryLater(words, after=_MISCONFIGURED_RETRY_S)
