"""The project's own code as text and syntax trees."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("router", "agent", "webhook_adapter")
PACKAGES = (*PROGRAMS, "pointsman")


@dataclass(frozen=True, slots=True)
class Import:
    """One import. `name` is dotted and absolute; `lazy` means: not when the module is loaded."""

    name: str
    line: int
    lazy: bool


@cache
def modules(*folders: str) -> tuple[str, ...]:
    """All Python files below these folders, as paths from the root."""
    return tuple(sorted(str(p.relative_to(ROOT)) for folder in folders for p in (ROOT / folder).rglob("*.py")))


@cache
def tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(), path)


@cache
def imports(path: str) -> tuple[Import, ...]:
    package = path.removesuffix(".py").split("/")[:-1]
    return tuple(found for node, lazy in _walk(tree(path), lazy=False) for found in _imports(node, package, lazy=lazy))


def _walk(node: ast.AST, *, lazy: bool) -> Iterator[tuple[ast.AST, bool]]:
    yield node, lazy
    inside = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _for_checkers(node)
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, lazy=inside)


def _for_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _imports(node: ast.AST, package: list[str], *, lazy: bool) -> Iterator[Import]:
    match node:
        case ast.Import(names=names):
            yield from (Import(alias.name, node.lineno, lazy) for alias in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            base = ".".join([*(package[: len(package) - level + 1] if level else []), *([module] if module else [])])
            yield from (Import(f"{base}.{alias.name}", node.lineno, lazy) for alias in names)


def within(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of the packages or inside one."""
    return any(name == package or name.startswith(package + ".") for package in packages)
