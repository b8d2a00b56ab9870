"""The table of coding agents that speak ACP, and what a person adds to it."""

import pytest

from agent.backends.acp.table import KNOWN, Busy, Load, table
from agent.domain.errors import ConfigError


def test_of_every_known_one_all_is_known() -> None:
    for name, kind in KNOWN.items():
        assert kind.name == name != "claude"
        assert kind.install.split()[1] == "install"
        assert kind.busy is not Busy.UNKNOWN
        assert kind.load is not Load.OFFERED
        assert kind.brings is not None


def test_those_that_ask_nobody_by_themselves_are_told_to() -> None:
    assert {name for name, kind in KNOWN.items() if not kind.mode} == {"opencode", "vibe"}
    for name in ("OPENCODE_CONFIG_CONTENT", "OPENCODE_PERMISSION"):
        assert '"bash": "ask"' in KNOWN["opencode"].environ[name]
    assert KNOWN["copilot"].environ["COPILOT_ALLOW_ALL"] == "false"
    assert (KNOWN["codex"].mode, KNOWN["claude-acp"].mode) == ("read-only", "default")


def test_a_person_adds_one_by_its_command_and_mode() -> None:
    kinds = table("kimi:ask = kimi --acp 'a b'; goose = goose acp;")

    assert (kinds["kimi"].argv, kinds["kimi"].mode) == (("kimi", "--acp", "a b"), "ask")
    assert (kinds["goose"].argv, kinds["goose"].mode, kinds["goose"].brings) == (("goose", "acp"), "", None)
    assert kinds.keys() >= KNOWN.keys()


def test_a_known_one_that_is_elsewhere_is_known_all_the_same() -> None:
    gemini = table("gemini = /opt/gemini --acp")["gemini"]

    assert gemini.argv == ("/opt/gemini", "--acp")
    assert (gemini.load, gemini.mode, gemini.brings) == (Load.NEXT_MINUTE, "default", KNOWN["gemini"].brings)


def test_version_2_is_spoken_with_whom_a_person_says_alone() -> None:
    kinds = table("codex@2 = codex-acp; kimi@2:ask = kimi")

    assert {name for name, kind in kinds.items() if kind.version == 2} == {"codex", "kimi"}
    assert (kinds["codex"].mode, kinds["kimi"].mode) == (KNOWN["codex"].mode, "ask")


@pytest.mark.parametrize(
    "item",
    [*("kimi", "kimi =", "= x", "Kimi = x", "claude = x", "a b = x", "kimi = 'x", "-x = y"), "kimi@3 = x", "kimi@ = x"],
)
def test_what_is_none_is_refused_by_name(item: str) -> None:
    with pytest.raises(ConfigError, match="POINTSMAN_AGENTS"):
        table(item)
