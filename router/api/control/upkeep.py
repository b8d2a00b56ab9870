"""Control: the router itself: its figures, a backup, and what is past its time."""

from agentlink.v1 import control_pb2 as pb

from router.api.control.part import Part
from router.api.convert.quotas import quota_use
from router.api.convert.times import duration
from router.api.handlers import Call
from router.domain.audit import AuditEvent
from router.services.upkeep import retention
from router.store import audit
from router.store.backup import backup


class UpkeepPart(Part):
    """What may be asked of the router itself."""

    async def Cleanup(self, _request: pb.CleanupRequest, call: Call) -> pb.CleanupResponse:
        await self._note(call, AuditEvent.CLEANUP)
        removed = more = await self._s.database.write(lambda tx: self._s.clean(tx, self._s.clock.now()))
        while retention.full(more):  # one operation a batch: others write in between
            more = await self._s.database.write(lambda tx: self._s.clean(tx, self._s.clock.now()))
            removed += more
        return pb.CleanupResponse(
            commands=removed["commands"], notifications=removed["notifications"], messages=removed["messages"],
            updates=removed["requests"], sessions=removed["sessions"], steps=removed["steps"],
        )  # fmt: skip

    async def GetStats(self, request: pb.GetStatsRequest, _call: Call) -> pb.GetStatsResponse:
        s, quotas = await self._s.stats.read(), await self._s.stats.quotas() if request.with_quotas else ()
        return pb.GetStatsResponse(
            commands=s.rows["commands"], notifications=s.rows["notifications"], agent_links=s.agent_links,
            oldest_command_age=duration(s.oldest_command_age), chat_links=s.chat_links, commits=s.commits,
            commit_p99=duration(s.commit_p99), wal_bytes=s.wal_bytes, resends=s.resends, writable=s.writable,
            uptime=duration(s.uptime), version=s.version, quotas=map(quota_use, quotas),
        )  # fmt: skip

    async def Backup(self, request: pb.BackupRequest, call: Call) -> pb.BackupResponse:
        # Before it is made: so none is without an entry, and each holds its own.
        await self._note(call, AuditEvent.BACKUP, request.path)
        return pb.BackupResponse(bytes=await self._s.database.read(lambda c: backup(c, request.path)))

    async def _note(self, call: Call, event: AuditEvent, subject: str = "") -> None:
        now = self._s.clock.now()
        await self._write(call, lambda tx: audit.record(tx, now, event, tx.caller, subject=subject))
