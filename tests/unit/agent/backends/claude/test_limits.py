"""What a record of a conversation says of a usage limit: its program's own fields do, nobody's words."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent.backends.claude.limits import recorded_limit

UNTIL = 1_900_000_000
WORDS = "You've hit your session limit · resets 7:01pm (UTC)"
INFO = {"status": "rejected", "resetsAt": UNTIL, "rateLimitType": "five_hour", "isUsingOverage": False}


def said(kind: str, text: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "message": {"role": kind, "model": "<synthetic>" if fields else "m", "content": text},
    } | fields


LIMIT = said("assistant", WORDS, isApiErrorMessage=True, error="rate_limit", quotaLimits=INFO)
ANSWER = said("assistant", "Done.")
PROMPT = said("user", "go on")


@pytest.mark.parametrize(
    ("rows", "limit"),
    [
        pytest.param([PROMPT, LIMIT], UNTIL, id="its last answer"),
        pytest.param([PROMPT, LIMIT, {"type": "system", "subtype": "turn_duration"}], UNTIL, id="behind it, no answer"),
        pytest.param([LIMIT, PROMPT | {"isMeta": True}, said("assistant", "No response.", x=1)], UNTIL, id="taken up"),
        pytest.param([LIMIT, ANSWER | {"isSidechain": True}], UNTIL, id="a subagent of before"),
        pytest.param([LIMIT, PROMPT], None, id="a prompt was taken"),
        pytest.param([LIMIT, PROMPT, ANSWER], 0.0, id="it was answered"),
        pytest.param([PROMPT, said("assistant", WORDS)], 0.0, id="a model's words"),
        pytest.param([PROMPT, said("assistant", json.dumps(LIMIT))], 0.0, id="a row that a model wrote"),
        pytest.param([ANSWER, said("user", WORDS)], None, id="a person's words"),
        pytest.param([ANSWER, said("user", WORDS, quotaLimits=INFO)], None, id="what a tool brought"),
        pytest.param([PROMPT, LIMIT | {"quotaLimits": None}], None, id="words without fields"),
        pytest.param([LIMIT, said("assistant", "Overloaded", isApiErrorMessage=True)], None, id="another error"),
        pytest.param([], None, id="nothing"),
    ],
)
def test_only_what_its_program_says_last_counts(tmp_path: Path, rows: list[object], limit: float | None) -> None:
    record = tmp_path / "record.jsonl"
    record.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"type": "assist')

    assert recorded_limit(record) == limit
    assert (recorded_limit(record) is None) == (limit is None)


def test_a_record_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert recorded_limit(tmp_path / "none") is None
