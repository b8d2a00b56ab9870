"""What a model may hand over: whole, and short enough to be read before it is started."""

import json

import pytest

from agent.backends.model.proposal import MOST, TOOL, proposal
from agent.domain.proposal import Proposal

TAKEN = {
    "a prompt alone": ({"prompt": " fix it\n"}, Proposal("fix it")),
    "all of it": (
        {"prompt": "fix\nit", "machine": "devbox", "agent": "gemini", "folder": "~/src/"},
        Proposal("fix\nit", "devbox", "gemini", "~/src/"),
    ),
    "nothing said of the rest": ({"prompt": "fix it", "machine": None, "folder": ""}, Proposal("fix it")),
    "more than was asked": ({"prompt": "fix it", "sudo": True}, Proposal("fix it")),
    "as long as it may be": ({"prompt": "x" * MOST}, Proposal("x" * MOST)),
}
NONE = {
    "no prompt": {},
    "an empty one": {"prompt": " \n"},
    "no text": {"prompt": 7},
    "too long": {"prompt": "x" * (MOST + 1)},
    "a list": {"prompt": ["a"]},
    "a machine of two lines": {"prompt": "x", "machine": "a\nb"},
    "a folder without an end": {"prompt": "x", "folder": "x" * 2000},
    "a long agent": {"prompt": "x", "agent": "x" * 33},
    "an agent that is none": {"prompt": "x", "agent": {"name": "claude"}},
}


@pytest.mark.parametrize(("given", "made"), TAKEN.values(), ids=TAKEN)
def test_what_is_whole_is_taken(given: dict[str, object], made: Proposal) -> None:
    assert proposal(json.dumps(given)) == made


@pytest.mark.parametrize("given", NONE.values(), ids=NONE)
def test_what_cannot_be_shown_is_none(given: dict[str, object]) -> None:
    assert proposal(json.dumps(given)) is None


@pytest.mark.parametrize("given", ["", "{", "[]", "null", "7", "[" * 100_000], ids=range(6))
def test_what_is_no_object_is_none(given: str) -> None:
    assert proposal(given) is None


def test_its_schema_names_what_is_read() -> None:
    assert list(TOOL.schema["properties"]) == ["prompt", "machine", "agent", "folder"]  # type: ignore[call-overload]
    assert TOOL.schema["required"] == ["prompt"]
