"""How near machines and keys are to what they may have at the router."""

from collections.abc import Iterator

from pointsman.client.errors import RouterError
from pointsman.client.quotas import QuotaUse
from pointsman.config import Settings
from pointsman.connection import connected
from pointsman.doctor.findings import Finding, ok, warn
from pointsman.errors import Failure

_DEADLINE = 5.0  # seconds
_NEAR = 0.8
_MIB = 1024 * 1024
_BYTES = ("FILES", "ALL_FILES")
_OF = {  # what it is, and what makes room
    "SESSIONS": ("sessions that live", "End some, or set POINTSMAN_MACHINE_SESSIONS."),
    "MESSAGES": (
        "messages wait for people",
        "Does the adapter run? Else send less, or set POINTSMAN_MACHINE_MESSAGES.",
    ),
    "QUESTIONS": ("questions are open", "Answer some (pointsman permissions), or set POINTSMAN_MACHINE_QUESTIONS."),
    "FILES": ("MiB of files that no message names", "After 6 hours they go; or set POINTSMAN_MACHINE_FILES_MIB."),
    "ALL_FILES": ("MiB of files that no message names", "After 6 hours they go; or set POINTSMAN_ALL_FILES_MIB."),
}


def quotas(settings: Settings) -> Iterator[Finding]:
    """Who is refused soon, or is already."""
    try:
        with connected(settings) as client:
            found = [use for use in client.quotas(_DEADLINE) if use.quota in _OF]
    except (RouterError, Failure):  # of which the check of the router tells
        return
    near = [use for use in found if use.used >= use.limit * _NEAR]
    for use in near:
        yield warn("quotas", _told(use), _OF[use.quota][1])
    if not near:
        most = f"; the most: {_told(found[0])}" if found and found[0].used else ""
        yield ok("quotas", f"nobody is near one{most}")


def _told(use: QuotaUse) -> str:
    unit = _MIB if use.quota in _BYTES else 1
    return f"{use.who or 'all together'}: {use.used // unit} of {use.limit // unit} {_OF[use.quota][0]}"
