"""Whether it is our router that answers: asked on each new connection, before a key or a text goes over it.

A channel connects again by itself, and maybe to somebody who took the address meanwhile. Nothing is asked on a channel
without a pin. At a Unix socket it is asked once for each channel, and before each call it is looked whose that is.
"""

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import ref

import grpc
from agentlink.v1 import identity_pb2 as pb
from agentlink.v1.identity_pb2_grpc import IdentityStub

from pointsman.client import router_socket

if TYPE_CHECKING:
    from grpc import CallFuture, CallIterator

Q = TypeVar("Q")
R = TypeVar("R")
Details = grpc.ClientCallDetails

_PURPOSE = b"pointsman router proof v1"
_PATIENCE = 5.0  # seconds; less where the call itself has less
_READY = grpc.ChannelConnectivity.READY.value[0]
# Seconds that one wait for a lost connection takes at first and later. To close a channel takes until it is over, which
# a command is not to wait for; a connection that is lost ends it at once.
_FIRST_LOOK, _LOOK = 0.01, 0.2


class NobodyThere(grpc.RpcError):
    """Nobody listens at the router's socket."""

    text = "no router listens at its socket"

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE

    def details(self) -> str:
        return self.text

    def trailing_metadata(self) -> tuple[()]:
        return ()


class NotProven(NobodyThere):
    """What answers is not the router that was pinned. To callers the router is away: it may come back."""

    text = "what answers there is not the router that is pinned here, and was told nothing"


class NotOurs(NotProven):
    """Another account may be behind the socket."""

    text = "the router's socket is not this account's alone, and nothing was said there"


class Prover(
    grpc.UnaryUnaryClientInterceptor,  # type: ignore[type-arg]
    grpc.UnaryStreamClientInterceptor,  # type: ignore[type-arg]
    grpc.StreamStreamClientInterceptor,  # type: ignore[type-arg]
):
    """Threads may share it."""

    def __init__(self, channel: grpc.Channel, fingerprint: str, address: str) -> None:
        self._stub = IdentityStub(channel)
        self._fingerprint = fingerprint
        self._address = address
        self._is_socket = bool(router_socket.path_of(address))
        # Counts without a lock: a router that is silent keeps each call waiting for its own time alone, and not for
        # that of all before it. Two who count at once may count one: it is more than it was all the same.
        self._proven_at = -1  # how many connections were lost when the proof came
        self._lost = 0
        # gRPC has no public name for what it says of the connection at this moment; it takes a third of a microsecond.
        core = channel._channel  # type: ignore[attr-defined]  # noqa: SLF001
        self._state = core.check_connectivity_state
        # Not at a socket: a thread that waits for it takes reads from those who wait for them, 4 % of a webhook's way.
        if not self._is_socket:
            Thread(target=watch, args=(core, ref(self)), daemon=True).start()

    def lost(self) -> None:
        """The connection was lost: whoever answers next has to prove who it is."""
        self._lost += 1

    def intercept_unary_unary(
        self, continuation: Callable[[Details, Q], "CallFuture[R]"], client_call_details: Details, request: Q
    ) -> "CallFuture[R]":
        self._let_prove(client_call_details)
        return continuation(client_call_details, request)

    def intercept_unary_stream(
        self, continuation: Callable[[Details, Q], "CallIterator[R]"], client_call_details: Details, request: Q
    ) -> "CallIterator[R]":
        self._let_prove(client_call_details)
        return continuation(client_call_details, request)

    def intercept_stream_stream(
        self,
        continuation: "Callable[[Details, Iterator[Q]], CallIterator[R]]",
        client_call_details: Details,
        request_iterator: Iterator[Q],
    ) -> "CallIterator[R]":
        self._let_prove(client_call_details)
        return continuation(client_call_details, request_iterator)

    def _let_prove(self, details: Details) -> None:
        if self._is_socket:
            self._look()
        # That thread may get its turn late, and a call makes a new connection at once: so it is looked before each.
        elif self._state(False) != _READY:  # noqa: FBT003
            self.lost()
        lost = self._lost
        if self._proven_at != lost:
            if self._fingerprint:
                self._prove(min(details.timeout or _PATIENCE, _PATIENCE))
            # As it was before: a connection that was lost while we asked is asked again at the next call.
            self._proven_at = lost

    def _look(self) -> None:
        # Before each call: it costs less than to be told of each connection.
        look = router_socket.check if self._proven_at < 0 else router_socket.check_place
        try:
            look(self._address)
        except PermissionError:
            raise NotOurs from None
        except OSError:
            raise NobodyThere from None

    def _prove(self, timeout: float) -> None:
        # Here: whoever talks to a router without a pin need not wait for it to be loaded.
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        asked = pb.ProveRequest(nonce=secrets.token_bytes(32))
        try:
            # As metadata too: without a credential, a busy router reads few bodies. The body is for older routers.
            answer = self._stub.Prove(asked, timeout, (("request-bin", asked.SerializeToString()),))
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                raise NotProven from None
            raise
        digest = urlsafe_b64encode(hashlib.sha256(answer.public_key).digest()).rstrip(b"=").decode()
        said = b"\0".join((_PURPOSE, answer.router_id.encode(), asked.nonce))
        if digest != self._fingerprint:
            raise NotProven
        try:
            Ed25519PublicKey.from_public_bytes(answer.public_key).verify(answer.signature, said)
        except (InvalidSignature, ValueError):
            raise NotProven from None


def watch(channel: Any, prover: "ref[Prover]") -> None:  # noqa: ANN401 -- gRPC's own, which has no types
    """Tell the prover of each connection that is lost, until the channel is closed or nobody has it any more.

    As grpc.Channel.subscribe does, whose thread ends with an error where a channel is closed between two of its looks.
    """
    try:
        before, look = channel.check_connectivity_state(False), _FIRST_LOOK  # noqa: FBT003
        while True:
            changed = channel.watch_connectivity_state(before, time.time() + look).success
            if (told := prover()) is None:
                return
            if changed:
                now = channel.check_connectivity_state(False)  # noqa: FBT003
                if before == _READY or now != _READY:
                    told.lost()
                before = now
            else:
                look = min(1.5 * look, _LOOK)
            del told  # or this thread alone would keep it
    except ValueError:
        return  # it is closed


def proven(channel: grpc.Channel, fingerprint: str, address: str) -> grpc.Channel:
    """The channel, on which nothing is said to anybody but the router with this fingerprint, at a socket of ours.

    Where there is neither, it is the channel itself.
    """
    if not fingerprint and not router_socket.path_of(address):
        return channel
    return grpc.intercept_channel(channel, Prover(channel, fingerprint, address))
