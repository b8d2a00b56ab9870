"""A router, a platform, and a courier between them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.integration.webhook_adapter.courier_process import API_KEY
from tests.integration.webhook_adapter.transports.conformance.stages import Can, Shown, Stage
from tests.integration.webhook_adapter.transports.conformance.table import STAGES
from tests.rigs.fast_time import FastClock
from tests.rigs.scripted_outbox import ChatLinkStandIn, Parcel
from webhook_adapter.clock import Clock
from webhook_adapter.config import AdapterConfig
from webhook_adapter.courier.courier import Courier
from webhook_adapter.router.client import RouterClient
from webhook_adapter.transports.platform import Host
from webhook_adapter.transports.registry import platforms
from webhook_adapter.transports.transport import Transport

BUTTONS = [("Go on", "continue"), ("Stop", "exit")]


class Play:
    """A router, the platform's stage, and a courier between them."""

    def __init__(self, router: ChatLinkStandIn, stage: Stage) -> None:
        self.router = router
        self.stage = stage
        settings = {"POINTSMAN_API_KEY": API_KEY, "POINTSMAN_ROUTER": router.address, **stage.settings}
        self.config = AdapterConfig.from_environ(settings)
        self.courier = self._started()

    def _started(self, clock: Clock | None = None) -> Courier:
        courier = Courier(self.config, platforms(), clock or self.stage.clock)
        courier.start()
        return courier

    @contextmanager
    def transport(self) -> Iterator[Transport]:
        """The platform's transport by itself, rested."""
        host = Host(self.config, RouterClient(self.config), FastClock(10_000.0))
        [platform] = [each for each in platforms() if each.name == self.stage.name]
        route = platform.start_courier(host)
        assert route is not None
        yield route.transport
        route.close()
        host.router.close()

    def restarts(self, clock: Clock | None = None) -> None:
        """The courier ends as it is asked to, and another one begins; a clock is what paces it."""
        self.courier.stop()
        self.courier = self._started(clock)

    def put(self, text: str, chat: str = "", **fields: Any) -> Parcel:
        """Let the router have something to bring."""
        return self.router.deliver(text, chat or self.stage.chat, transport=self.stage.name, **fields)

    def brings(self, text: str, chat: str = "", **fields: Any) -> Parcel:
        """The same, once it is brought or refused."""
        parcel = self.put(text, chat, **fields)
        self.router.wait_until_ended(parcel)
        return parcel

    def shown(self, parcel: Parcel) -> list[Shown]:
        """What people see of it: all that its receipt names."""
        found = {each.message_id: each for each in self.stage.shown()}
        assert parcel.ended == "delivered"
        return [found[message_id] for message_id in parcel.message_ids]


def over(*needed: Can, without: Can | None = None) -> Callable[[Any], Any]:
    """On those platforms that can do this, or can be made to; but for those that do `without`."""
    able = [name for name, stage in STAGES.items() if {*needed} <= stage.can and without not in stage.can]
    return pytest.mark.parametrize("play", able, indirect=True)
