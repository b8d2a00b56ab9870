"""Whoever writes and whom no setting lets in: perhaps a code did, or does now. A stranger hears nothing."""

import logging
import re
from typing import Protocol

from pointsman.client.errors import RouterError
from pointsman.client.records import Chat, Stranger
from webhook_adapter.model import Acquaintance
from webhook_adapter.router.errors import is_about_content
from webhook_adapter.transports.mail.inbound.envelope import Envelope

logger = logging.getLogger(__name__)

_CODE = re.compile(r"\s*(?:/(?:start|pair)\s+)?([A-Za-z0-9]{4}-?[A-Za-z0-9]{4}-?[A-Za-z0-9]{4})\s*", re.ASCII)
_NO_GOOD_CODE = frozenset({"PAIRING_CODE_INVALID", "BUSY"})


class PeopleRouter(Protocol):
    """What is asked of the router about people. Every method raises RouterError."""

    def report_stranger(self, stranger: Stranger) -> Acquaintance:
        """Tell of somebody whom no setting lets in, and hear whether a code did."""

    def pair(self, stranger: Stranger, code: str) -> None:
        """Let somebody in who wrote a pairing code."""


def code_in(*texts: str) -> str:
    """The pairing code that one of these texts is, with nothing else in it; empty for none."""
    return next((found[1] for text in texts if (found := _CODE.fullmatch(text))), "")


class Strangers:
    """Tells strangers from people who were let in by a code. The router has the last word with each mail."""

    def __init__(self, router: PeopleRouter) -> None:
        self._router = router

    def are_paired(self, mail: Envelope) -> bool:
        """Whether a code let them in. What a stranger wrote is neither kept nor logged.

        Raises RouterError where the mail must be looked at again.
        """
        try:
            found = self._router.report_stranger(_stranger(mail))
        except RouterError as error:
            if is_about_content(error):
                return False
            raise
        if found.is_new and not found.is_paired:
            logger.warning(
                "%s wrote to the mailbox and is not allowed. `pointsman pair` lets them in, or ALLOWED_MAIL_ADDRESSES",
                mail.sender,
            )
        return found.is_paired

    def let_in(self, mail: Envelope, code: str) -> bool:
        """Whether the code is a good one: then they are in, and the router has told them so. Raises RouterError."""
        try:
            self._router.pair(_stranger(mail), code)
        except RouterError as error:
            if not is_about_content(error) and error.code not in _NO_GOOD_CODE:
                raise
            logger.warning("pairing refused mail=%s code=%s", mail.sender, error.code)
            return False
        return True


def _stranger(mail: Envelope) -> Stranger:
    return Stranger(Chat("mail", mail.sender), mail.sender, mail.name)
