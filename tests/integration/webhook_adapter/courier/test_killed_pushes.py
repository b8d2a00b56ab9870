"""Pushes and kill -9: what may have come goes again under the same name, and nothing is lost or goes a third time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb

from tests.fakes.push_service import PushService, Rudeness
from tests.integration.router.harness import API_KEY, Caller
from tests.integration.router.process import started
from tests.integration.webhook_adapter.courier_process import CourierProcess
from tests.ports import free_port

pytestmark = pytest.mark.faults


@pytest.fixture
def vendor() -> Iterator[PushService]:
    service = PushService().start()
    yield service
    service.stop()


def courier(router: str) -> CourierProcess:
    process = CourierProcess({"POINTSMAN_API_KEY": API_KEY, "POINTSMAN_ROUTER": router, "POINTSMAN_PUSH_PRIVATE": "1"})
    process.wait_ready()
    return process


def logs_in(router: Caller, login: str, code: str = "") -> None:
    request = chat_pb.OpenBrowserRequest(login_id=login, label="Firefox", code=code)
    request.lifetime.FromSeconds(3600)
    router.chat.OpenBrowser(request)


def is_let_in(router: Caller, name: str) -> None:
    """Somebody new, of whom whoever runs this is told."""
    code = router.control.CreatePairingCode(pb.CreatePairingCodeRequest(person_name=name)).code
    logs_in(router, f"the login of {name}", code)


def test_nothing_is_lost_and_what_is_in_doubt_has_one_name(data_dir: Path, vendor: PushService) -> None:
    vendor.is_rude(Rudeness(takes_it=True))
    address = f"127.0.0.1:{free_port()}"
    with started(data_dir, POINTSMAN_ROUTER_LISTEN=address) as first:
        assert first.address() == address
        asked = Caller(address, API_KEY)
        logs_in(asked, "what a browser shows")
        asked.chat.Subscribe(vendor.browser().subscription("what a browser shows"))
        with courier(address) as killed:
            is_let_in(asked, "Bob")
            vendor.wait_for(lambda: vendor.pushes())
            is_let_in(asked, "Eve")  # waits behind it
            killed.kill()
        asked.close()
    vendor.release()

    with started(data_dir, POINTSMAN_ROUTER_LISTEN=address) as again, courier(again.address()):
        asked = Caller(address, API_KEY)
        vendor.wait_for(lambda: len(vendor.pushes()) >= 3)
        is_let_in(asked, "Ian")
        vendor.wait_for(lambda: "Ian" in vendor.pushes()[-1].told["body"])
        bob, bob_again, *others = vendor.pushes()
        steps = asked.control.Trace(pb.TraceRequest(id=bob.told["id"])).steps
        asked.close()

    assert (bob.told, bob.topic) == (bob_again.told, bob_again.topic)
    assert [next(name for name in ("Bob", "Eve", "Ian") if name in each.told["body"]) for each in others] == [
        "Eve",
        "Ian",
    ]
    assert [each.event for each in steps] == ["Accepted", "Leased", "Returned", "Leased", "Delivered"]
