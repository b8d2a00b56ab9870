"""Says what texts mean, in place of a courier with a model."""

from collections.abc import Mapping, Sequence

import pytest
from agentlink.v1 import chat_link_pb2 as pb
from agentlink.v1 import memory_pb2
from agentlink.v1.chat_link_pb2_grpc import ChatLinkStub

from router.services.memory import embeddings
from tests.integration.router.harness import LIMIT, Caller

MODEL = "small"
Vector = Sequence[float]


def be_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is late because the machine is busy: only where a test moves the router's time, or a call ends."""
    monkeypatch.setattr(embeddings, "PATIENCE", 10 * LIMIT)
    monkeypatch.setattr(embeddings, "GONE", 20 * LIMIT)


def take(chat: ChatLinkStub, wait: int = 0) -> pb.TakeTextResponse:
    return chat.TakeText(pb.TakeTextRequest(wait={"seconds": wait}))


def put(chat: ChatLinkStub, text: pb.TakeTextResponse, values: Vector, model: str = "") -> None:
    chat.PutEmbedding(pb.PutEmbeddingRequest(text_id=text.text_id, model=model or text.model, values=values))


def learn(chat: ChatLinkStub, meanings: Mapping[str, Vector]) -> list[str]:
    """Say what each note means that there is; their texts."""
    texts = []
    while (text := take(chat)).text_id:
        texts.append(text.text)
        put(chat, text, meanings.get(text.text, ()))
    return texts


def recalled(caller: Caller, chat: ChatLinkStub, query: str, meaning: Vector, **request: object) -> list[str]:
    """What somebody recalls by these words, of which `chat` says what they mean."""
    take(chat)
    asking = caller.memory.Recall.future(memory_pb2.RecallRequest(query=query, **request))  # type: ignore[arg-type]
    while (text := take(chat, 20)).text != query:
        pass
    put(chat, text, meaning)
    return [note.text for note in asking.result(LIMIT).notes]
