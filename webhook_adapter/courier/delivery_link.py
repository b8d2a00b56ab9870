"""The stream on which the router leases its outbox to one transport: deliveries in, receipts out."""

import logging
import queue
import random
import threading
import time
from collections.abc import Iterator

import grpc
from agentlink.v1 import chat_link_pb2 as pb
from agentlink.v1 import chat_link_pb2_grpc, types_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from webhook_adapter.backoff import Backoff
from webhook_adapter.courier import convert
from webhook_adapter.courier.sender_pool import DeliveryReceipt, SenderPool
from webhook_adapter.courier.typing_indicator import TypingIndicator
from webhook_adapter.router.client import channel_to_router
from webhook_adapter.transports.platform import Host, Route
from webhook_adapter.transports.transport import Delivered, ShowsTyping

logger = logging.getLogger(__name__)

_FLUSH_S = 1.0  # for receipts, after the last send
_RECONNECT_S = (1.0, 30.0)
_STEADY_S = 60.0  # a link that lived so long was a good one

Frames = queue.SimpleQueue[pb.DeliveryReceipt | None]


class DeliveryLink:
    """Holds one `Deliver` stream open for one transport."""

    def __init__(self, host: Host, route: Route, instance_id: str) -> None:
        self.opened = threading.Event()
        self.typing: TypingIndicator | None = None
        if isinstance(route.transport, ShowsTyping):
            self.typing = TypingIndicator(route.transport, host.router.own.sessions, host.clock)
        self._host = host
        self._route = route
        self._name = route.transport.name
        self._instance_id = instance_id
        self._sender_pool = SenderPool(route.transport, route.senders)
        self._frames: Frames = queue.SimpleQueue()
        self._ended = threading.Event()

    def run(self) -> None:
        """Open the link again and again until `stop` is set and what was begun is answered."""
        self._sender_pool.start()
        backoff = Backoff(*_RECONNECT_S, random.Random())  # noqa: S311 - it spreads reconnects
        with channel_to_router(self._host.config) as channel:
            stub = chat_link_pb2_grpc.ChatLinkStub(channel)
            while not self._host.stop.is_set():
                began = time.monotonic()
                told = self._hold(stub)
                if time.monotonic() - began > _STEADY_S:
                    backoff.reset()
                self._host.stop.wait(told or backoff.next_wait())
        self._ended.set()

    def finish(self, deadline: float) -> None:
        """After `stop`: wait for sends in flight until `deadline` (monotonic), then for their receipts to leave."""
        if self.typing is not None:
            self.typing.close()
        if not self._sender_pool.drain(max(0.0, deadline - time.monotonic())):
            # Nothing is lost: the router leases it again, and it may come twice.
            logger.warning("stopped during a send; its lease goes back transport=%s", self._name)
        self._frames.put(None)
        self._ended.wait(_FLUSH_S)

    def _hold(self, stub: chat_link_pb2_grpc.ChatLinkStub) -> float | None:
        """One stream from open to end; the wait the router asks for, if it does."""
        # Each stream has frames of its own: a receipt for a lease of an earlier one must not open this one.
        frames: Frames = queue.SimpleQueue()
        self._frames = frames
        frames.put(self._open())
        call = stub.Deliver(_until_none(frames), metadata=(("x-api-key", self._host.config.api_key),))
        try:
            # Comes when the router has taken the open, or with the first delivery.
            call.initial_metadata()
            if call.is_active():
                self.opened.set()
                logger.info("delivery link open transport=%s", self._name)
            for delivery in call:
                self._take(delivery, frames)
        except grpc.RpcError as error:
            # Its own code: a call that was not even made, since no router proved itself, has none that says so.
            code, text = error.code(), error.details()
            logger.warning("delivery link lost transport=%s code=%s: %s", self._name, code.name, text)
            return _told_to_wait(call)
        finally:
            frames.put(None)
            call.cancel()  # type: ignore[no-untyped-call]
        logger.info("delivery link ended transport=%s", self._name)
        return None

    def _take(self, delivery: pb.Delivery, frames: Frames) -> None:
        message = convert.outgoing(delivery, self._host.router)

        def answer(receipt: DeliveryReceipt) -> None:
            frames.put(convert.frame(receipt))
            if self.typing is not None and isinstance(receipt.outcome, Delivered):
                self.typing.brought(message)

        self._sender_pool.take(message, delivery.attempt, answer)

    def _open(self) -> pb.DeliveryReceipt:
        chats = [types_pb2.ChatRef(transport=self._name, chat_id=chat_id) for chat_id in self._route.default_chats]
        opening = pb.DeliverOpen(
            transport=self._name,
            instance_id=self._instance_id,
            default_chats=chats,
            max_in_flight=self._route.senders,
        )
        return pb.DeliveryReceipt(open=opening)


def _until_none(frames: Frames) -> Iterator[pb.DeliveryReceipt]:
    while (frame := frames.get()) is not None:
        yield frame


def _told_to_wait(call: grpc.Call) -> float | None:
    """Seconds in the RetryInfo of the call's status (google.rpc), if it has one."""
    status, retry = rpc_status.from_call(call), error_details_pb2.RetryInfo()
    for detail in status.details if status is not None else ():
        if detail.Unpack(retry):
            return float(retry.retry_delay.ToTimedelta().total_seconds())
    return None
