"""Rules that allow for a time: what a person let once they let again, here, until then. In doubt a person is asked.

Two kinds: EXACT, the same input once more; PREFIX, a command line that begins with the same words. A prefix is matched
only on a command line that a shell reads as one command with plain words: nothing that chains, substitutes, redirects,
quotes, expands or comments, in any shell. What people meant by "npm test" must not become "npm test; rm -rf ~".
"""

import json
import re
from enum import Enum

from msgspec import Struct

from router.domain.deferral import Owner
from router.domain.errors import Reason, Refusal
from router.domain.permission import Option, Permission, PermissionKind, Verdict
from router.domain.permission_input import given_of

LONGEST = 24 * 3600.0  # seconds; by then nobody remembers what they let
SHORTEST = 60.0
USUAL = 2 * 3600.0
MOST_OF_ONE, MOST_OF_ALL = 50, 500  # that hold
MOST_ANSWERS = 500  # of one rule: a loop that asks for ever must come before a person
MAX_PREFIX = 200  # characters
_COMMAND = "command"  # the input's key that holds a command line
_SAID = frozenset({"description", "timeout"})  # of a command, what changes nothing of what is run
# ASCII alone, and of that nothing that any shell reads as more than a letter of a word.
_WORD = re.compile(r"[A-Za-z0-9_./:@%+=,-]+")
_LONGEST_LINE = 4096  # characters


class Match(Enum):
    """What has to be the same."""

    EXACT = "exact"
    PREFIX = "prefix"


class AnswerRule(Struct, frozen=True):
    """One rule. It holds for a session; or, with a folder, for all sessions of a machine that began there.

    It ends when the router's machine has been up for `until` seconds, or is booted anew: whatever is done to the wall
    clock, it holds no longer. `expires_at` is the same for people to read.
    """

    rule_id: str
    match: Match
    tool: str
    pattern: str  # EXACT: what `exact` says of the input; PREFIX: words with one blank between
    session_id: str
    machine_id: str
    folder: str
    made_by: str
    owner: Owner
    created_at: float
    expires_at: float
    boot: str
    until: float
    permission_id: str  # that it was made from
    answers: int = 0
    ended_at: float | None = None
    ended_by: str = ""

    def holds(self, boot: str, uptime: float) -> bool:
        """Whether it is not over."""
        return self.ended_at is None and boot == self.boot and uptime < self.until and self.answers < MOST_ANSWERS

    def is_about(self, session_id: str, machine_id: str, folder: str) -> bool:
        """Whether it is for that session, by where it began."""
        if machine_id != self.machine_id:
            return False
        return folder == self.folder if self.folder else session_id == self.session_id

    def allows(self, asked: Permission) -> Option | None:
        """The option that it chooses; None where it does not fit, or that is in doubt."""
        if asked.kind is not PermissionKind.TOOL or asked.machine_id != self.machine_id or asked.tool != self.tool:
            return None
        fits = exact(asked) == self.pattern if self.match is Match.EXACT else begins(asked, self.pattern)
        # The empty one is of an input that cannot be read whole.
        return allow_of(asked) if fits and self.pattern else None


def allow_of(asked: Permission) -> Option | None:
    """The option that allows it this once."""
    return next((option for option in asked.options if option.verdict is Verdict.ALLOW), None)


def exact(asked: Permission) -> str:
    """Says what a question is about, the same for the same input; empty where that is not known whole."""
    given = _given(asked)
    if given is None:
        return ""
    if isinstance(given.get(_COMMAND), str):
        given = {key: value for key, value in given.items() if key not in _SAID}
    return json.dumps(given, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def can_be_made(asked: Permission) -> bool:
    """Whether a rule can let exactly this again, as far as the question itself says."""
    is_tool = asked.kind is PermissionKind.TOOL and bool(asked.machine_id)
    return is_tool and allow_of(asked) is not None and bool(exact(asked))


def prefix(asked: Permission, words: str = "") -> str:
    """The pattern of a prefix rule made from a question: these words, or all of its command line.

    Raises Refusal: it has no plain command line, or does not begin so.
    """
    line = _line(asked)
    if line is None:
        text = (
            "It is no plain command line (one command, words without quotes or signs of the shell): allow it exactly."
        )
        raise Refusal(Reason.INVALID_ARGUMENT, text)
    wanted = words.split() if words else line
    if not wanted or len(" ".join(wanted)) > MAX_PREFIX or line[: len(wanted)] != wanted:
        raise Refusal(Reason.INVALID_ARGUMENT, f"It does not begin with {words[:100]!r}.")
    return " ".join(wanted)


def begins(asked: Permission, pattern: str) -> bool:
    """Whether its command line begins with these words."""
    line, words = _line(asked), pattern.split(" ")
    return line is not None and line[: len(words)] == words


def checked_span(seconds: float) -> float:
    """The span itself. Raises Refusal."""
    if not SHORTEST <= seconds <= LONGEST:
        raise Refusal(Reason.INVALID_ARGUMENT, "A rule holds for a minute to 24 hours.")
    return seconds


def _given(asked: Permission) -> dict[str, object] | None:
    if asked.details.input_cut or not asked.details.input_json:
        return None
    given = given_of(asked.details.input_json)
    return given if given and not _has_twins(asked.details.input_json) else None


def _has_twins(text: str) -> bool:
    """Whether a key stands twice in an object: which of the two counts depends on who reads it."""

    def keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len({key for key, _ in pairs}) < len(pairs):
            raise ValueError("twins")
        return dict(pairs)

    try:
        json.loads(text, object_pairs_hook=keys)
    except (ValueError, RecursionError):
        return True
    return False


def _line(asked: Permission) -> list[str] | None:
    """The words of its command line, where it has one, alone, that is plain."""
    given = _given(asked)
    line = given.get(_COMMAND) if given is not None else None
    # Another key may change what is run, or where.
    if given is None or not isinstance(line, str) or not set(given) <= {_COMMAND} | _SAID:
        return None
    words = line.split(" ")
    plain = len(line) <= _LONGEST_LINE and all(_WORD.fullmatch(word) for word in words)
    # An assignment before a command changes what it is; a builtin would run what its words say.
    return words if plain and "=" not in words[0] and words[0].rpartition("/")[2] not in _RUNNERS else None


_RUNNERS = frozenset([
    ".", "builtin", "command", "doas", "env", "eval", "exec", "nice", "nohup", "setsid", "source", "su", "sudo", "time",
    "timeout", "xargs", "sh", "bash", "zsh", "dash", "ksh", "fish",
])  # fmt: skip
"""Commands that run what their words say: a prefix of them would be one of anything."""
