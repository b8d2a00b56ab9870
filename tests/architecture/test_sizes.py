"""Small enough to be read at once: modules up to 350 lines, functions up to 50 without their docstring."""

import ast

from tests.architecture.source import PACKAGES, ROOT, modules, tree

MODULE_LINES = 350
FUNCTION_LINES = 50

WRITTEN = [*modules(*PACKAGES, "tests"), "protos/generate.py"]


def test_modules_stay_readable() -> None:
    lines = {path: len((ROOT / path).read_text().splitlines()) for path in WRITTEN}

    assert not [f"{path} has {n} lines; split it by nouns" for path, n in lines.items() if n > MODULE_LINES]


def test_functions_stay_readable() -> None:
    long = [
        f"{path}:{node.lineno}: {node.name} has {length(node)} lines"
        for path in WRITTEN
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length(node) > FUNCTION_LINES
    ]

    assert not long


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from def to the end, without the docstring."""
    whole = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    documented = ast.get_docstring(function, clean=False) is not None
    return whole - ((first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0)
