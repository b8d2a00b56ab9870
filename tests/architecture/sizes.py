"""How large the product's parts are, and how much of it is comments: `python -m tests.architecture.sizes` prints it."""

import ast
import io
import tokenize
from dataclasses import dataclass
from statistics import median, quantiles

from tests.architecture.source import PACKAGES, ROOT, modules, tree

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of some files. Lines of a function are from def to its end, without the docstring."""

    files: list[int]
    functions: list[int]
    rpcs: list[int]
    comment_lines: int

    @property
    def comment_share(self) -> float:
        """Lines with a comment, per hundred lines."""
        return 100 * self.comment_lines / sum(self.files)

    @property
    def p90(self) -> float:
        """Lines that nine of ten functions stay within."""
        return quantiles(self.functions, n=10)[-1]


def measured(*packages: str) -> Sizes:
    paths = [path for path in modules(*packages) if "/migrations/" not in path]
    return Sizes(
        [len((ROOT / path).read_text().splitlines()) for path in paths],
        [length(function) for path in paths for function in functions(path)],
        [length(method) for path in paths for _, method in rpcs(path)],
        sum(_comment_lines(path) for path in paths),
    )


def functions(path: str) -> list[Function]:
    return [node for node in ast.walk(tree(path)) if isinstance(node, Function)]


def rpcs(path: str) -> list[tuple[str, Function]]:
    """The methods of servicers that answer a call, with the name of their class; the protocol gives them capitals."""
    classes = [node for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)]
    return [
        (one.name, method)
        for one in classes
        for method in one.body
        if isinstance(method, Function) and method.name[0].isupper()
    ]


def length(function: Function) -> int:
    """Lines from def to the end, without the docstring."""
    whole = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    documented = ast.get_docstring(function, clean=False) is not None
    return whole - ((first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0)


def _comment_lines(path: str) -> int:
    tokens = tokenize.generate_tokens(io.StringIO((ROOT / path).read_text()).readline)
    return sum(token.type == tokenize.COMMENT and "fmt:" not in token.string for token in tokens)


def main() -> None:
    print("package            files median  max   functions median  p90  max   RPCs max   lines   comments")
    for names in [*((package,) for package in PACKAGES), PACKAGES]:
        sizes = measured(*names)
        print(
            f"{names[0] if len(names) == 1 else 'all':<18} {len(sizes.files):5} {median(sizes.files):6.0f} "
            f"{max(sizes.files):4}   {len(sizes.functions):9} {median(sizes.functions):6.0f} {sizes.p90:4.0f} "
            f"{max(sizes.functions):4}   {len(sizes.rpcs):4} {max(sizes.rpcs, default=0):3}   {sum(sizes.files):5}   "
            f"{sizes.comment_share:6.1f} %"
        )


if __name__ == "__main__":
    main()
