"""Secrets in requests."""

from ipaddress import ip_network

import pytest
from flask import Flask

from webhook_adapter.auth import address_of_client, is_api_key_shaped, is_secret, peer_of


@pytest.mark.parametrize("presented", ["", "secre", "secrett", "SECRET", "sécret", "secret\udcff"])
def test_only_the_very_same_secret_is_taken(presented: str) -> None:
    assert not is_secret(presented, "secret")


def test_the_secret_is_taken() -> None:
    assert is_secret("secret", "secret")


@pytest.mark.parametrize("key", ["", "with blank", "schlüssel", "line\nbreak", "x" * 257])
def test_what_metadata_cannot_carry_is_no_key(key: str) -> None:
    assert not is_api_key_shaped(key)


def test_a_key_is_shaped_like_one() -> None:
    assert is_api_key_shaped("pmk_" + "a" * 43)


@pytest.mark.parametrize(
    ("address", "peer"),
    [
        ("127.0.0.1", ""),
        ("127.8.8.8", ""),
        ("::1", ""),
        ("203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.5", "::ffff:203.0.113.5"),
        ("no address", "no address"),
    ],
)
def test_who_is_counted_as_one(address: str, peer: str) -> None:
    assert peer_of(address) == peer


PROXIES = (ip_network("127.0.0.1"), ip_network("10.0.0.0/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("127.0.0.1", "made up, 203.0.113.5", "203.0.113.5"),
        ("127.0.0.1", "203.0.113.5, 10.1.2.3", "203.0.113.5"),
        ("127.0.0.1", "10.9.9.9", "10.9.9.9"),
        ("127.0.0.1", "made up", "made up"),
        ("127.0.0.1", "x" * 100, "x" * 45),
        ("127.0.0.1", "203.0.113.5, ", "127.0.0.1"),
        ("203.0.113.9", "203.0.113.5", "203.0.113.9"),
        ("::1", "203.0.113.5", "::1"),
    ],
)
def test_a_client_is_where_the_last_trusted_proxy_says(peer: str, forwarded: str, address: str) -> None:
    headers = {"X-Forwarded-For": forwarded}
    with Flask("test").test_request_context(environ_base={"REMOTE_ADDR": peer}, headers=headers):
        assert address_of_client(PROXIES) == address
