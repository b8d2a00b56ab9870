"""What people read in the chat stands in one catalogue, so that it can be translated."""

import ast

import pytest

from tests.architecture.source import tree

SPEAKING = [
    "chat/audience",
    "chat/buttons",
    "chat/commands",
    "chat/deferrals",
    "chat/notes",
    "chat/proposals",
    "chat/settings",
    "chat/inbound",
    "outbox/status_messages",
    "chat/topics",
]


def sentences(path: str) -> list[str]:
    """Strings with words in them that are no docstrings."""
    parsed = tree(path)
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {ast.get_docstring(node, clean=False) for node in ast.walk(parsed) if isinstance(node, kinds)}
    constants = [node.value for node in ast.walk(parsed) if isinstance(node, ast.Constant)]
    return [value for value in constants if isinstance(value, str) and " " in value.strip() and value not in docstrings]


@pytest.mark.parametrize("service", SPEAKING)
def test_a_service_that_speaks_in_chats_takes_its_words_from_the_catalogue(service: str) -> None:
    assert sentences(f"router/services/{service}.py") == []


def test_the_catalogue_has_them() -> None:
    assert len(sentences("router/domain/wording/answers.py")) > 50
