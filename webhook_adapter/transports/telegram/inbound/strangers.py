"""Whoever writes to the bot and whom no setting lets in: perhaps a code did, or does now. A stranger hears nothing."""

import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from pointsman.client.errors import RouterError
from pointsman.client.records import Chat, Stranger
from webhook_adapter.model import Acquaintance
from webhook_adapter.router.errors import is_about_content
from webhook_adapter.transports.telegram.inbound.access import AllowList
from webhook_adapter.transports.telegram.inbound.update import Inbound

logger = logging.getLogger(__name__)

_AGAIN_S = 60.0  # the same stranger in the same chat is not told of in the log sooner
_ASK_AGAIN_S = 1.0  # nor asked about, however much they write
_MOST = 1000  # strangers of whom that is remembered
# What the link of `pointsman pair` makes Telegram send, and what is written by hand.
_CODE = re.compile(r"/(?:start|pair)\s+([A-Za-z0-9]{4}-?[A-Za-z0-9]{4}-?[A-Za-z0-9]{4})\s*")

_NO_GOOD_CODE = frozenset({"PAIRING_CODE_INVALID", "BUSY"})

_Key = tuple[int, int]


class PeopleRouter(Protocol):
    """What is asked of the router about people. Every method raises RouterError."""

    def report_stranger(self, stranger: Stranger) -> Acquaintance:
        """Tell of somebody whom no setting lets in, and hear whether a code did."""

    def pair(self, stranger: Stranger, code: str) -> None:
        """Let somebody in who wrote a pairing code."""


class Strangers:
    """Tells strangers from people who were let in by a code. The router has the last word with each message."""

    def __init__(
        self, allow_list: AllowList, router: PeopleRouter, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._allow_list = allow_list
        self._router = router
        self._clock = clock
        self._lock = threading.Lock()  # guards what follows
        self._paired: set[_Key] = set()  # as many as there are people: only the router's word gets in
        self._asked: OrderedDict[_Key, float] = OrderedDict()  # strangers, and when; the oldest first
        self._told: OrderedDict[_Key, float] = OrderedDict()

    def are_paired(self, inbound: Inbound) -> bool:
        """Whether a code let them in, as far as we know. What a stranger wrote is neither kept nor logged.

        Raises RouterError where the router cannot be asked.
        """
        key = (inbound.chat_id, inbound.user_id)
        with self._lock:
            if key in self._paired:
                return True
            if _is_recent(self._asked, key, self._clock(), _ASK_AGAIN_S):
                return False
        return self._ask(inbound, key)

    def took_a_code(self, inbound: Inbound) -> bool:
        """Whether what they wrote is a code, and a good one: then they are in, and the router has told them so.

        Raises RouterError where it must be looked at again.
        """
        written = _CODE.fullmatch(inbound.text)
        if written is None or inbound.edited:
            return False
        try:
            self._router.pair(_stranger(inbound), written[1])
        except RouterError as error:
            if not is_about_content(error) and error.code not in _NO_GOOD_CODE:
                raise
            logger.warning("pairing refused chat=%d user=%d code=%s", inbound.chat_id, inbound.user_id, error.code)
            return False
        self._remember((inbound.chat_id, inbound.user_id))
        return True

    def put_out(self, inbound: Inbound) -> None:
        """The router says that they may not write any more."""
        with self._lock:
            self._paired.discard((inbound.chat_id, inbound.user_id))

    def _ask(self, inbound: Inbound, key: _Key) -> bool:
        try:
            found = self._router.report_stranger(_stranger(inbound))
        except RouterError as error:
            logger.warning("stranger not reported chat=%d user=%d code=%s", *key, error.code)
            if is_about_content(error):
                return False
            raise  # it must come again: perhaps a code let them in
        if found.is_paired:
            self._remember(key)
            return True
        with self._lock:
            now = self._clock()
            _note(self._asked, key, now)
            is_news = found.is_new and not _is_recent(self._told, key, now, _AGAIN_S)
            _note(self._told, key, now)
        if is_news:
            self._tell(inbound)
        return False

    def _remember(self, key: _Key) -> None:
        with self._lock:
            self._paired.add(key)
            self._asked.pop(key, None)

    def _tell(self, inbound: Inbound) -> None:
        settings = self._allow_list.to_allow(inbound.chat_id, inbound.user_id)
        logger.warning(
            "%s (user %d) wrote to the bot in chat %d and is not allowed. `pointsman pair` lets them in, or: %s",
            inbound.user_name or "somebody",
            inbound.user_id,
            inbound.chat_id,
            " ".join(f"{name}={value}" for name, value in settings.items()),
        )


def _stranger(inbound: Inbound) -> Stranger:
    return Stranger(Chat("telegram", str(inbound.chat_id)), str(inbound.user_id), inbound.user_name)


def _is_recent(known: OrderedDict[_Key, float], key: _Key, now: float, within: float) -> bool:
    return key in known and now - known[key] < within


def _note(known: OrderedDict[_Key, float], key: _Key, now: float) -> None:
    known.pop(key, None)
    known[key] = now
    while len(known) > _MOST:
        known.popitem(last=False)
