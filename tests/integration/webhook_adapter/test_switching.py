"""From polling to the webhook and back: what people write meanwhile arrives, each once and in order."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import Fault, FaultKind
from tests.integration.webhook_adapter.courier_process import API_KEY, CourierProcess, environment, start
from tests.rigs.adapter import HEADER_SECRET, PATH_SECRET, AdapterProcess
from tests.rigs.scripted_outbox import ChatLinkStandIn

SECRETS = {"TELEGRAM_WEBHOOK_SECRET": HEADER_SECRET, "TELEGRAM_WEBHOOK_PATH_SECRET": PATH_SECRET}


@pytest.fixture
def telegram() -> Iterator[TelegramStandIn]:
    with TelegramStandIn(speed=20) as telegram:
        telegram.add_chat(4711)
        yield telegram


@pytest.fixture
def router() -> Iterator[ChatLinkStandIn]:
    with ChatLinkStandIn(api_key=API_KEY) as router:
        yield router


@contextmanager
def door(telegram: TelegramStandIn, router: ChatLinkStandIn, folder: Path) -> Iterator[str]:
    """The HTTP program; its address. It serves in both modes."""
    settings = environment(telegram, router.address, POINTSMAN_HTTP_LISTEN="127.0.0.1:0", **SECRETS)
    with AdapterProcess(settings, folder) as process:
        yield f"http://127.0.0.1:{process.port}"


@pytest.mark.faults
def test_switching_between_the_two_ways_in_loses_nothing_and_repeats_nothing(
    telegram: TelegramStandIn, router: ChatLinkStandIn, tmp_path: Path
) -> None:
    written = iter(range(1000))

    def write(count: int) -> None:
        for _ in range(count):
            telegram.user_writes(f"{next(written)}")

    def polling() -> CourierProcess:
        return start(telegram, router, **SECRETS)

    with door(telegram, router, tmp_path) as address:
        write(10)
        telegram.fail("getUpdates", Fault(FaultKind.SLOW, seconds=0))
        confirmation = telegram.fail("getUpdates", Fault(FaultKind.HANG))
        with polling() as courier:
            telegram.wait_for(lambda: confirmation.struck)
            courier.kill()  # it has handed in what it could not confirm
        write(5)
        with start(telegram, router, POINTSMAN_PUBLIC_URL=address, **SECRETS):
            router.wait_for(lambda: len(router.submitted) == 15)
        write(1)
        router.wait_for(lambda: len(router.submitted) == 16)  # the webhook needs no courier
        router.stop()
        write(5)
        telegram.wait_for(lambda: not all(delivery.taken for delivery in telegram.deliveries))
        router.start()
        with polling():
            write(5)
            telegram.wait_for(lambda: not telegram.pending_updates)

    assert [each.text for each in router.submitted] == [str(number) for number in range(26)]
    assert len(router.repeated) >= 10  # those came by both ways, and were known
    assert not any(call.params.get("drop_pending_updates") for call in telegram.calls())
