"""What a chat platform is to the adapter: one object, listed in registry.py. How to write one: docs/transports.md."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flask import Blueprint

from webhook_adapter.clock import Clock, SystemClock
from webhook_adapter.config import AdapterConfig
from webhook_adapter.model import Submission, Submitted
from webhook_adapter.router.client import RouterClient
from webhook_adapter.transports.lifecycle import Lifecycle, handed_in, lifecycle
from webhook_adapter.transports.transport import Transport


@dataclass(frozen=True, slots=True)
class Host:
    """What a process of the adapter lends to every platform."""

    config: AdapterConfig
    router: RouterClient
    clock: Clock = field(default_factory=SystemClock)
    stop: threading.Event = field(default_factory=threading.Event)  # set when the process begins to end
    lifecycle: Lifecycle = field(default_factory=lifecycle)  # every event that comes in goes through it

    def submit(self, submission: Submission) -> Submitted:
        """Hand in what somebody wrote or pressed, once it is known that they may. Raises RouterError.

        What is on the router's disk need not come again; what raised must, unless the error is about the content.
        """
        key, router = submission.update_key, self.router
        return self.lifecycle.handle(
            submission.chat.transport, lambda: handed_in(key, router.submit(submission))
        ).submitted


@dataclass(frozen=True, slots=True)
class Route:
    """A platform's way out, in the courier's process."""

    transport: Transport
    default_chats: tuple[str, ...]  # they want every notification without a target
    senders: int = 1  # messages on their way at once; also the link's credit, so that no lease runs out in a queue here
    beside: Mapping[str, Callable[[], None]] = field(default_factory=dict)
    """What else runs, each in a thread of that name. It returns soon after `stop`; raising ends the process."""
    end_within: Callable[[float], None] = lambda _seconds: None  # no call may wait for longer from now on
    close: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Platform:
    """One chat platform. Where its settings leave it off, it has neither endpoints nor a route."""

    name: str  # as the protocol has it in ChatRef.transport
    blueprint: Callable[[Host], Blueprint | None]  # its HTTP endpoints, in each worker of the HTTP process
    start_courier: Callable[[Host], Route | None]
