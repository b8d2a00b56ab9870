"""Errors, limits, costs and compaction in Claude Code's own record, as they were seen in 2.1.329."""

import json
from typing import Any

import pytest

from agent.backends.claude.transcript import Known, parse
from agent.domain.session_event import Described, Said, Speaker, Used

LIMIT = {"status": "rejected", "resetsAt": 1795974705, "rateLimitType": "five_hour"}


def row(**fields: Any) -> bytes:
    return json.dumps({"isSidechain": False, "timestamp": "2026-11-29T15:51:45.220Z"} | fields).encode()


def answer(text: str, model: str = "opus", **more: Any) -> bytes:
    message = {"id": "m1", "model": model, "content": [{"type": "text", "text": text}], "usage": {"output_tokens": 2}}
    return row(type="assistant", message=message, **more)


def failed(**more: Any) -> bytes:
    return answer("You've hit your limit", "<synthetic>", isApiErrorMessage=True, **more)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(failed(error="rate_limit"), id="instead of an answer"),
        pytest.param(row(type="system", subtype="api_error", content="You've hit your limit"), id="while it tries"),
        pytest.param(row(type="system", subtype="api_error", error={"message": "You've hit your limit"}), id="nested"),
    ],
)
def test_what_failed_is_told_as_that(line: bytes) -> None:
    events, _ = parse(line, Known())

    assert [event.what for event in events] == [Said(Speaker.SYSTEM, "You've hit your limit", is_error=True)]


@pytest.mark.parametrize("where", [{"quotaLimits": LIMIT}, {"apiErrorParams": {"rate_limit_info": LIMIT}}])
def test_until_when_it_is_limited_is_known(where: dict[str, Any]) -> None:
    _, known = parse(failed(**where), Known())
    _, later = parse(failed(error="overloaded"), known)
    _, answered = parse(answer("hello"), later)

    assert (known.limited, later.limited, answered.limited) == (1795974705.0, 1795974705.0, 0.0)


@pytest.mark.parametrize("limit", [{}, LIMIT | {"status": "allowed"}, LIMIT | {"resetsAt": "soon"}, "soon", None])
def test_what_says_no_time_limits_nothing(limit: object) -> None:
    _, known = parse(failed(quotaLimits=limit), Known())

    assert known.limited == 0.0


def test_what_it_cost_is_told_with_what_is_known_by_then() -> None:
    _, known = parse(answer("hello"), Known())
    first, known = parse(row(type="cost-state", totalCostUSD=0.25), known)
    again, _ = parse(row(type="cost-state", totalCostUSD=0.25), known)

    assert [event.what for event in first] == [Used("opus", context=2, cost=0.25)]
    assert again == ()


@pytest.mark.parametrize("cost", [0, -1, "much", None, 1e300, float("nan")])
def test_what_is_no_amount_is_none(cost: object) -> None:
    events, _ = parse(row(type="cost-state", totalCostUSD=cost), Known(described=Described(model="opus")))

    assert events == ()


def test_compaction_says_why_and_how_much_there_was() -> None:
    about = {"trigger": "auto", "preTokens": 155_000}
    line = row(type="system", subtype="compact_boundary", content="Conversation compacted", compactMetadata=about)

    events, _ = parse(line, Known())

    assert [event.what for event in events] == [
        Said(Speaker.SYSTEM, "Conversation compacted (auto, 155000 tokens before)")
    ]
