"""ChatLink: inbound messages in, the outbox out."""

import asyncio
import logging
from contextlib import suppress
from functools import partial

from agentlink.v1 import chat_link_pb2 as chat_pb
from google.protobuf.message import DecodeError

from router.api import convert
from router.api.errors import refusal_of, status_of
from router.api.server import LAST_WRITE, Call, Context, frames, last_word, last_write
from router.api.strangers import reported
from router.domain.credentials import Principal
from router.domain.errors import Reason, Refusal
from router.domain.notification import LEASE
from router.domain.routing import Inbound
from router.services.chat.inbound import InboundService
from router.services.files import Files
from router.services.outbox.delivery_receipts import DeliveryReceipts
from router.services.outbox.leases import MAX_IN_FLIGHT, Courier, Outbox
from router.store import idempotency, sessions, strangers
from router.store.database import Database, Transaction

logger = logging.getLogger(__name__)


class ChatLinkServicer:
    """The service chat platforms' adapters call."""

    def __init__(
        self, database: Database, inbound: InboundService, outbox: Outbox, receipts: DeliveryReceipts, files: Files
    ) -> None:
        self._database = database
        self._inbound = inbound
        self._files = files
        self._outbox = outbox
        self._receipts = receipts

    async def Submit(self, request: chat_pb.SubmitRequest, _call: Call) -> chat_pb.SubmitResponse:
        inbound = convert.inbound(request)
        return await self._database.write(lambda tx: self._submit(tx, inbound), urgent=True)

    async def PutPart(self, request: chat_pb.PutSubmitPartRequest, _call: Call) -> chat_pb.PutSubmitPartResponse:
        await self._files.put(request.file_id, request.number, request.data)
        return chat_pb.PutSubmitPartResponse()

    async def GetPart(self, request: chat_pb.GetPartRequest, _call: Call) -> chat_pb.GetPartResponse:
        data = await self._files.get_out(request.notification_id, request.file_id, request.number)
        return chat_pb.GetPartResponse(data=data)

    async def ReportStranger(
        self, request: chat_pb.ReportStrangerRequest, _call: Call
    ) -> chat_pb.ReportStrangerResponse:
        stranger, now = reported(request.stranger), self._inbound.now()
        is_new = await self._database.write(lambda tx: strangers.note(tx, stranger, now))
        return chat_pb.ReportStrangerResponse(is_new=is_new)

    async def SubmitStream(self, _principal: Principal, context: Context) -> None:
        answers = Answers(context)
        writer = asyncio.create_task(answers.write())
        try:
            async for raw in frames(context):
                items = _items(raw)
                answers.expect(1)
                self._batch(items, answers)
        except (Refusal, asyncio.CancelledError):  # cancelled: its key was revoked, or the caller is gone
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WRITE):
                    await answers.complete()  # of the frames before; gRPC takes no status while a write is under way
            raise
        else:
            await answers.complete()
        finally:
            writer.cancel()

    async def Deliver(self, _principal: Principal, context: Context) -> None:
        opening = _receipt(await anext(frames(context), b""))
        if opening.WhichOneof("outcome") != "open" or not opening.open.transport:
            raise Refusal(Reason.BAD_FRAME, "The first frame must be open, with a transport.")
        await CourierStream(context, opening.open, self._database, self._outbox, self._receipts).run()

    def _batch(self, items: list[tuple[int, Inbound | Refusal]], answers: "Answers") -> None:
        good = [(number, inbound) for number, inbound in items if isinstance(inbound, Inbound)]
        # A callback, not a task: one turn of the event loop less before the write and after it.
        self._database.write(
            lambda tx: [self._submit(tx, inbound) for _, inbound in good], urgent=True
        ).add_done_callback(partial(self._answer, items, answers))

    def _answer(
        self,
        items: list[tuple[int, Inbound | Refusal]],
        answers: "Answers",
        stored: "asyncio.Future[list[chat_pb.SubmitResponse]]",
    ) -> None:
        if stored.cancelled():
            return
        error = stored.exception()
        if error is not None and len(items) > 1 and not _is_of_the_disk(error):
            answers.expect(len(items) - 1)
            for one in items:  # by itself, so that its mistake is not its neighbours'
                self._batch([one], answers)
            return
        responses = iter(stored.result() if error is None else [])
        done = []
        for number, item in items:
            if isinstance(item, Refusal):
                done.append(_failed(number, item))
            elif error is not None:
                done.append(_failed(number, refusal_of(error)))
            else:
                done.append(chat_pb.SubmitItemResponse(item_id=number, response=next(responses)))
        answers.put(done)

    def _submit(self, tx: Transaction, inbound: Inbound) -> chat_pb.SubmitResponse:
        if (known := idempotency.answered(tx, inbound.update_key, None)) is not None:
            response = chat_pb.SubmitResponse.FromString(known)
            response.duplicate = True
            return response
        submitted = self._inbound.submit(tx, inbound)
        response = convert.submit_response(submitted)
        idempotency.remember(tx, inbound.update_key, None, response.SerializeToString(), self._inbound.now())
        return response


