"""Secrets that requests carry, compared in constant time; and what is read of those whose sender is not known."""

import hmac
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NoReturn

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from webhook_adapter.config import API_KEY

_ADDRESS = 45  # the longest address in letters


def is_secret(presented: str, secret: str) -> bool:
    """Whether they are the same. On bytes: on text, compare_digest refuses what is not ASCII."""
    return hmac.compare_digest(presented.encode(errors="surrogatepass"), secret.encode())


def is_api_key_shaped(presented: str) -> bool:
    """Whether the router can be asked about it at all: gRPC metadata carries printable ASCII only."""
    return API_KEY.fullmatch(presented) is not None


def peer_of(address: str) -> str:
    """Who is counted as one: an address, or the network that one household has of IPv6. Empty for this machine."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if ip.is_loopback:
        return ""
    return str(ip_network((ip, 64), strict=False)) if ip.version == 6 and not ip.ipv4_mapped else address


def address_of_client(proxies: Iterable[IPv4Network | IPv6Network]) -> str:
    """Where the current request came from: what X-Forwarded-For says counts where a trusted proxy said it."""
    address = request.remote_addr or ""
    # The last name is the nearest proxy's own word; what stands before it was told to that one.
    for before in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        if not before.strip() or not _is_in(address, proxies):
            break
        address = before.strip()[:_ADDRESS]
    return address


def _is_in(address: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in networks)


class BodyAwaited(BaseException):
    """The body is to come after all: the server catches this, and asks the application again once it is there."""


class BodyToCome:
    """Stands for a body that is larger than strangers may send, and was not read yet."""

    is_sender_known = False

    def read(self, _size: int = -1) -> NoReturn:
        """Raises: there is nothing to be had now."""
        if self.is_sender_known:
            raise BodyAwaited
        raise RequestEntityTooLarge("so large a body is taken from known senders alone")


def is_body_to_come() -> bool:
    """Whether it has to be judged who sends it before it is read."""
    return isinstance(request.environ["wsgi.input"], BodyToCome)


def let_body_come() -> None:
    """Its sender has shown a good secret."""
    body = request.environ["wsgi.input"]
    if isinstance(body, BodyToCome):
        body.is_sender_known = True
