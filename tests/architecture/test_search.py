"""Who searches for a term of the field is led to the file that does it.

A search is case-insensitive, over the names and the lines of the product's Python files, as `git ls-files | grep -i`
and `grep -ric` find them. Hits are read in this order: first the files whose name has the term, then the others; among
both those with more lines that have it before those with fewer.
"""

import re

import pytest

from tests.architecture.source import PACKAGES, ROOT, modules

RIGHT = {
    "backoff": {"router/domain/backoff.py", "router/services/delivery/backoffs.py", "agent/link/backoff.py"},
    "dead letter": {"router/services/delivery/dead_letters.py"},
    "dedup": {"router/store/idempotency.py"},
    "epoch": {"router/services/links/upstream.py", "router/link/connection.py"},
    "idempotency": {"router/store/idempotency.py"},
    "lease": {"router/services/outbox/leases.py"},
    "poison": {"router/store/poison.py"},
    "rate limit": {
        "webhook_adapter/transports/telegram/rate_limits.py",
        "webhook_adapter/transports/github/outbound/rate_limits.py",
    },
}
"""Where it is done; where several programs do it, each of them is right."""


@pytest.mark.parametrize("term", RIGHT)
def test_a_term_of_the_field_leads_to_its_file(term: str) -> None:
    assert set(hits(term)[:2]) & RIGHT[term]


def hits(term: str) -> list[str]:
    """All files with a term, the best hit first; "rate limit" is found as rate_limit and RateLimit, too."""
    pattern = re.compile(re.sub(r"\W", ".?", term), re.IGNORECASE)
    found = []
    for path in modules(*PACKAGES):
        lines = sum(1 for line in (ROOT / path).read_text().splitlines() if pattern.search(line))
        named = bool(pattern.search(path))
        if lines or named:
            found.append((not named, -lines, path))
    return [path for _, _, path in sorted(found)]
