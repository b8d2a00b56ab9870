"""What is risky in what a program asks for, in words, by rules over its tool and input.

Rules find what somebody does by mistake. Whoever wants to hide a command from a pattern can: none of this is a sandbox.
"""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from msgspec import Struct

from router.domain.permission import Permission

_TOO_LONG = "is too long to be looked at whole"
_NOTHING = re.compile(r"(?!)")


class RiskRule(Struct, frozen=True):
    """`words` go on from "It"; tools and machines are patterns, none: all."""

    name: str
    words: str
    pattern: re.Pattern[str]
    tools: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    needs_code: bool = False  # who allows it gives a code of their second factor

    def is_about(self, asked: Permission) -> bool:
        """Whether it is about this tool on this machine."""
        return _any(self.tools, asked.tool) and self.is_of(asked.machine_id)

    def is_of(self, machine_id: str) -> bool:
        """Whether it is about anything on this machine."""
        return _any(self.machines, machine_id)


def _shipped(name: str, words: str, pattern: str) -> RiskRule:
    return RiskRule(name, words, re.compile(pattern, re.IGNORECASE))


_REST = r"[^\n;&|]{0,200}"  # of one command
# In the order in which people should read them. Bounded repeats alone: a machine chooses what they are tried on.
SHIPPED = (
    _shipped(
        "delete", "deletes files",
        r"\brm\s{1,8}(?:-\S{1,40}\s{1,8}){0,4}-(?:\w{0,8}[rf]|-recursive|-force)",
    ),
    _shipped(
        "force-push", "rewrites history on the server",
        rf"\bgit\s{{1,8}}(?:-\S{{1,40}}\s{{1,8}}){{0,4}}push\b{_REST}(?:\s-\w{{0,4}}f\b|--force)",
    ),
    _shipped(
        "piped-download", "runs what it downloads",
        r"\b(?:curl|wget)\b[^\n;&]{0,400}\|\s{0,8}(?:sudo\s{1,8})?(?:[\w/.-]{0,20}/)?(?:ba|z|da|k)?sh\b",
    ),
    _shipped(
        "discard", "discards work that is not committed",
        r"\bgit\s{1,8}(?:-\S{1,40}\s{1,8}){0,4}(?:reset\s{1,8}--hard|clean\s{1,8}-\w{0,4}f)",
    ),
    _shipped("root", "runs as root", r"(?:^|[\s;&|(])(?:sudo|doas|su\s{1,8}-c)\s"),
    _shipped("disk", "overwrites a disk", rf"\b(?:mkfs(?:\.\w{{1,10}})?\b|dd\s{_REST}\bof=/dev/)"),
    _shipped(
        "database", "deletes data in a database",
        r"\b(?:drop\s{1,8}(?:table|database|schema)|truncate\s{1,8}table)\b",
    ),
    _shipped(
        "infrastructure", "takes down what others use",
        rf"\b(?:terraform|tofu)\s{_REST}\bdestroy\b|\bkubectl\s{_REST}\bdelete\b",
    ),
)  # fmt: skip
LONGEST = 16 * 1024  # characters that are looked at: a pattern must keep nobody waiting


def risks(rules: Iterable[RiskRule], asked: Permission) -> list[RiskRule]:
    """The rules that fit, in their order. What is too long to be looked at is risky for that."""
    about = [rule for rule in rules if rule.is_about(asked)]
    # As people read it, and as it is: what a diff writes before a line must hide nothing.
    looked_at = f"{asked.input}\n{asked.details.texts}"
    if len(asked.input) > LONGEST or asked.details.input_cut:
        return [RiskRule("too-long", _TOO_LONG, _NOTHING, needs_code=any(rule.needs_code for rule in about))]
    return [rule for rule in about if rule.pattern.search(looked_at)]


def _any(patterns: tuple[str, ...], name: str) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
