"""A chat platform's courier that brings nothing anywhere: deliveries come, receipts go when the test says so."""

import queue
import threading
from typing import Any

import grpc
from agentlink.v1 import chat_link_pb2 as pb
from agentlink.v1 import types_pb2 as types
from agentlink.v1.chat_link_pb2_grpc import ChatLinkStub

from tests.waiting import PATIENCE


class ThinCourier:
    """One open delivery stream of a platform."""

    def __init__(self, stub: ChatLinkStub, transport: str, *default_chats: str, max_in_flight: int = 0) -> None:
        self._out: queue.SimpleQueue[pb.DeliveryReceipt | None] = queue.SimpleQueue()
        self._in: queue.SimpleQueue[pb.Delivery] = queue.SimpleQueue()
        self.error: grpc.RpcError | None = None
        chats = [types.ChatRef(transport=transport, chat_id=chat_id) for chat_id in default_chats]
        opening = pb.DeliverOpen(
            transport=transport, instance_id="thin", default_chats=chats, max_in_flight=max_in_flight
        )
        self._out.put(pb.DeliveryReceipt(open=opening))
        self._call = stub.Deliver(iter(self._out.get, None))
        self._reader = threading.Thread(target=self._read, name="thin-courier-reader")
        self._reader.start()

    def connected(self) -> "ThinCourier":
        """Come back once the router knows this courier and its default chats."""
        self._call.initial_metadata()
        return self

    def take(self) -> pb.Delivery:
        """The next delivery. Fails when none comes."""
        try:
            return self._in.get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError(f"no delivery within {PATIENCE} s") from None

    def waiting(self) -> int:
        """How many deliveries came and were not taken."""
        return self._in.qsize()

    def delivered(self, delivery: pb.Delivery, *message_ids: str, **news: Any) -> None:
        """The platform took it; `news` is what else the receipt says."""
        self.answer(delivery, delivered=pb.Delivered(message_ids=message_ids), **news)

    def refused(self, delivery: pb.Delivery, words: str, *, chat_closed: bool = False) -> None:
        """The platform refused it for good."""
        self.answer(delivery, refused=pb.Refused(detail=words, chat_closed=chat_closed))

    def answer(self, delivery: pb.Delivery, attempt: int | None = None, **outcome: Any) -> None:
        """Any receipt; for another attempt than the delivery's if the test says so."""
        number = delivery.attempt if attempt is None else attempt
        self._out.put(
            pb.DeliveryReceipt(notification_id=delivery.notification.notification_id, attempt=number, **outcome)
        )

    def brought(self, *message_ids: str, **news: Any) -> pb.Delivery:
        """Take the next delivery and say that the platform took it."""
        delivery = self.take()
        self.delivered(delivery, *message_ids, **news)
        return delivery

    def ended(self) -> grpc.RpcError | None:
        """Why the router ended the stream; None when it ended in peace."""
        self._reader.join(PATIENCE)
        self._out.put(None)
        return self.error

    def close(self) -> None:
        """Go away; what was not answered is the router's again."""
        self._out.put(None)
        self._reader.join(PATIENCE)

    def _read(self) -> None:
        try:
            for delivery in self._call:
                self._in.put(delivery)
        except grpc.RpcError as error:
            self.error = error
