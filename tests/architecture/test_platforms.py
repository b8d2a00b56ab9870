"""Nobody in the adapter knows a chat platform but its own package, and its line in the registry."""

import ast

import pytest

from tests.architecture.source import ROOT, modules, tree

ADAPTER = modules("webhook_adapter")
KNOWS: dict[str, tuple[str, ...]] = {
    "telegram": (
        "webhook_adapter/transports/telegram/",
        "webhook_adapter/transports/registry.py",
        "webhook_adapter/config.py",  # the environment is read there
        # REST's `chatId` is a chat of Telegram's by its contract, and so are its buttons and the number of its message.
        "webhook_adapter/http/bodies.py",
        "webhook_adapter/http/rest.py",
    ),
}


def words(path: str) -> dict[str, int]:
    """Names and strings of a module with their lines, but for docstrings."""
    parsed, found = tree(path), dict[str, int]()
    docstrings = {id(node.value) for node in ast.walk(parsed) if isinstance(node, ast.Expr)}
    for node in ast.walk(parsed):
        match node:
            case ast.Constant(value=str() as value) if id(node) not in docstrings:
                found[value] = node.lineno
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found[name] = node.lineno
            case ast.ImportFrom(module=str() as name):
                found[name] = node.lineno
    return found


@pytest.mark.parametrize("platform", KNOWS)
def test_only_its_own_package_knows_a_platform(platform: str) -> None:
    found = [
        f"{path}:{line}: {word[:60]!r} belongs into webhook_adapter/transports/{platform}/"
        for path in ADAPTER
        if not path.startswith(KNOWS[platform])
        for word, line in words(path).items()
        if platform in word.lower()
    ]

    assert not found


@pytest.mark.parametrize("platform", KNOWS)
def test_whoever_may_know_a_platform_does(platform: str) -> None:
    idle = [allowed for allowed in KNOWS[platform] if not any(knows(path, platform) for path in within(allowed))]

    assert not idle


def within(allowed: str) -> list[str]:
    return [path for path in ADAPTER if path.startswith(allowed)]


def knows(path: str, platform: str) -> bool:
    return any(platform in word.lower() for word in words(path))


def test_the_example_stays_short() -> None:
    assert len((ROOT / "examples/logbook.py").read_text().splitlines()) <= 60
