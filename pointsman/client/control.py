"""The client of the Control service, whole, and of Memory."""

from collections.abc import Iterator
from pathlib import Path

import grpc
from agentlink.v1 import control_pb2 as pb

from pointsman.client import convert
from pointsman.client.answer_rules import AnswerRules
from pointsman.client.audit import Audit
from pointsman.client.bindings import Bindings
from pointsman.client.callbacks import Callbacks
from pointsman.client.commands import Commands
from pointsman.client.credential import Metadata
from pointsman.client.deferred import DeferredTasks
from pointsman.client.errors import RouterError
from pointsman.client.machines import Machines
from pointsman.client.notes import Notes
from pointsman.client.notifications import Notifications
from pointsman.client.people import People
from pointsman.client.quotas import QuotaUse
from pointsman.client.records import CleanedUp, Event, Stats, TraceStep
from pointsman.client.refusals import from_call
from pointsman.client.search import Search
from pointsman.client.session_events import SessionEvents
from pointsman.client.session_messages import SessionMessages
from pointsman.client.sessions import Sessions
from pointsman.client.workspaces import Workspaces


class Control(
    Sessions, SessionEvents, SessionMessages, AnswerRules, Search, Notes, Commands, DeferredTasks, Notifications,
    Machines, Bindings, People, Audit, Workspaces, Callbacks,
):  # fmt: skip
    """All that people, scripts and REST may ask of the router. Every method raises RouterError."""

    def trace(self, subject_id: str) -> list[TraceStep]:
        """The story of an update, or of a command, notification, question or session; oldest first."""
        return convert.read_all(TraceStep, self._call(self._stub.Trace, pb.TraceRequest(id=subject_id)).steps)

    def watch(self, session_id: str = "", after: int | None = None) -> Iterator[Event]:
        """What happens after that event, from the oldest that is kept after 0, or from now on; ends by a RouterError.

        Resume after the last event. EVENTS_GONE says that some behind it are not kept any more.
        """
        while True:
            shown = self._credential.shown()
            try:
                for event in self._watch(session_id, after, shown):
                    after = event.event_id
                    yield event
            except RouterError as error:
                # A token is over after an hour, and its stream with it; by then there is another one.
                if not error.is_stranger or self._credential.shown() == shown:
                    raise

    def _watch(self, session_id: str, after: int | None, shown: Metadata) -> Iterator[Event]:
        request = pb.WatchEventsRequest(session_id=session_id, after_event_id=after or 0, from_now_on=after is None)
        try:
            # Alone without a deadline: keepalive finds out when nobody is there any more.
            for event in self._stub.WatchEvents(request, metadata=shown):
                yield convert.read(Event, event)
        except grpc.RpcError as error:
            raise from_call(error) from None

    def stats(self, patience: float = 5.0) -> Stats:
        """The router's figures. Answered for every key that may read: so it is also how a key is checked."""
        return convert.read(Stats, self._call(self._stub.GetStats, pb.GetStatsRequest(), patience))

    def quotas(self, patience: float = 5.0) -> list[QuotaUse]:
        """Who has most of what they may have, and who nearly all of it; of an older router nothing."""
        asked = pb.GetStatsRequest(with_quotas=True)
        return convert.read_all(QuotaUse, self._call(self._stub.GetStats, asked, patience).quotas)

    def cleanup(self) -> CleanedUp:
        """Remove what is past its time now, instead of later; minutes, where it is much."""
        return convert.read(CleanedUp, self._call(self._stub.Cleanup, pb.CleanupRequest(), 120.0))

    def backup(self, path: Path) -> int:
        """Copy the database to that absolute path on the router's machine, where nothing may be; its size in bytes."""
        return self._call(self._stub.Backup, pb.BackupRequest(path=str(path)), 600.0).bytes
