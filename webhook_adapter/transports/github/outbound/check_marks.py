"""What a message means for the check of its session. What goes wrong with a check stops no comment."""

import logging
from collections.abc import Callable
from typing import TypeVar

from webhook_adapter.transports.github.outbound import text
from webhook_adapter.transports.github.outbound.checks import Checks, Subject
from webhook_adapter.transports.github.outbound.comments import Where
from webhook_adapter.transports.github.outbound.http import ApiRefused, GitHubError
from webhook_adapter.transports.transport import Outgoing

logger = logging.getLogger(__name__)

T = TypeVar("T")


class CheckMarks:
    """Of one App. What is about no session has no check."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks

    def queued(self, message: Outgoing, there: Where) -> None:
        """Something waits for its session."""
        self._kept(message, there, self._checks.queued, None)

    def working(self, message: Outgoing, there: Where, summary: str) -> float | str:
        """Its turn goes on: the message id; "" where a comment is to show it; or seconds until it may be changed."""
        told: float | str = ""
        return self._kept(message, there, lambda subject: self._checks.working(subject, summary), told)

    def asked(
        self, message: Outgoing, there: Where, words: str, *, is_private: bool, offer: str = ""
    ) -> tuple[str, ...]:
        """It asks, or a comment offers something: the message id, if there is a check."""
        told = self._kept(
            message, there, lambda of: self._checks.asks(of, message, words, is_private=is_private, offer=offer), ""
        )
        return (told,) if told else ()

    def over(self, message: Outgoing, there: Where, offer: str) -> None:
        """What a comment offered, it offers no more."""
        self._kept(message, there, lambda subject: self._checks.over(subject, offer, text.said(message)), None)

    def answered(self, message: Outgoing, there: Where) -> None:
        """It has its answer."""
        self._kept(message, there, self._checks.answered, None)

    def failed(self, message: Outgoing, there: Where, words: str) -> None:
        """What it was asked to do was not done."""
        self._kept(message, there, lambda subject: self._checks.ended(subject, "failure", words), None)

    def _kept(self, message: Outgoing, there: Where, call: Callable[[Subject], T], otherwise: T) -> T:
        if not message.session_id:
            return otherwise
        try:
            return call(Subject(Where(there.repository_id, there.number), message.session_id))
        except GitHubError as error:
            # What only comes too soon is kept by and by: the sessions are looked at again.
            waits = isinstance(error, ApiRefused) and error.after is not None
            level = logging.INFO if waits else logging.WARNING
            logger.log(level, "check not kept chat=%s session=%s: %s", message.chat.chat_id, message.session_id, error)
            return otherwise
