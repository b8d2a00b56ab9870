"""Shows in a chat that a session works on what was written there, where the platform has a sign for it.

What the router tells anyway is enough: a status message says that something of this chat has reached a session, and the
list of sessions whether that one works. Nothing is kept: after a restart, the next one begins anew.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pointsman.client.errors import RouterError
from pointsman.client.records import Session, SessionState
from webhook_adapter.clock import Clock
from webhook_adapter.transports.transport import ChatRef, Kind, Outgoing, ShowsTyping

logger = logging.getLogger(__name__)

LOOK_S = 4.0  # a sign lasts for some seconds: Telegram's for 5
LOOKS = 3  # a program that has got a text this moment has not yet said that it works


@dataclass(frozen=True, slots=True)
class _Work:
    """A session that may work on what was written in a chat."""

    chat: ChatRef
    machine_id: str
    session_id: str


@dataclass(frozen=True, slots=True)
class _Watch:
    """How many more looks may find it at rest, and when the next one is due."""

    looks: int
    due: float


class TypingIndicator:
    """Of one transport."""

    def __init__(self, transport: ShowsTyping, sessions: Callable[[str], Iterable[Session]], clock: Clock) -> None:
        """`sessions` tells those of a machine; it raises RouterError."""
        self._transport = transport
        self._sessions = sessions
        self._clock = clock
        self._changed = threading.Condition()  # guards the two below
        self._watched: dict[_Work, _Watch] = {}
        self._over = False

    def brought(self, message: Outgoing) -> None:
        """A message has been brought. Begins or puts off the looking; does not wait."""
        work = _Work(message.chat, message.machine_id, message.session_id)
        # A status message is for what somebody wrote, a changed question for what somebody decided; and where a turn is
        # shown, it goes on.
        begins = message.kind in (Kind.STATUS, Kind.WORK) or (
            message.kind is Kind.QUESTION and bool(message.edit_message_ids)
        )
        with self._changed:
            if message.session_id and (begins or work in self._watched):
                # What the session itself says is often its last word: do not show it at work right behind that.
                due = self._clock.monotonic() + (0.0 if begins else LOOK_S)
                self._watched[work] = _Watch(LOOKS, due)
                self._changed.notify_all()

    def run(self) -> None:
        """Look again and again, until closed."""
        while not self._over:
            self.look()
            with self._changed:
                self._changed.wait_for(lambda: self._watched or self._over)
                wait = min((watch.due for watch in self._watched.values()), default=0.0) - self._clock.monotonic()
                if wait > 0 and not self._over:
                    self._clock.wait(self._changed, wait)

    def close(self) -> None:
        """Show nothing any more."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def look(self) -> None:
        """Show it wherever it is due and the session works; forget those that are at rest."""
        now = self._clock.monotonic()
        with self._changed:
            due = {work: watch for work, watch in self._watched.items() if watch.due <= now}
        states = self._states({work.machine_id for work in due})
        for work, watch in due.items():
            looks = watch.looks - 1
            if states.get(work.session_id) is SessionState.BUSY:
                looks = int(self._shown(work.chat))
            with self._changed:
                if self._watched.get(work) is not watch:
                    continue  # something has been brought meanwhile, and begins anew
                del self._watched[work]
                if looks:
                    self._watched[work] = _Watch(looks, now + LOOK_S)

    def _states(self, machines: Iterable[str]) -> dict[str, SessionState]:
        """Of the sessions on these machines; without those that the router does not tell."""
        try:
            return {each.session_id: each.state for machine in machines for each in self._sessions(machine)}
        except RouterError as error:
            if error.status == "PERMISSION_DENIED":  # for good: a key keeps its role
                logger.info("no chat shows that a session works: the adapter's API key may not list sessions")
                self.close()
            return {}
        except ValueError:  # of gRPC: the process ends, and has closed its channel
            return {}

    def _shown(self, chat: ChatRef) -> bool:
        try:
            return self._transport.typing(chat)
        except Exception:
            # An ornament, which must not end the process.
            logger.exception("typing not shown chat=%s", chat.chat_id)
            return False
