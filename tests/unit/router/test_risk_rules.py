"""The file of rules changes those that come along, adds to them, and is refused whole where it is wrong."""

from pathlib import Path

import pytest

from router.config import SettingsError
from router.domain.risk import SHIPPED
from router.risk_rules import read_rules


def written(folder: Path, text: str) -> Path:
    path = folder / "rules.toml"
    path.write_text(text)
    return path


def test_without_a_file_they_are_those_that_come_along_and_none_needs_a_code() -> None:
    assert read_rules(None) == SHIPPED
    assert not any(rule.needs_code for rule in SHIPPED)


def test_a_rule_of_a_known_name_changes_what_it_names_and_a_new_one_is_added(tmp_path: Path) -> None:
    text = """
[[rule]]
name = "delete"
needs_code = true
[[rule]]
name = "mail"
words = "writes to customers"
pattern = 'send-newsletter'
machines = ["prod-*"]
"""
    rules = {rule.name: rule for rule in read_rules(written(tmp_path, text))}

    assert (rules["delete"].words, rules["delete"].needs_code) == ("deletes files", True)
    assert (rules["mail"].words, rules["mail"].machines, rules["mail"].needs_code) == (
        "writes to customers",
        ("prod-*",),
        False,
    )
    assert len(rules) == len(SHIPPED) + 1


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("rule = 1", "tables and nothing else"),
        ("[other]", "tables and nothing else"),
        ("[[rule]]\nwords = 'x'", "needs a name"),
        ("[[rule]]\nname = 'new'\nwords = 'x'", "needs words and a pattern"),
        ("[[rule]]\nname = 'delete'\npattern = '('", "pattern that is none"),
        ("[[rule]]\nname = 'delete'\ntools = 'Bash'", "lists of texts"),
        ("[[rule]]\nname = 'delete'\nneeds_code = 'yes'", "needs a name"),
        ("[[rule]]\nname = 'delete'\ncode = true", "alone"),
        ("[[rule", "cannot be read"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, wrong: str) -> None:
    with pytest.raises(SettingsError, match=wrong):
        read_rules(written(tmp_path, text))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_rules(tmp_path / "nothing.toml")
