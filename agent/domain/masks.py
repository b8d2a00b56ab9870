"""What looks like a secret is masked before it leaves the machine: what a program says is read in chats and on phones.

A help, not a promise: a secret that looks like any word goes through.
"""

import re
from collections.abc import Iterable

_NAMED = r"(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)"
# None of them repeats what it repeats: each takes a time that grows with the text, and no faster.
SHIPPED: tuple[tuple[str, str], ...] = (
    ("private key", r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)"),
    ("API key", r"\bsk-[A-Za-z0-9_-]{20,}"),
    ("API key", r"\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("API key", r"\bAIza[0-9A-Za-z_-]{35}"),
    ("API key", r"\bpmk_[A-Za-z0-9_-]{20,}"),
    ("GitHub token", r"\b(?:ghs_[A-Za-z0-9._-]{36,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})"),
    ("GitLab token", r"\bgl[a-z]{2,6}-[A-Za-z0-9_-]{20,}"),
    ("AWS key", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    ("Slack token", r"\bxox[a-z]-[A-Za-z0-9-]{10,}"),
    ("bot token", r"\b[0-9]{8,10}:[A-Za-z0-9_-]{35}\b"),
    ("package token", r"\b(?:npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,}|hf_[A-Za-z0-9]{30,})"),
    ("signed token", r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    ("password", r"(?<=://)[^\s/:@\"']{1,100}:[^\s/@\"']{1,200}(?=@)"),
    ("credential", r"(?i:\b(?:bearer|basic) )[A-Za-z0-9._~+/=-]{16,}"),
    # A value of some length with a digit in it: what is only named (`token: string`) is left to be read.
    ("secret", rf"(?i:{_NAMED}[\\\"']{{0,3}}\s?[:=]\s?[\\\"']{{0,3}})(?=[^\s\"'\\]{{0,100}}[0-9])[^\s\"'\\,;&]{{8,}}"),
)


# In every secret of a rule stands one of these, when case is folded; to look for them costs a hundredth of the rule.
# None has an i where a rule knows no case: that finds one without a dot, too, and folding does not.
SIGNS: dict[str, tuple[str, ...]] = {
    "private key": ("-----begin ",),
    "API key": ("sk-", "_live_", "_test_", "aiza", "pmk_"),
    "GitHub token": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    "GitLab token": ("gl",),
    "AWS key": ("akia", "asia"),
    "Slack token": ("xox",),
    "bot token": (":",),
    "package token": ("npm_", "pypi-", "hf_"),
    "signed token": ("eyj",),
    "password": ("://",),
    "credential": ("bearer ", "bas"),
    "secret": ("passw", "passphrase", "secret", "token", "key", "cred"),
}


class Masks:
    """Puts a word in the place of each secret."""

    def __init__(self, more: Iterable[tuple[str, str]] = ()) -> None:
        """`more` are names and regular expressions beside those that come along. Raises re.error."""
        shipped = [(name, pattern, SIGNS[name]) for name, pattern in SHIPPED]
        rules = [*shipped, *((name, pattern, ("",)) for name, pattern in more)]
        self._rules = tuple((f"[{name}]", re.compile(pattern, re.DOTALL), signs) for name, pattern, signs in rules)

    def __call__(self, text: str) -> str:
        small = text.casefold()
        for name, pattern, signs in self._rules:
            if any(sign in small for sign in signs):
                text = pattern.sub(name, text)
        return text
