"""Control: the router itself: its figures, a backup, and what is past its time."""

from agentlink.v1 import control_pb2 as pb

from router.api.control.part import Part
from router.api.convert.times import duration
from router.api.handlers import Call
from router.services.upkeep import retention
from router.store.backup import backup


class UpkeepPart(Part):
    """What may be asked of the router itself."""

    async def Cleanup(self, _request: pb.CleanupRequest, _call: Call) -> pb.CleanupResponse:
        removed = more = await self._s.database.write(lambda tx: retention.clean(tx, self._s.clock.now()))
        while retention.full(more):  # one operation a batch: others write in between
            more = await self._s.database.write(lambda tx: retention.clean(tx, self._s.clock.now()))
            removed += more
        return pb.CleanupResponse(
            commands=removed["commands"], notifications=removed["notifications"], messages=removed["messages"],
            updates=removed["requests"], sessions=removed["sessions"], steps=removed["steps"],
        )  # fmt: skip

    async def GetStats(self, _request: pb.GetStatsRequest, _call: Call) -> pb.GetStatsResponse:
        s = await self._s.stats.read()
        return pb.GetStatsResponse(
            commands=s.rows["commands"], notifications=s.rows["notifications"], agent_links=s.agent_links,
            oldest_command_age=duration(s.oldest_command_age), chat_links=s.chat_links, commits=s.commits,
            commit_p99=duration(s.commit_p99), wal_bytes=s.wal_bytes, resends=s.resends, writable=s.writable,
            uptime=duration(s.uptime), version=s.version,
        )  # fmt: skip

    async def Backup(self, request: pb.BackupRequest, _call: Call) -> pb.BackupResponse:
        return pb.BackupResponse(bytes=await self._s.database.read(lambda c: backup(c, request.path)))
