"""Answers on a submit stream: gRPC takes no status while a write is under way, so the end waits for it."""

import asyncio

from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as pb

from router.api.errors import status_of
from router.api.submit_stream import Answers
from router.domain.errors import Reason, Refusal


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
        answers.put([(7, b"")])
        await context.asked.wait()
        complete = asyncio.create_task(answers.complete())
        await asyncio.wait([complete], timeout=0)
        early = complete.done()
        context.let.set()
        await complete
        writer.cancel()
        return early, context.written

    assert asyncio.run(scene()) == (False, [7])


def test_answers_and_refusals_come_in_one_frame_each_with_its_number() -> None:
    accepted = chat_pb.SubmitResponse(command_id="c1", state=pb.COMMAND_STATE_SENT, session_id="s1", answer="Sending")
    refused = Refusal(Reason.NOT_PAIRED, "They may not write here.")
    written: list[chat_pb.SubmitBatchResponse] = []

    class Context:
        async def write(self, raw: bytes) -> None:
            written.append(chat_pb.SubmitBatchResponse.FromString(raw))

    async def scene() -> None:
        answers = Answers(Context())  # type: ignore[arg-type]
        answers.expect(2)
        answers.put([(7, accepted.SerializeToString()), (8, refused)])
        answers.put([(9, b"")])  # of what became nothing
        writer = asyncio.create_task(answers.write())
        await answers.complete()
        writer.cancel()

    asyncio.run(scene())

    [batch] = written
    assert list(batch.items) == [
        chat_pb.SubmitItemResponse(item_id=7, response=accepted),
        chat_pb.SubmitItemResponse(item_id=8, error=status_of(refused)),
        chat_pb.SubmitItemResponse(item_id=9, response=chat_pb.SubmitResponse()),
    ]
