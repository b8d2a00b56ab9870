"""The mailbox's loop. A mail is marked only after it is on the router's disk: whoever dies in between gets it again."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from pointsman.client.errors import RouterError
from webhook_adapter.backoff import Backoff
from webhook_adapter.router.errors import http_status
from webhook_adapter.transports.mail.inbound.envelope import MOST_HEADER_BYTES
from webhook_adapter.transports.mail.inbound.mail import Mail, TryAgain
from webhook_adapter.transports.mail.inbound.mailbox import POLL_S, Mailbox, MailboxError

logger = logging.getLogger(__name__)

OLDEST = timedelta(days=3)
"""What is older is left alone: the router knows a mail that comes again for four days, and nobody means it now."""

_ROUTER_RETRY_S = 2.0
_ROUTER_MISTAKES = 3  # of the router's own over one mail; then it would hold up all others for ever


class Polling:
    """Takes what comes, in the order in which it came."""

    def __init__(
        self,
        open_mailbox: Callable[[], Mailbox],
        take: Callable[[Mail], object],
        backoff: Backoff,
        stop: threading.Event,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`open_mailbox` raises MailboxError; `take` raises RouterError or TryAgain when a mail must come again."""
        self._open_mailbox = open_mailbox
        self._take = take
        self._backoff = backoff
        self._stop = stop
        self._now = now

    def run(self) -> None:
        """Take mails until `stop` is set."""
        while not self._stop.is_set():
            try:
                self._hold()
            except MailboxError as error:
                level = logging.ERROR if error.is_refusal else logging.WARNING
                logger.log(level, "mailbox not read: %s", error)
                self._stop.wait(self._backoff.next_wait())

    def _hold(self) -> None:
        """One connection, from its beginning to its end."""
        mailbox = self._open_mailbox()
        logger.info("mailbox open")
        try:
            while not self._stop.is_set():
                is_done = self._take_all(mailbox)
                self._backoff.reset()
                if is_done:
                    mailbox.wait(self._stop.wait)
                else:
                    self._stop.wait(POLL_S)
        finally:
            mailbox.close()

    def _take_all(self, mailbox: Mailbox) -> bool:
        """False where something has to be looked at again soon."""
        since = datetime.fromtimestamp(self._now(), UTC) - OLDEST
        waiting = 0
        for uid in mailbox.fresh(since.date()):
            if self._stop.is_set():
                return False
            try:
                self._take_one(mailbox, uid)
            except TryAgain as why:
                logger.warning("mail is looked at again uid=%d: %s", uid, why)
                waiting += 1
        return waiting == 0

    def _take_one(self, mailbox: Mailbox, uid: int) -> None:
        head = mailbox.head(uid, MOST_HEADER_BYTES)
        if head is None:
            return  # somebody took it away

        def fetch(most: int) -> bytes:
            if (body := mailbox.body(uid, most)) is None:
                raise TryAgain("it is gone")
            return body

        is_ours = self._is_done_with(Mail(f"{mailbox.validity}:{uid}", head, fetch), uid)
        if is_ours is not None:
            mailbox.mark(uid, for_people=not is_ours)

    def _is_done_with(self, mail: Mail, uid: int) -> bool | None:
        """True once it is settled, False where we cannot settle it and people should look; None when we are to stop."""
        mistakes = 0
        while not self._stop.is_set():
            try:
                self._take(mail)
                return True
            except RouterError as error:
                mistakes += http_status(error) is HTTPStatus.INTERNAL_SERVER_ERROR
                if mistakes == _ROUTER_MISTAKES:
                    logger.error("mail skipped uid=%d: the router fails over it", uid)  # noqa: TRY400 -- the router's log has the stack
                    return False
                self._stop.wait(error.retry_after or _ROUTER_RETRY_S)
            except (TryAgain, MailboxError):
                raise
            except Exception:
                # A fault of ours over this one mail: looked at again and again, it would hold up all others for ever.
                logger.exception("mail skipped uid=%d", uid)
                return False
        return None
