"""Quotas, as the router's figures tell of them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """How much of a quota ("SESSIONS"; "FILES", in bytes) "machine devbox" has, "key key_4fA1", or everybody ("")."""

    quota: str
    who: str
    used: int
    limit: int
