"""SQL text stands in the two stores alone."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.source import PACKAGES, modules, tree

STORES = ("router/store", "agent/store")
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
