"""The gRPC channel to the router: where it is, what TLS needs, and how soon a dead one is noticed."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio

from agent.link import router_socket

OPTIONS: list[tuple[str, int]] = [
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Without this one a silent peer is found after 80 s in spite of the two above (measured).
    ("grpc.http2.ping_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.max_send_message_length", 4 * 1024 * 1024),
    # Waiting is ours: the channel's own grows to two minutes, and is shared between channels to one address.
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the router is, and what TLS needs."""

    address: str
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


def open_channel(endpoint: Endpoint) -> grpc.aio.Channel:
    """A channel to the router: plain at its socket, and on loopback unless a CA is given; TLS everywhere else."""
    target = router_socket.target(endpoint.address)
    if (credentials := channel_credentials(endpoint)) is None:
        return grpc.aio.insecure_channel(target, options=OPTIONS)
    return grpc.aio.secure_channel(target, credentials, options=OPTIONS)


def channel_credentials(endpoint: Endpoint) -> grpc.ChannelCredentials | None:
    """TLS credentials; None where plain text is right."""
    if router_socket.path_of(endpoint.address) or (endpoint.ca is None and _is_loopback(endpoint.address)):
        return None
    root, key, chain = (path.read_bytes() if path else None for path in (endpoint.ca, endpoint.key, endpoint.cert))
    return grpc.ssl_channel_credentials(root, key, chain)


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
