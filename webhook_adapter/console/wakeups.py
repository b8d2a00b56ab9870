"""Who waits for a change, and what wakes them: the router is watched once for all pages, and only while somebody
looks.

A page that waits is a place in a list. The threads are few: one follows the steps of commands and messages, one looks
at machines and sessions twice a second (the router tells nobody when one of them changes), and one for each session
that is open somewhere follows what it does.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from pointsman.client.errors import RouterError
from pointsman.client.records import SaidDelta
from webhook_adapter.console.ports import ConsoleControl
from webhook_adapter.loop import Place, place

logger = logging.getLogger(__name__)

PATIENCE = 20.0  # seconds that an answer is waited for: proxies end what is silent for longer
_LOOK_EVERY = 0.5  # seconds
_FOLLOWED = timedelta(seconds=10)  # at once, of a session
_WANTED = 30.0  # seconds after somebody last waited
_PAUSE = 1.0  # seconds where the router does not answer
_MOST_FOLLOWED = 64  # sessions; who opens one more is told with the looks
EVERY = "*"  # in place of a session: each step of each
_STEPS, _LOOKS, _OF = "steps", "looks", "of "  # names of threads; those of sessions have the last before their id


class Wakeups:
    """Threads may share it. `look` says how machines, sessions and questions stand, in a short text."""

    def __init__(self, ask: Callable[[], ConsoleControl], look: Callable[[], str]) -> None:
        self._ask = ask
        self._look = look
        self._lock = threading.Lock()  # guards all below; nobody waits while holding it
        self._places: dict[Place[None], str] = {}  # and the session that each is about; "" for none
        self._followers: dict[str, threading.Thread] = {}
        self._wanted: dict[str, float] = {}  # by name of a follower: when somebody last waited for it
        self._looked = ""
        self._said: dict[str, SaidDelta] = {}  # by session: what it is saying

    @contextmanager
    def on(self, session_id: str) -> Iterator[Callable[[], None]]:
        """Begin to listen; what is given then waits until something has changed since, or PATIENCE is over."""
        here: Place[None] = place()
        with self._lock:
            self._places[here] = session_id
            self._follow(_STEPS, self._steps)
            self._follow(_LOOKS, self._looks)
            is_followed = session_id in ("", EVERY) or self._follow(_OF + session_id, self._session(session_id))
        try:
            yield lambda: _wait(here, PATIENCE if is_followed else _LOOK_EVERY)
        finally:
            with self._lock:
                self._places.pop(here, None)

    def saying(self, session_id: str) -> SaidDelta | None:
        """What a session that is followed is saying, as far as it has got."""
        return self._said.get(session_id)

    def _follow(self, name: str, follow: Callable[[], None]) -> bool:
        """See that it is followed; whether it is. Under the lock."""
        self._wanted[name] = time.monotonic()
        if name not in self._followers:
            if len(self._followers) > _MOST_FOLLOWED:
                return False
            thread = threading.Thread(target=self._run, args=(name, follow), name=f"console {name}", daemon=True)
            self._followers[name] = thread
            thread.start()
        return True

    def _run(self, name: str, follow: Callable[[], None]) -> None:
        try:
            while self._is_wanted(name):
                try:
                    follow()
                except RouterError:
                    self._wake()  # whoever waits asks for themselves, and hears why
                    time.sleep(_PAUSE)
        except ValueError:  # gRPC's, of a channel that was closed: this process ends
            logger.debug("nothing is followed any more: the channel is closed")
        finally:
            with self._lock:
                if self._followers.get(name) is threading.current_thread():
                    del self._followers[name]
                    self._said.pop(name.removeprefix(_OF), None)

    def _is_wanted(self, name: str) -> bool:
        with self._lock:
            if time.monotonic() < self._wanted[name] + _WANTED:
                return True
            del self._followers[name]  # under the lock: who comes now starts another
            self._said.pop(name.removeprefix(_OF), None)
            return False

    def _wake(self, session_id: str | None = None) -> None:
        """Those that look at this session; without one, all."""
        with self._lock:
            woken = [each for each, about in self._places.items() if session_id is None or about in (session_id, EVERY)]
            for each in woken:  # a place takes one value
                del self._places[each]
        for each in woken:
            each.put(None)

    def _steps(self) -> None:
        for event in self._ask().watch():
            self._wake(event.session_id)
            if time.monotonic() > self._wanted[_STEPS] + _WANTED:
                return

    def _looks(self) -> None:
        now = self._look()
        if now != self._looked:
            self._looked = now
            self._wake()
        time.sleep(_LOOK_EVERY)

    def _session(self, session_id: str) -> Callable[[], None]:
        after = 0

        def hear(delta: SaidDelta) -> None:
            self._said[session_id] = delta
            self._wake(session_id)

        def follow() -> None:
            nonlocal after
            # Only that something came is news here; whoever is woken reads it behind what they have.
            last = 0 if after else 1
            try:
                events = self._ask().session_events(session_id, after, last=last, wait=_FOLLOWED, saying=hear)
                for event in events:
                    after = event.seq
                    if event.kind == "said":  # whole, in the place of what was heard of it
                        self._said.pop(session_id, None)
                    self._wake(session_id)
            except RouterError as error:
                after = 0 if error.code == "EVENTS_BEGAN_ANEW" else after
                raise

        return follow


def _wait(here: Place[None], patience: float) -> None:
    with suppress(queue.Empty):
        here.get(timeout=patience)
