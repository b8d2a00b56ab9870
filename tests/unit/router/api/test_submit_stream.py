"""Answers on a submit stream: gRPC takes no status while a write is under way, so the end waits for it."""

import asyncio

from agentlink.v1 import chat_link_pb2 as chat_pb

from router.api.submit_stream import Answers


class SlowContext:
    """A call whose peer takes an answer only when it is let."""

    def __init__(self) -> None:
        self.asked, self.let = asyncio.Event(), asyncio.Event()
        self.written: list[int] = []

    async def write(self, raw: bytes) -> None:
        self.asked.set()
        await self.let.wait()
        self.written += [item.item_id for item in chat_pb.SubmitBatchResponse.FromString(raw).items]


def test_a_stream_is_complete_when_its_last_answer_is_written() -> None:
    async def scene() -> tuple[bool, list[int]]:
        context = SlowContext()
        answers = Answers(context)  # type: ignore[arg-type]
        writer = asyncio.create_task(answers.write())
        answers.expect(1)
        answers.put([chat_pb.SubmitItemResponse(item_id=7)])
        await context.asked.wait()
        complete = asyncio.create_task(answers.complete())
        await asyncio.wait([complete], timeout=0)
        early = complete.done()
        context.let.set()
        await complete
        writer.cancel()
        return early, context.written

    assert asyncio.run(scene()) == (False, [7])
