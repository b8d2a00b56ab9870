"""The vendor's service that takes pushes for a browser: whoever has a login names its address, so it is not believed.

Nothing goes to an address of this machine or network (SSRF), nor to another one that it names, and its answer is
neither read nor waited for longer than a push is worth.
"""

import socket
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

TIMEOUT_S = 10.0  # for each step
DEADLINE_S = 40.0  # for all; well below the router's lease
_TRANSLATED = tuple(map(IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")))  # IPv4 of any network in IPv6


class Forbidden(Exception):
    """The address is none of a public service."""


class NoAnswer(Exception):
    """None came in time. The push may have been taken all the same."""


def check_endpoint(endpoint: str, *, private: bool) -> None:
    """Raises Forbidden; what its name means is looked at with each push. `private`: a setting allows any address."""
    url = urlsplit(endpoint)
    if url.scheme != "https" and not private:
        raise Forbidden("its address has no https")
    host = url.hostname or ""
    if not private and not (_is_public(host) if _is_number(host) else "." in host):
        raise Forbidden("its address is one of this machine or network")


def post(endpoint: str, headers: Mapping[str, str], body: bytes, *, private: bool) -> requests.Response:
    """Bring a push; the head of the answer. Raises Forbidden or NoAnswer."""
    check_endpoint(endpoint, private=private)
    with requests.Session() as session:
        session.trust_env = not private  # a proxy of the environment does not reach this machine
        session.mount("https://", _Adapter(_AnyHttps if private else _PublicHttps))
        session.mount("http://", _Adapter(_AnyHttp))
        try:
            answer = session.post(
                endpoint, body, headers=dict(headers), timeout=TIMEOUT_S, allow_redirects=False, stream=True
            )
        except requests.RequestException as error:
            raise NoAnswer(type(error).__name__) from None
        answer.close()  # unread: nobody says how long it is
        return answer


class _Timed(HTTPConnection):
    """Ends after the deadline: each timeout is for one step, and an answer may come byte by byte."""

    _limit: tuple[threading.Timer, socket.socket] | None = None

    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        ours = made.dup()  # TLS takes the other one over
        timer = threading.Timer(DEADLINE_S, _end, (ours,))
        timer.daemon = True
        self._limit = timer, ours
        timer.start()
        return made

    def close(self) -> None:
        if self._limit is not None:
            timer, ours = self._limit
            self._limit = None
            timer.cancel()
            ours.close()
        super().close()


class _AnyHttp(_Timed):
    pass


class _AnyHttps(_Timed, HTTPSConnection):
    pass


class _PublicHttps(_AnyHttps):
    def _new_conn(self) -> socket.socket:
        found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        _require_public(str(address[0]) for *_, address in found)
        made = super()._new_conn()
        try:
            # Looked at again: a name may mean another address from one moment to the next.
            _require_public([made.getpeername()[0]])
        except Forbidden:
            made.close()
            raise
        return made


class _Adapter(HTTPAdapter):
    """Of requests, with connections of ours."""

    def __init__(self, connection: type[HTTPConnection]) -> None:
        self._connection = connection
        super().__init__()

    def init_poolmanager(self, *args: Any, **how: Any) -> None:  # noqa: ANN401 - as theirs
        super().init_poolmanager(*args, **how)
        kind = HTTPSConnectionPool if issubclass(self._connection, HTTPSConnection) else HTTPConnectionPool
        pool = type(kind.__name__, (kind,), {"ConnectionCls": self._connection})
        self.poolmanager.pool_classes_by_scheme = {kind.scheme: pool}


def _end(connection: socket.socket) -> None:
    with suppress(OSError):  # it has ended by itself
        connection.shutdown(socket.SHUT_RDWR)


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_public(address: str) -> bool:
    number = ip_address(address.partition("%")[0])
    if isinstance(number, IPv6Address):  # what it leads to counts
        if any(number in each for each in _TRANSLATED):
            return False
        number = number.ipv4_mapped or number
    return number.is_global and not number.is_multicast


def _require_public(addresses: Iterable[str]) -> None:
    if not all(map(_is_public, addresses)):
        raise Forbidden("its name means an address of this machine or network")
