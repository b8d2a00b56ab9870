"""The channel to the router."""

from pathlib import Path

import grpc

from pointsman.client import router_socket
from pointsman.client.router_proof import proven

_OPTIONS = (
    # A router that vanished without a word, its cable out, is noticed within 40 s.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),  # any number: whoever watches may hear nothing for hours
    # The longest list is 1,000 commands of 64 KiB; nobody but the router, whom we trust with more, can send it to us.
    ("grpc.max_receive_message_length", 80 * 1024 * 1024),
    ("grpc.max_send_message_length", 4 * 1024 * 1024),  # what the router takes
    # A router that comes back must be found by Telegram's next retry, 2 s later; grpc's own default waits up to 120 s.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)


def open_channel(
    address: str,
    ca: Path | None = None,
    cert: Path | None = None,
    key: Path | None = None,
    *,
    is_local: bool,
    fingerprint: str = "",
) -> grpc.Channel:
    """A channel to HOST:PORT or unix:PATH. It connects at its first call: not before a fork, gRPC survives none.

    TLS, checked against `ca` or else the system's authorities, unless the router `is_local` and no CA is given: nothing
    leaves the machine then. With a `fingerprint` the router has to prove its key on each connection before it is told
    anything; at a socket it is looked whose that is. Raises OSError where a file cannot be read.
    """
    if router_socket.path_of(address) or (is_local and ca is None):  # then no proxy of the environment has a say
        target, options = router_socket.target(address), (*_OPTIONS, ("grpc.enable_http_proxy", 0))
        return proven(grpc.insecure_channel(target, options=options), fingerprint, address)
    root, private_key, chain = (path.read_bytes() if path else None for path in (ca, key, cert))
    channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(root, private_key, chain), options=_OPTIONS)
    return proven(channel, fingerprint, address)
