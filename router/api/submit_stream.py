"""One adapter's open stream of messages that people wrote: batches in, answers out as they are on disk."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

from agentlink.v1 import chat_link_pb2 as chat_pb
from google.protobuf.message import DecodeError

from router.api.convert.submissions import inbound
from router.api.errors import refusal_of, status_of
from router.api.handlers import LAST_WRITE, Context, frames
from router.domain.errors import Reason, Refusal
from router.domain.routing import Inbound
from router.store.database import Database, Transaction

SLICE = 8  # of what is handed in, so much is written in one operation: the first is answered while the next is written
MOST_FRAMES = 128  # of a stream, on their way to the disk
MOST_ANSWERS = 4096  # that their adapter has not read yet
Submit = Callable[[Transaction, Inbound], bytes]


class SubmitStream:
    """Writes a batch in one operation, and answers each message of it by itself."""

    def __init__(self, context: Context, database: Database, submit: Submit) -> None:
        self._context = context
        self._database = database
        self._submit = submit
        self._answers = Answers(context)

    async def run(self) -> None:
        """Take batches until the stream ends, and answer all of them. Raises Refusal for a frame that is none."""
        writer = asyncio.create_task(self._answers.write())
        try:
            async for raw in frames(self._context):
                items = _items(raw)
                for at in range(0, len(items), SLICE):
                    self._answers.expect(1)
                    self._store(items[at : at + SLICE])
                await self._answers.room()
        except (Refusal, asyncio.CancelledError):  # cancelled: its key was revoked, or the caller is gone
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WRITE):
                    # Of the frames before; gRPC takes no status while a write is under way.
                    await self._answers.complete()
            raise
        else:
            await self._answers.complete()
        finally:
            writer.cancel()

    def _store(self, items: list[tuple[int, Inbound | Refusal]]) -> None:
        good = [(number, one) for number, one in items if isinstance(one, Inbound)]
        # A callback, not a task: one turn of the event loop less before the write and after it.
        self._database.write(
            lambda tx: [self._submit(tx, one) for _, one in good], urgent=True, many=len(good) > 1
        ).add_done_callback(partial(self._answer, items))

    def _answer(self, items: list[tuple[int, Inbound | Refusal]], stored: "asyncio.Future[list[bytes]]") -> None:
        if stored.cancelled():
            return
        error = stored.exception()
        if error is not None and len(items) > 1 and not _is_of_the_disk(error):
            self._answers.expect(len(items) - 1)
            for one in items:  # by itself, so that its mistake is not its neighbours'
                self._store([one])
            return
        responses = iter(stored.result() if error is None else [])
        done: list[tuple[int, bytes | Refusal]] = []
        for number, item in items:
            if isinstance(item, Refusal):
                done.append((number, item))
            else:
                done.append((number, next(responses) if error is None else refusal_of(error)))
        self._answers.put(done)


class Answers:
    """What goes back on a submit stream: gathered while the stream is busy, written by one writer."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ready = chat_pb.SubmitBatchResponse()
        self._wake = asyncio.Event()
        self._open = 0
        self._writing = False
        self._moved = asyncio.Event()

    def expect(self, frames_more: int) -> None:
        """So many frames are being worked on."""
        # Counted when it comes in, so that complete() cannot see a gap between taking and answering.
        self._open += frames_more

    def put(self, answers: Iterable[tuple[int, bytes | Refusal]]) -> None:
        """One frame's answers are there: by the numbers of its items, each a SubmitResponse in bytes or a refusal."""
        self._open -= 1
        for number, answer in answers:
            item = self._ready.items.add(item_id=number)  # filled where it stands: else it would be copied
            if isinstance(answer, Refusal):
                item.error.CopyFrom(status_of(answer))
            else:
                item.response.MergeFromString(answer)
        self._wake.set()
        self._moved.set()

    async def write(self) -> None:
        """Write what is there, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            # All that has gathered, in one frame: while a write is under way the next one fills.
            batch, self._ready = self._ready, chat_pb.SubmitBatchResponse()
            self._writing = True
            await self._context.write(batch.SerializeToString())
            self._writing = False
            self._moved.set()

    async def room(self) -> None:
        """Come back when little enough is under way: until then the rest waits at the adapter."""
        while self._open >= MOST_FRAMES or len(self._ready.items) >= MOST_ANSWERS:
            self._moved.clear()
            await self._moved.wait()

    async def complete(self) -> None:
        """Wait until every frame is answered, and the last answer written."""
        while self._open or self._ready.items or self._writing:
            self._moved.clear()
            await self._moved.wait()


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
        return inbound(request)
    except Refusal as refusal:
        return refusal
