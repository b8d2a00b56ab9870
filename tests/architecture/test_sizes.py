"""Small enough to be read at once: modules up to 350 lines, functions up to 50 without their docstring."""

import ast

import pytest

from tests.architecture.source import PACKAGES, ROOT, modules, tree

MODULE_LINES = 350
FUNCTION_LINES = 50

WRITTEN = [*modules(*PACKAGES, "tests"), "protos/generate.py"]


@pytest.mark.parametrize("path", WRITTEN)
def test_a_module_stays_readable(path: str) -> None:
    lines = len((ROOT / path).read_text().splitlines())

    assert lines <= MODULE_LINES, f"{path} has {lines} lines; split it by nouns"


@pytest.mark.parametrize("path", WRITTEN)
def test_a_function_stays_readable(path: str) -> None:
    functions = [n for n in ast.walk(tree(path)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]

    long = [f"{path}:{f.lineno}: {f.name} has {length(f)} lines" for f in functions if length(f) > FUNCTION_LINES]

    assert not long


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from def to the end, without the docstring."""
    whole = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    documented = ast.get_docstring(function, clean=False) is not None
    return whole - ((first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0)
