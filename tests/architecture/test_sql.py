"""Tables are asked through their models alone; SQL text is what Peewee has no words for, in the two stores."""

import ast
import re
from collections.abc import Iterator

import pytest
from peewee import Model

from router.store import tables
from tests.architecture.source import PACKAGES, ROOT, modules, tree

STORES = ("router/store", "agent/store")
THE_MODELS = ("router/store/tables/", "router/store/migrations/")
# Words that are named like a column and are none: kinds of actions, and a field of the log.
OTHER_WORDS = {
    "router/store/actions.py": {"input", "file", "key"},
    "router/store/group_commit.py": {"event"},
    "router/store/statements.py": {"value"},
    "router/store/notification_pages.py": {"sessions"},
}
STATEMENT = re.compile(
    r"\s*(SELECT|INSERT|REPLACE|UPDATE|DELETE FROM|CREATE|ALTER|DROP|WITH|PRAGMA|VACUUM|BEGIN|COMMIT|ROLLBACK)\b(?!:)"
)


def statements(path: str) -> Iterator[tuple[int, str]]:
    """The line and the text of every string that is SQL, but for docstrings."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and STATEMENT.match(node.value):
            yield node.lineno, node.value


def test_there_is_none_outside_the_stores() -> None:
    outside = [path for path in modules(*PACKAGES) if not path.startswith(STORES)]

    assert [f"{path}:{line}: {text[:60]}" for path in outside for line, text in statements(path)] == []


def test_inside_it_asks_nothing_of_a_table() -> None:
    """What is left is about the file and its transactions. Migrations are frozen as text, as models go on changing."""
    inside = [path for path in modules(*PACKAGES) if path.startswith(STORES) and "migrations" not in path]
    found = [(path, line, text) for path in inside for line, text in statements(path)]

    assert [each for each in found if not each[2].startswith(("PRAGMA", "VACUUM", "BEGIN", "COMMIT", "ROLLBACK"))] == []
    assert found


def test_what_is_put_into_an_expression_as_text_says_why() -> None:
    lines = [
        (path, number, line)
        for path in modules(*STORES)
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1)
    ]

    assert [each for each in lines if re.search(r"\bSQL\(", each[2]) and "  # " not in each[2]] == []


@pytest.mark.parametrize("model", [getattr(tables, name) for name in tables.__all__], ids=lambda model: model.__name__)
def test_a_column_is_named_in_its_model_and_nowhere_else(model: type[Model]) -> None:
    """All that reads or writes it has it from there: no text names it."""
    columns = set(model._meta.columns)
    outside = [p for p in modules("router/store") if not p.startswith(THE_MODELS)]
    named = [
        f"{path}:{node.lineno}: {node.value}"
        for path in outside
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and node.value in columns - OTHER_WORDS.get(path, set())
    ]

    assert columns
    assert named == []
