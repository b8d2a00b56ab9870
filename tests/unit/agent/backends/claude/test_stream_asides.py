"""What stream-json says beside what we talk about, as it was seen in 2.1.329."""

import json
from typing import Any

import pytest

from agent.backends.claude.stream_asides import is_stream, parse
from agent.domain.aside import Aside, Begun, Chunk, Figures, Offered, Whole


def line(**message: Any) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()


def streamed(parent: str | None = None, **event: Any) -> bytes:
    return line(type="stream_event", event=event, parent_tool_use_id=parent, uuid="u1", api_message_id="msg_1")


TEXT = {"type": "text", "text": ""}
DELTA = {"type": "text_delta", "text": "hello "}


@pytest.mark.parametrize(
    ("said", "aside"),
    [
        (streamed(type="content_block_start", index=1, content_block=TEXT), Begun("msg_1.1")),
        (streamed(type="content_block_delta", index=1, delta=DELTA), Chunk("hello ")),
        (streamed(type="content_block_stop", index=1), Whole()),
        (line(type="system", subtype="init", slash_commands=["clear", "__own", 7, "", "clear"]), Offered(("clear",))),
        (
            line(type="result", total_cost_usd=0.25, modelUsage={"a": {"contextWindow": 200_000}, "b": {}}),
            Figures(0.25, 200_000),
        ),
        (line(type="result", total_cost_usd=0.25), Figures(0.25, 0)),
    ],
)
def test_it_is_told(said: bytes, aside: Aside) -> None:
    assert parse(said) == aside


@pytest.mark.parametrize(
    "said",
    [
        streamed("toolu_1", type="content_block_delta", delta=DELTA),
        streamed(type="content_block_start", index=0, content_block={"type": "tool_use"}),
        streamed(type="content_block_delta", delta={"type": "input_json_delta", "partial_json": "{"}),
        streamed(type="message_stop"),
        b'{"type":"stream_event","event":7}',
        b'{"type":"stream_event",',
        b'{"type":"stream_event"' + b"[" * 100_000,
        line(type="result", total_cost_usd="much", modelUsage=[1]),
        line(type="result", total_cost_usd=-1, modelUsage={"a": {"contextWindow": True}}),
        line(type="system", subtype="init", slash_commands="all"),
        line(type="assistant", message={"content": [{"type": "text", "text": 'a "type":"result" in words'}]}),
        b"",
    ],
)
def test_everything_else_is_passed_over(said: bytes) -> None:
    assert parse(said) is None


def test_lines_of_which_there_are_very_many_are_known_by_their_beginning() -> None:
    assert is_stream(streamed(type="message_stop"))
    assert not is_stream(line(type="assistant"))