class CourierStream:
    """One open delivery stream of a courier."""

    def __init__(
        self,
        context: Context,
        opening: chat_pb.DeliverOpen,
        database: Database,
        outbox: Outbox,
        receipts: DeliveryReceipts,
    ) -> None:
        self._context = context
        self._chats = [convert.chat_ref(chat) for chat in opening.default_chats]
        self._database = database
        self._outbox = outbox
        self._receipts = receipts
        credit = min(opening.max_in_flight or MAX_IN_FLIGHT, MAX_IN_FLIGHT)
        self._courier = Courier(opening.transport, credit)

    async def run(self) -> None:
        """Lease out deliveries and take receipts until the stream ends; what is open then is queued again."""
        courier = self._courier
        opened = self._database.write(lambda tx: self._outbox.open(tx, courier, self._chats))
        writer: asyncio.Task[None] | None = None
        try:
            await asyncio.shield(opened)
            await self._context.send_initial_metadata(())  # the courier knows that it is connected
            logger.info("courier connected", extra={"transport": courier.transport})
            writer = asyncio.create_task(self._write())
            async for raw in frames(self._context):
                await self._take(_receipt(raw))
        finally:
            logger.info("courier gone", extra={"transport": courier.transport})
            courier.gone = True
            courier.wake.set()
            lost = self._database.write(lambda tx: self._outbox.lost(tx, courier))
            await last_word(lost)
            if writer:
                await last_write(writer)

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._courier.gone:
            await self._courier.wake.wait()
            self._courier.wake.clear()
            while self._courier.ready and not self._courier.gone:
                delivery = self._courier.ready.popleft()
                session_id = delivery.notification.session_id
                about = await self._database.read(lambda c, s=session_id: sessions.find(c, s) if s else None)  # type: ignore[misc]
                key = (delivery.notification.notification_id, delivery.notification.attempt)
                loop.call_later(LEASE, self._expire, *key)  # before the write: whoever does not read loses it too
                await self._context.write(convert.delivery(delivery, LEASE, about).SerializeToString())

    def _expire(self, notification_id: str, attempt: int) -> None:
        leased = self._courier.leased.get(notification_id)
        if leased is not None and leased.attempt == attempt:
            self._database.write(
                lambda tx: self._outbox.expire_lease(tx, self._courier, notification_id, attempt)
            ).add_done_callback(_logged)

    async def _take(self, receipt: chat_pb.DeliveryReceipt) -> None:
        if report := convert.report(receipt):
            await self._database.write(lambda tx: self._receipts.take(tx, self._courier, report))


class Answers:
    """What goes back on a submit stream: gathered while the stream is busy, written by one writer."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ready: list[chat_pb.SubmitItemResponse] = []
        self._wake = asyncio.Event()
        self._open = 0
        self._writing = False
        self._written = asyncio.Event()

    def expect(self, frames_more: int) -> None:
        """So many frames are being worked on."""
        self._open += frames_more

    def put(self, items: list[chat_pb.SubmitItemResponse]) -> None:
        """One frame's answers are there."""
        self._open -= 1
        self._ready += items
        self._wake.set()

    async def write(self) -> None:
        """Write what is there, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            items, self._ready = self._ready, []
            self._writing = True
            await self._context.write(chat_pb.SubmitBatchResponse(items=items).SerializeToString())
            self._writing = False
            self._written.set()

    async def complete(self) -> None:
        """Wait until every frame is answered, and the last answer written."""
        while self._open or self._ready or self._writing:
            self._written.clear()
            await self._written.wait()


def _is_of_the_disk(error: BaseException) -> bool:
    return isinstance(error, Refusal) and error.reason is Reason.STORAGE_UNAVAILABLE


def _items(raw: bytes) -> list[tuple[int, Inbound | Refusal]]:
    try:
        batch = chat_pb.SubmitBatch.FromString(raw)
    except DecodeError:
        raise Refusal(Reason.BAD_FRAME, "The frame is not a SubmitBatch.") from None
    return [(item.item_id, _inbound_or_refusal(item.request)) for item in batch.items]


def _inbound_or_refusal(request: chat_pb.SubmitRequest) -> Inbound | Refusal:
    try:
        return convert.inbound(request)
    except Refusal as refusal:
        return refusal


def _failed(number: int, refusal: Refusal) -> chat_pb.SubmitItemResponse:
    return chat_pb.SubmitItemResponse(item_id=number, error=status_of(refusal))


def _receipt(raw: bytes) -> chat_pb.DeliveryReceipt:
    try:
        return chat_pb.DeliveryReceipt.FromString(raw)
    except DecodeError:
        raise Refusal(Reason.BAD_FRAME, "The frame is not a DeliveryReceipt.") from None


def _logged(future: "asyncio.Future[None]") -> None:
    if not future.cancelled() and (error := future.exception()):
        logger.warning("lease not taken back: %s", refusal_of(error))
