"""Control: the audit: what was changed in who may do what, and whether it is as it was written."""

from agentlink.v1 import control_pb2 as pb

from router.api.control.part import Part, page_size
from router.api.convert.times import timestamp
from router.api.handlers import Call
from router.domain.audit import AuditEntry, Head
from router.store import audit


class AuditPart(Part):
    """What may be asked of the audit."""

    async def ListAuditEntries(self, request: pb.ListAuditEntriesRequest, _call: Call) -> pb.ListAuditEntriesResponse:
        r, since = request, request.since.ToMicroseconds() / 1e6  # unset is 1970
        found = await self._s.database.read(lambda c: audit.after(c, r.after_number, since, page_size(r.limit)))
        head = await self._s.database.read(audit.head)
        return pb.ListAuditEntriesResponse(entries=map(_message, found), head=_head(head))

    async def VerifyAudit(self, request: pb.VerifyAuditRequest, _call: Call) -> pb.VerifyAuditResponse:
        noted = Head(request.noted.number, request.noted.digest) if request.HasField("noted") else None
        found = await self._s.database.read(lambda c: audit.verify(c, noted))
        return pb.VerifyAuditResponse(
            entries=found.entries, head=_head(found.head), broken_number=found.broken or 0, problem=found.problem
        )


def _message(entry: AuditEntry) -> pb.AuditEntry:
    return pb.AuditEntry(
        number=entry.number, at=timestamp(entry.at), event=entry.event, kind=entry.kind, identity=entry.identity,
        label=entry.label, claimed=entry.claimed, peer=entry.peer, subject=entry.subject, detail=entry.detail,
        previous=entry.previous, digest=entry.digest,
    )  # fmt: skip


def _head(head: Head) -> pb.AuditHead:
    return pb.AuditHead(number=head.number, digest=head.digest)
