"""The audit: who was let in, and who changed what anybody may do."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from agentlink.v1 import control_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from pointsman.client import convert
from pointsman.client.calls import Calls

_PAGE = 1000  # the most that the router lists at once
_LONG = 600.0  # seconds: a year of it is computed anew


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry. `kind`, `identity` and `label` are whom the router authenticated; what is `claimed` proves nothing."""

    number: int
    at: datetime | None
    event: str
    kind: str
    identity: str
    label: str
    claimed: str
    peer: str
    subject: str
    detail: str
    previous: str
    digest: str


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """Whether the audit is as it was written: `broken` is the first entry that is not. Compare heads that you noted."""

    entries: int
    head: str
    broken: int | None
    problem: str


class Audit(Calls):
    """Every method raises RouterError."""

    def audit(self, since: datetime | None = None) -> Iterator[AuditEntry]:
        """All entries from that time on, oldest first."""
        at = Timestamp()
        if since:
            at.FromDatetime(since)
        last = 0
        while page := self._call(
            self._stub.ListAuditEntries, pb.ListAuditEntriesRequest(after_number=last, since=at, limit=_PAGE)
        ).entries:
            yield from convert.read_all(AuditEntry, page)
            last = page[-1].number

    def audit_head(self) -> str:
        """The newest entry and its hash, as "42:9f…"."""
        return _text(self._call(self._stub.ListAuditEntries, pb.ListAuditEntriesRequest(limit=1)).head)

    def verify_audit(self, noted: str = "") -> AuditCheck:
        """Compute its chain of hashes anew; `noted` is a head that must still be part of it."""
        request = pb.VerifyAuditRequest()
        if noted:
            number, _, digest = noted.partition(":")
            request.noted.number, request.noted.digest = int(number), digest
        found = self._call(self._stub.VerifyAudit, request, _LONG)
        return AuditCheck(found.entries, _text(found.head), found.broken_number or None, found.problem)


def _text(head: pb.AuditHead) -> str:
    return f"{head.number}:{head.digest}"
