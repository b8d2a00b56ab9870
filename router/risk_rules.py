"""The rules for what is risky: those that come along, changed and added to by a file of the operator's."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from router.config import SettingsError
from router.domain.risk import SHIPPED, RiskRule

_TEXTS, _LISTS = frozenset({"name", "words", "pattern"}), frozenset({"tools", "machines"})


def read_rules(path: Path | None) -> tuple[RiskRule, ...]:
    """Raises SettingsError naming what is wrong. A rule with the name of one that comes along changes that."""
    if path is None:
        return SHIPPED
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(f"POINTSMAN_RISK_RULES={path} cannot be read: {error}") from None
    given = content.get("rule")
    if set(content) != {"rule"} or not isinstance(given, list):
        raise SettingsError(f"POINTSMAN_RISK_RULES={path} holds [[rule]] tables and nothing else")
    rules = {rule.name: rule for rule in SHIPPED}
    for each in given:
        rule = _rule(path, each, rules)
        rules[rule.name] = rule
    return tuple(rules.values())


def _rule(path: Path, given: object, known: Mapping[str, RiskRule]) -> RiskRule:
    bad = f"POINTSMAN_RISK_RULES={path}: the rule {given.get('name') if isinstance(given, dict) else given!r}"
    if not isinstance(given, dict) or not set(given) <= _TEXTS | _LISTS | {"needs_code"}:
        raise SettingsError(f"{bad} may have name, words, pattern, tools, machines and needs_code alone")
    sound = all(isinstance(given.get(key, ""), str) for key in _TEXTS)
    sound = sound and all(_is_texts(given.get(key, [])) for key in _LISTS)
    if not sound or not isinstance(given.get("needs_code", False), bool) or not given.get("name"):
        raise SettingsError(f"{bad} needs a name; words and pattern are texts, tools and machines lists of texts")
    base = known.get(given["name"])
    if base is None and not (given.get("words") and given.get("pattern")):
        raise SettingsError(f"{bad} is new: it needs words and a pattern")
    try:
        pattern = re.compile(given["pattern"], re.IGNORECASE) if "pattern" in given else base and base.pattern
    except re.error as error:
        raise SettingsError(f"{bad} has a pattern that is none: {error}") from None
    return RiskRule(
        given["name"],
        given.get("words") or (base.words if base else ""),
        pattern or re.compile(""),
        tuple(given.get("tools", base.tools if base else ())),
        tuple(given.get("machines", base.machines if base else ())),
        given.get("needs_code", base.needs_code if base else False),
    )


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and each for each in value)
