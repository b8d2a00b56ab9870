"""How the program in a session works, on the command line, against a real router and a machine that tells of it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1 import types_pb2 as types

from tests.integration.pointsman.commands.test_permissions import run
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.integration.router.test_control_signals import told
from tests.rigs.thin_agent import ThinLink


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def link(router: RouterUnderTest) -> Iterator[ThinLink]:
    with router.machine().connected(capabilities=["control"]) as link:
        told(link, 1, label="api")
        yield link


@pytest.mark.parametrize(
    ("words", "kind", "value"),
    [
        (("mode", "api", "plan"), types.CONTROL_KIND_MODE, "plan"),
        (("model", "api", "haiku"), types.CONTROL_KIND_MODEL, "haiku"),
        (("interrupt", "api"), types.CONTROL_KIND_INTERRUPT, ""),
        (("compact", "api"), types.CONTROL_KIND_COMPACT, ""),
        (("clear", "api"), types.CONTROL_KIND_CLEAR, ""),
    ],
)
def test_it_is_changed(
    router: RouterUnderTest, link: ThinLink, words: tuple[str, ...], kind: "types.ControlKind.ValueType", value: str
) -> None:
    done = run(router, "session", *words, "--json")

    [frame] = link.commands(1)
    assert frame.action.control == types.ControlSignal(kind=kind, value=value)
    assert (done.exit_code, json.loads(done.stdout)["text"]) == (0, f"/{words[0]} {value}".rstrip())


def test_without_a_name_it_is_told(router: RouterUnderTest, link: ThinLink) -> None:
    mode, model = run(router, "session", "mode", "api"), run(router, "session", "model", "api")

    assert (mode.stdout, mode.stderr) == ("plan\n", "It can be put into: default, acceptEdits, plan\n")
    assert model.stdout == "opus\n"
    told(link, 2, label="other", modes=[], mode="")
    other = run(router, "session", "mode", "other")
    assert (other.stdout, other.stderr) == ("not known yet\n", "It cannot be changed from here.\n")


def test_a_no_says_why(router: RouterUnderTest, link: ThinLink) -> None:
    refused = run(router, "session", "mode", "api", "bypassPermissions")

    assert refused.exit_code == 4
    assert "started with it allowed" in refused.stderr
    assert link.waiting() == 0
