"""What Claude Code's stream-json says beside what we talk about: commands, figures, and words as they come. Pure.

As seen in 2.1.329, with --include-partial-messages. What is in the record as well is read there.
"""

import json
from collections.abc import Mapping
from typing import Any

from agent.domain.aside import Aside, Begun, Chunk, Figures, Offered, Whole

FLAG = "--include-partial-messages"
_STREAM = b'{"type":"stream_event"'
_ASIDES = (b'"subtype":"init"', b'"type":"result"')
MAX_COMMANDS = 200
MAX_NAME = 64
MAX_CHUNK = 64 * 1024
Message = Mapping[Any, Any]


def is_stream(line: bytes) -> bool:
    """Whether a line is one of very many, and of nothing else."""
    return line.startswith(_STREAM)


def parse(line: bytes) -> Aside | None:
    """What a line says; None when it is nothing of this. Never raises."""
    if not (is_stream(line) or any(mark in line for mark in _ASIDES)):
        return None
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    match message:
        case {"type": "stream_event", "event": dict(event), **more} if more.get("parent_tool_use_id") is None:
            return _streamed(event, more)
        case {"type": "system", "subtype": "init", "slash_commands": list(offered)}:
            names = [one[:MAX_NAME] for one in offered if isinstance(one, str) and one and not one.startswith("__")]
            return Offered(tuple(dict.fromkeys(names))[:MAX_COMMANDS])
        case {"type": "result", **result}:
            return _figures(result)
    return None


def _streamed(event: Message, line: Message) -> Aside | None:
    match event:
        case {"type": "content_block_start", "index": index, "content_block": {"type": "text"}}:
            return Begun(f"{line.get('api_message_id') or line.get('uuid')}.{index}"[:MAX_NAME])
        case {"type": "content_block_delta", "delta": {"type": "text_delta", "text": str(text)}}:
            return Chunk(text.encode(errors="replace").decode()[:MAX_CHUNK])
        case {"type": "content_block_stop"}:
            return Whole()
    return None


def _figures(result: Message) -> Figures | None:
    models = result.get("modelUsage")
    each = models.values() if isinstance(models, dict) else ()
    sizes = [one.get("contextWindow") for one in each if isinstance(one, dict)]
    size = max((one for one in sizes if type(one) is int and 0 < one < 2**53), default=0)
    cost = result.get("total_cost_usd")
    amount = float(cost) if isinstance(cost, int | float) and 0 <= cost < 1e9 else 0.0  # no NaN either
    return Figures(amount, size) if amount or size else None
