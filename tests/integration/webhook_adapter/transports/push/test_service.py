"""Where pushes go: to public addresses alone, however they are named, and for no longer than a push is worth."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.push_service import PushService, Rudeness
from webhook_adapter.transports.push import service
from webhook_adapter.transports.push.service import Forbidden, NoAnswer, check_endpoint, post


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example.net/1",
        "https://127.0.0.1/1",
        "https://10.1.2.3/1",
        "https://192.168.1.1:8443/1",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/1",
        "https://0.0.0.0/1",
        "https://224.0.0.1/1",
        "https://[::1]/1",
        "https://[fe80::1]/1",
        "https://[fd00::1]/1",
        "https://[::ffff:127.0.0.1]/1",
        "https://[64:ff9b::7f00:1]/1",
        "https://[2002:7f00:1::]/1",
        "https://localhost/1",
        "https://router/1",
        "https:///1",
    ],
)
def test_an_address_of_this_machine_or_network_is_refused(endpoint: str) -> None:
    with pytest.raises(Forbidden):
        check_endpoint(endpoint, private=False)


@pytest.mark.parametrize(
    "endpoint", ["https://fcm.googleapis.com/fcm/send/x", "https://8.8.8.8/1", "https://[2606:4700::1111]/1"]
)
def test_a_public_one_is_not(endpoint: str) -> None:
    check_endpoint(endpoint, private=False)


def test_with_the_setting_any_address_will_do() -> None:
    check_endpoint("http://127.0.0.1:1/push", private=True)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Something of this machine that waits for a connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.0)
        yield listening


def endpoint_at(listener: socket.socket) -> str:
    """Under the name of a push service."""
    return f"https://push.example.net:{listener.getsockname()[1]}/1"


def names(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """What the name means, one look after the other."""
    left = list(answers)

    def look(_host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        address = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look)


def test_a_name_that_means_this_machine_is_not_even_connected_to(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, "127.0.0.1")

    with pytest.raises(Forbidden):
        post(endpoint_at(listener), {}, b"secret", private=False)
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_a_name_that_means_another_machine_a_moment_later_is_told_nothing(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, "8.8.8.8", "127.0.0.1")

    with pytest.raises(Forbidden):
        post(endpoint_at(listener), {}, b"secret", private=False)

    taken, _ = listener.accept()
    with taken:
        assert taken.recv(1) == b""


@pytest.mark.parametrize("rude", [Rudeness(), Rudeness(drips=True)], ids=["silent", "byte by byte"])
def test_one_that_does_not_answer_is_given_up_in_time(rude: Rudeness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "DEADLINE_S", 0.5)
    vendor = PushService().start()
    vendor.is_rude(rude)
    try:
        with pytest.raises(NoAnswer):
            post(vendor.browser().endpoint, {}, b"x", private=True)
    finally:
        vendor.stop()


def test_a_body_without_an_end_is_not_read() -> None:
    vendor = PushService().start()
    vendor.is_rude(Rudeness(500, {"Content-Length": str(10**12)}, b"w" * 100_000))
    try:
        assert post(vendor.browser().endpoint, {}, b"x", private=True).status_code == 500
    finally:
        vendor.stop()


def test_a_redirect_is_not_followed() -> None:
    vendor = PushService().start()
    vendor.is_rude(Rudeness(307, {"Location": f"{vendor.origin}/elsewhere"}))
    try:
        assert post(vendor.browser().endpoint, {}, b"x", private=True).status_code == 307
        assert vendor.tried == 1
    finally:
        vendor.stop()
