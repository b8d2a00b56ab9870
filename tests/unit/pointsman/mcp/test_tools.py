"""What models are offered, and what they are told of arguments that do not fit."""

from typing import Any

import pytest

from agent.domain import claude_tool
from agent.hooks import mcp_toml
from agent.local import tools as agents_own
from pointsman.mcp import tools

BY_NAME: dict[str, Any] = {str(tool["name"]): tool for tool in tools.LOCAL}


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("ask_person", {"question": "Which?"}, ""),
        ("ask_person", {"question": "Which?", "options": ["a", "b"], "several": True, "own_words": False}, ""),
        ("ask_person", {"question": "Which?", "timeout_seconds": 60}, ""),
        ("ask_person", {}, "question is missing."),
        ("ask_person", {"question": ""}, "question must have 1 to 16000 characters."),
        ("ask_person", {"question": "x" * 16_001}, "question must have 1 to 16000 characters."),
        ("ask_person", {"question": 7}, "question must be text."),
        ("ask_person", {"question": "?", "options": "a"}, "options must be a list of at most 16 texts."),
        ("ask_person", {"question": "?", "options": ["a"] * 17}, "options must be a list of at most 16 texts."),
        ("ask_person", {"question": "?", "options": [7]}, "options holds what must be text."),
        ("ask_person", {"question": "?", "several": "yes"}, "several must be true or false."),
        ("ask_person", {"question": "?", "timeout_seconds": True}, "must be a whole number"),
        ("ask_person", {"question": "?", "timeout_seconds": 0}, "must be a whole number from 1 to 604800."),
        ("ask_person", {"question": "?", "session_id": "another"}, "'session_id' is not known"),
        ("sessions", {"all": True}, "'all' is not known; sessions takes nothing."),
    ],
)
def test_a_misfit_says_what_is_wrong(name: str, arguments: dict[str, object], words: str) -> None:
    said = tools.misfit(BY_NAME[name], arguments)

    assert (words in said, bool(said)) == (True, bool(words))


def test_both_lists_offer_the_same_tools() -> None:
    assert [tool["name"] for tool in tools.REMOTE] == [tool["name"] for tool in tools.LOCAL]


def test_no_tool_lets_a_model_say_whose_session_it_is() -> None:
    named = {name for tool in BY_NAME.values() for name in tool["inputSchema"]["properties"]}

    assert not named & {"session", "session_id", "own_session", "from"}


def test_what_is_allowed_here_the_agent_allows_too() -> None:
    takes = BY_NAME["ask_person"]["inputSchema"]["properties"]

    assert takes["question"]["maxLength"] == agents_own.MAX_QUESTION
    assert (takes["options"]["maxItems"], takes["options"]["items"]["maxLength"]) == (
        agents_own.MAX_OFFERED,
        agents_own.MAX_OFFER,
    )
    assert agents_own.ASK == tools.ASK_PERSON


def test_for_the_same_tools_no_permission_is_asked_wherever_they_are_installed() -> None:
    assert {f"mcp__pointsman__{name}" for name in tools.WITHOUT_A_WORD} == claude_tool.OURS
    assert mcp_toml.ALLOWED == tools.WITHOUT_A_WORD


def test_those_that_need_no_permission_destroy_nothing() -> None:
    assert not [name for name in tools.WITHOUT_A_WORD if BY_NAME[name]["annotations"].get("destructiveHint")]
