"""SECURITY.md names every attacker with a row, and every test that it names exists."""

import ast
import re

import pytest
from agentlink.v1 import control_pb2 as pb

from tests.architecture.source import ROOT, tree

ATTACKERS = {
    "another account on the machine",
    "stolen router database",
    "whoever can write the router's database",
    "stolen backup",
    "stolen key of the private CA",
    "the adapter's account",
    "a chat link",
    "an API key that is limited",
    "an API key that is over",
    "an old secret of an API key",
    "whoever tries API keys",
    "one machine",
    "a worker's token",
    "one machine that floods",
    "a stranger in a chat",
    "who saw a pairing code",
    "a person who is let in for less",
    "a person who was put out",
    "whoever holds a person's chat, and not their authenticator",
    "whoever sits at a person's open console, and has not their passkey",
    "an old login",
    "a browser vendor's push service, or whoever names one",
    "a client of the router's port with no credential that is slow, or many",
    "a reader of the journal",
    "somebody on the network",
    "a client of the HTTP door that is slow, or many",
    "the supervised program",
    "whoever writes on GitHub",
    "whoever may write to a bound repository",
    *(f"API key of role {name.removeprefix('ROLE_').lower()}" for name in pb.Role.keys()[1:]),
}
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> dict[str, list[str]]:
    """The cells of the threat table, by attacker."""
    table = (ROOT / "SECURITY.md").read_text().partition("| --- |")[2].partition("\n\n")[0]
    lines = [line.strip("|").split("|") for line in table.splitlines()[1:]]
    return {first.strip(): [cell.strip() for cell in rest] for first, *rest in lines}


def test_every_attacker_has_a_row_and_each_row_is_whole() -> None:
    found = rows()

    assert set(found) == ATTACKERS
    assert {attacker for attacker, cells in found.items() if len(cells) != 4 or not all(cells)} == set()


def test_every_row_is_shown_by_a_test() -> None:
    assert {attacker for attacker, cells in rows().items() if not NAMED.search(cells[-1])} == set()


@pytest.mark.parametrize("page", ["SECURITY.md", "docs/security.md"])
def test_every_test_that_the_page_names_exists(page: str) -> None:
    named = set(NAMED.findall((ROOT / page).read_text()))

    assert named
    assert {f"{path}::{name}" for path, name in named if name not in functions(path)} == set()


def functions(path: str) -> set[str]:
    if not (ROOT / path).is_file():
        return set()
    return {node.name for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
