"""Whoever writes to the bot and is not allowed: the operator hears of them, they hear nothing."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from pointsman.client.errors import RouterError
from pointsman.client.records import Chat, Stranger
from webhook_adapter.transports.telegram.inbound.access import AllowList
from webhook_adapter.transports.telegram.inbound.update import Inbound

logger = logging.getLogger(__name__)

_AGAIN_S = 60.0  # the same person in the same chat is not reported sooner
_MOST = 100  # people within that time; of a crowd, the rest is no news


class Strangers:
    """Reports each person to the router once a minute, and says in the log what would let a new one in."""

    def __init__(
        self,
        allow_list: AllowList,
        report: Callable[[Stranger], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`report` tells whether the router did not know them; it raises RouterError."""
        self._allow_list = allow_list
        self._report = report
        self._clock = clock
        self._lock = threading.Lock()  # guards _reported
        self._reported: OrderedDict[tuple[int, int], float] = OrderedDict()  # and when; the oldest first

    def met(self, inbound: Inbound) -> None:
        """Somebody wrote. What they wrote is neither kept nor logged."""
        chat_id, user_id = inbound.chat_id, inbound.user_id
        if not self._is_news(chat_id, user_id):
            return
        try:
            is_new = self._report(Stranger(Chat("telegram", str(chat_id)), str(user_id), inbound.user_name))
        except RouterError as error:
            logger.warning("stranger not reported chat=%d user=%d code=%s", chat_id, user_id, error.code)
            return
        if is_new:
            settings = self._allow_list.to_allow(chat_id, user_id)
            logger.warning(
                "%s (user %d) wrote to the bot in chat %d and is not allowed. To let them in: %s",
                inbound.user_name or "somebody",
                user_id,
                chat_id,
                " ".join(f"{name}={value}" for name, value in settings.items()),
            )

    def _is_news(self, chat_id: int, user_id: int) -> bool:
        with self._lock:
            now = self._clock()
            while self._reported and next(iter(self._reported.values())) <= now - _AGAIN_S:
                self._reported.popitem(last=False)
            if (chat_id, user_id) in self._reported or len(self._reported) >= _MOST:
                return False
            self._reported[chat_id, user_id] = now
            return True
