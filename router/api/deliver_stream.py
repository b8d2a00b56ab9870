"""One courier's open stream: leases go out, receipts come in."""

import asyncio
import logging

from agentlink.v1 import chat_link_pb2 as chat_pb
from google.protobuf.message import DecodeError

from router.api.convert.chats import chat_ref
from router.api.convert.notifications import delivery_message, delivery_receipt
from router.api.errors import refusal_of
from router.api.handlers import Context, frames, last_word, last_write
from router.domain.errors import Reason, Refusal
from router.domain.notification import LEASE
from router.services.outbox.couriers import MAX_IN_FLIGHT, Courier
from router.services.outbox.delivery_receipts import DeliveryReceipts
from router.services.outbox.leases import Outbox
from router.store import sessions
from router.store.database import Database

logger = logging.getLogger(__name__)


class DeliverStream:
    """Gives a courier what it has credit for, until the stream ends; what is open then is queued again."""

    def __init__(self, context: Context, database: Database, outbox: Outbox, receipts: DeliveryReceipts) -> None:
        self._context = context
        self._database = database
        self._outbox = outbox
        self._receipts = receipts

    async def run(self) -> None:
        """Carry frames until the stream ends. Raises Refusal for frames that are none."""
        incoming = frames(self._context)
        opening = _receipt(await anext(incoming, b""))
        if opening.WhichOneof("outcome") != "open" or not opening.open.transport:
            raise Refusal(Reason.BAD_FRAME, "The first frame must be open, with a transport.")
        chats = [chat_ref(chat) for chat in opening.open.default_chats]
        courier = Courier(opening.open.transport, min(opening.open.max_in_flight or MAX_IN_FLIGHT, MAX_IN_FLIGHT))
        opened = self._database.write(lambda tx: self._outbox.open(tx, courier, chats))
        writer: asyncio.Task[None] | None = None
        try:
            await asyncio.shield(opened)
            await self._context.send_initial_metadata(())  # the courier knows that it is connected
            logger.info("courier connected", extra={"transport": courier.transport})
            writer = asyncio.create_task(self._write(courier))
            async for raw in incoming:
                if receipt := delivery_receipt(_receipt(raw)):
                    await self._database.write(lambda tx, r=receipt: self._receipts.take(tx, courier, r))  # type: ignore[misc]
        finally:
            logger.info("courier gone", extra={"transport": courier.transport})
            courier.gone = True
            courier.wake.set()
            lost = self._database.write(lambda tx: self._outbox.lost(tx, courier))
            await last_word(lost)
            if writer:
                await last_write(writer)

    async def _write(self, courier: Courier) -> None:
        loop = asyncio.get_running_loop()
        while not courier.gone:
            await courier.wake.wait()
            courier.wake.clear()
            while courier.ready and not courier.gone:
                delivery = courier.ready.popleft()
                session_id = delivery.notification.session_id
                about = await self._database.read(lambda c, s=session_id: sessions.find(c, s) if s else None)  # type: ignore[misc]
                key = (delivery.notification.notification_id, delivery.notification.attempt)
                loop.call_later(LEASE, self._expire, courier, *key)  # before the write: who does not read loses it, too
                await self._context.write(delivery_message(delivery, LEASE, about).SerializeToString())

    def _expire(self, courier: Courier, notification_id: str, attempt: int) -> None:
        leased = courier.leased.get(notification_id) or courier.lent.get(notification_id)
        if leased is not None and leased.attempt == attempt:  # else it was answered, or is leased anew
            self._database.write(
                lambda tx: self._outbox.expire_lease(tx, courier, notification_id, attempt)
            ).add_done_callback(_logged)


def _receipt(raw: bytes) -> chat_pb.DeliveryReceipt:
    try:
        return chat_pb.DeliveryReceipt.FromString(raw)
    except DecodeError:
        raise Refusal(Reason.BAD_FRAME, "The frame is not a DeliveryReceipt.") from None


def _logged(future: "asyncio.Future[None]") -> None:
    if not future.cancelled() and (error := future.exception()):
        logger.warning("lease not taken back: %s", refusal_of(error))
