"""The life of an inbound event, the same on every platform, and the hooks that see it.

before ─▶ the platform reads, judges and hands in ─▶ after
                         └─ raises ─▶ failed
"""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

import uuid_utils
from flask import g, has_request_context

from pointsman.client.errors import RouterError
from webhook_adapter.model import Submitted

logger = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Outcome(Enum):
    """What became of an event. None of these need come again."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    DENIED = "denied"
    REFUSED = "refused"  # by the router, for what it says


# Of what is stored the router's trace tells, and a line for each would make the threads queue for the log.
_QUIET = frozenset({Outcome.STORED, Outcome.DUPLICATE})


@dataclass(slots=True)
class Event:
    """One event that came in. Hooks that run earlier may fill in what later ones use."""

    transport: str
    request_id: str = ""  # in the log lines about it, and in the answer where it came over HTTP


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of it. `about` is for the log: ids and reasons, never what somebody wrote."""

    outcome: Outcome
    about: str = field(default="", kw_only=True, compare=False)


@dataclass(frozen=True, slots=True)
class HandedIn(Handled):
    """It is on the router's disk."""

    submitted: Submitted


H = TypeVar("H", bound=Handled)


def handed_in(key: str, submitted: Submitted) -> HandedIn:
    """What the router's answer to a submission with this update key means."""
    outcome = Outcome.DUPLICATE if submitted.duplicate else Outcome.STORED
    return HandedIn(outcome, submitted, about=f"key={key} command={submitted.command_id}")


class Hook:
    """Sees every event on every platform. Override what is of interest."""

    def before(self, event: Event) -> None:
        """It has come in, and nothing of it is read."""

    def after(self, event: Event, handled: Handled) -> None:
        """It is settled, and the platform will be told so."""

    def failed(self, event: Event, error: Exception) -> None:
        """Handling it raised. A RouterError means that nothing was stored, and that it must come again."""


class Lifecycle:
    """Runs the hooks around the handling of each event, in their order."""

    def __init__(self, *hooks: Hook) -> None:
        self._before = _those_who_look(Hook.before, hooks)
        self._after = _those_who_look(Hook.after, hooks)
        self._failed = _those_who_look(Hook.failed, hooks)

    def handle(self, transport: str, take: Callable[[], H], request_id: str = "") -> H:
        """Let a platform take one event. Raises what `take` raises, and nothing that a hook does.

        `request_id`: of the HTTP request that brought it, where Flask does not know of that.
        """
        event = Event(transport, request_id)
        _tell(self._before, event)
        try:
            handled = take()
        except Exception as error:
            _tell(self._failed, event, error)
            raise
        _tell(self._after, event, handled)
        return handled


def _those_who_look(at: Callable[..., None], hooks: Sequence[Hook]) -> list[Callable[..., None]]:
    """Theirs for this moment, where they have one of their own."""
    found = [getattr(hook, at.__name__) for hook in hooks]
    return [each for each in found if each.__func__ is not at]


def _tell(hooks: Sequence[Callable[..., None]], *about: object) -> None:
    for hook in hooks:
        try:
            hook(*about)
        except Exception:
            # Whoever only looks on must not lose a message.
            logger.exception("hook failed hook=%s", hook.__qualname__)


class RequestIds(Hook):
    """Gives each event an id: that of the HTTP request which brought it, else one of its own."""

    def take(self, given: str) -> None:
        """Give the current HTTP request its id: the caller's, where that is sound."""
        g.request_id = self.of(given)

    def of(self, given: str) -> str:
        """The id of a request: the caller's, where that is sound."""
        return given if given and _REQUEST_ID.fullmatch(given) else self._new()

    def before(self, event: Event) -> None:
        if not event.request_id:
            event.request_id = g.request_id if has_request_context() else self._new()

    def _new(self) -> str:
        return str(uuid_utils.uuid4().hex)


class EventLog(Hook):
    """Says in the log what became of events."""

    def after(self, event: Event, handled: Handled) -> None:
        level = logging.DEBUG if handled.outcome in _QUIET else logging.INFO
        if logger.isEnabledFor(level):
            about = event.transport, handled.outcome.value, event.request_id, handled.about
            logger.log(level, "%s event %s id=%s %s", *about)

    def failed(self, event: Event, error: Exception) -> None:
        if isinstance(error, RouterError):
            logger.warning("%s event not stored id=%s code=%s", event.transport, event.request_id, error.code)
        else:
            # Without its stack: that is for whoever catches it.
            logger.error("%s event failed id=%s %s", event.transport, event.request_id, type(error).__name__)


def lifecycle(*more: Hook) -> Lifecycle:
    """The hooks of both processes, then those of one. The id comes first: the others tell it."""
    return Lifecycle(RequestIds(), EventLog(), *more)
