"""No test asserts on elapsed time: a slow or busy machine is no fault. Times are figures of `make bench`.

What is looked for: an assertion, or a condition that is waited for, whose value comes from a reading of the machine's
clock, be it through variables or through functions of the same file.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import modules, tree

CLOCKS = {"time", "monotonic", "perf_counter", "process_time", "thread_time"}
FILES = [path for path in modules("tests") if path.rpartition("/")[2].startswith("test_")]


def timed(module: ast.Module) -> list[int]:
    """Lines that assert something about a reading of the clock."""
    names = set[str]()
    while more := {name for name, value in _named(module) if _reads(value, names)} - names:
        names |= more
    return [node.lineno for node in ast.walk(module) if (judged := _judged(node)) and _reads(judged, names)]


def _named(module: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Every variable with what it is set to, and every function with what it returns."""
    for node in ast.walk(module):
        match node:
            case ast.Assign(targets=targets, value=value):
                yield from ((name.id, value) for each in targets for name in ast.walk(each) if _is_variable(name))
            case (
                ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                | ast.AugAssign(target=ast.Name(id=name), value=value)
            ):
                yield name, value
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                yield name, value
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                returns = (inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return) and inner.value)
                yield from ((name, value) for value in returns)


def _is_variable(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _judged(node: ast.AST) -> ast.expr | None:
    match node:
        case ast.Assert(test=test):
            return test
        case ast.Call(func=ast.Name(id="wait_until"), args=[condition, *_]):
            return condition
    return None


def _reads(value: ast.expr, names: set[str]) -> bool:
    return any(
        _is_clock(node) or (isinstance(node, ast.Name) and node.id in names and isinstance(node.ctx, ast.Load))
        for node in ast.walk(value)
    )


def _is_clock(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id="time"), attr=attribute):
            return attribute.removesuffix("_ns") in CLOCKS
        case ast.Attribute(value=ast.Call(func=ast.Attribute(attr="get_running_loop")), attr="time"):
            return True
    return False


@pytest.mark.parametrize("path", FILES)
def test_no_test_asserts_on_elapsed_time(path: str) -> None:
    assert timed(tree(path)) == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("began = time.monotonic()\nwork()\nassert time.monotonic() - began < 1", [3]),
        ("began = time.perf_counter_ns()\nwork()\ntook = now() - began\nassert took < 1", [4]),
        ("def took():\n  return time.perf_counter() - 1\nassert wait_until(lambda: took() < 0.03, 30)", [3, 3]),
        ("a, b = time.time(), 1\nassert a", [2]),
        ("assert asyncio.get_running_loop().time() < 1", [1]),
        ("sent = time.time()\nsend(sent)\nassert answer() == 'ok'", []),
        ("assert router.time.monotonic() == 5\nassert clock.monotonic() > 1\nassert loop.time() == 2", []),
    ],
    ids=["difference", "variable", "waited for", "several", "the loop's", "only sent", "a clock of the test's own"],
)
def test_what_is_found(source: str, lines: list[int]) -> None:
    assert timed(ast.parse(source)) == lines
