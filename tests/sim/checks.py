"""The promises, checked against the record: at every commit of the router, at everything typed, and at the end."""

import asyncio
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agentlink.v1 import agent_link_pb2 as link_pb

from router.domain.command import LIVE, CommandState
from router.domain.errors import Reason
from router.domain.notification import NotificationState
from tests.sim.record import Message, Typed, Wish

if TYPE_CHECKING:
    from tests.sim.world import World

_LIVE = {state.value for state in LIVE}
_LIVE_NOTES = ", ".join(f"'{state.value}'" for state in NotificationState if state.live)
_UNTYPED = {state.value for state in (CommandState.CANCELLED, CommandState.EXPIRED, CommandState.DEAD)}
_KEY = "esc"
ROUNDING = 0.001  # seconds; what a clock loses that counts from 1970
DOUBT = "may have been typed"


class Checks:
    """Looks at everything, and writes down what is broken."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._ended: dict[str, str] = {}
        self._ended_at: dict[str, float] = {}  # virtual
        self._seen: tuple[sqlite3.Connection, int] | None = None  # the disk at the last look, and its changes

    def broken(self, what: str) -> None:
        """A promise does not hold."""
        at = asyncio.get_running_loop().time()
        self._world.note("CHECK", what)
        self._world.record.broken.append(f"{at:.3f} {what}")

    def typed(self, session_id: str, text: str) -> None:
        """A text reaches a terminal: never more often than it was asked for."""
        record = self._world.record
        self._world.note(session_id, f"types {text}")
        record.typed.append(Typed(asyncio.get_running_loop().time(), session_id, text))
        times = sum(one.text == text and one.session_id == session_id for one in record.typed)
        asked = record.keys.get(session_id, 0) if text == _KEY else 1 + record.redriven.get(text, 0)
        if times > asked:
            self.broken(f"{text} was typed {times} times into {session_id}, asked for {asked} times")

    def link(self, machine: str) -> Callable[[bytes], None]:
        """An observer of one link: nothing is sent twice on it, and each session's commands come in order."""
        newest: dict[tuple[str, int], int] = {}

        def seen(raw: bytes) -> None:
            frame = link_pb.RouterFrame.FromString(raw)
            several = frame.commands.commands if frame.HasField("commands") else ()
            for command in (frame.command,) if frame.HasField("command") else several:
                self._sent(machine, newest, command)

        return seen

    def _sent(self, machine: str, newest: dict[tuple[str, int], int], command: Any) -> None:
        key = (command.session_id, command.lane)
        self._world.note(machine, f"is sent {command.command_id} attempt {command.attempt}")
        if command.sequence <= newest.get(key, 0):
            self.broken(f"{command.command_id} came again, or out of order, on one link of {machine}")
        newest[key] = max(newest.get(key, 0), command.sequence)

    def after_turn(self) -> None:
        """Look, if anything was written: most turns of a router at rest only read."""
        connection = self._world.router.disk.connection
        seen = connection and (connection, connection.total_changes)
        if seen is None or seen != self._seen:
            self.after_commit()
        self._seen = seen

    def after_commit(self) -> None:
        """What ended stays as it ended."""
        for command_id, state in self._rows("SELECT command_id, state FROM commands"):
            before = self._ended.get(command_id)
            if before is not None and before != state:
                self.broken(f"{command_id} had ended as {before} and is {state}")
            if state not in _LIVE and before is None:
                self._world.note("router", f"{command_id} is {state}")
                self._ended[command_id] = state
                self._ended_at[command_id] = asyncio.get_running_loop().time()

    def is_quiet(self) -> bool:
        """Everything asked for is answered and has ended, and everybody was told."""
        world = self._world
        up = world.router.router is not None and all(agent.link_handler for agent in world.agents.values())
        if not up or any(not wish.answered for wish in world.record.wishes.values()):
            return False
        live = "SELECT 1 FROM commands WHERE state IN ('queued', 'sent', 'received') LIMIT 1"
        waiting = f"SELECT 1 FROM notifications WHERE state IN ({_LIVE_NOTES}) LIMIT 1"
        owed = "SELECT 1 FROM meta WHERE key = 'owed_ends' AND value != '{}'"
        if any(map(self._rows, (live, waiting, owed))):
            return False
        untold = "SELECT 1 FROM outbox UNION ALL SELECT 1 FROM held_notices LIMIT 1"
        return not any(agent.rows(untold) for agent in world.agents.values())

    def at_end(self) -> None:
        """Every promise, for everything that happened."""
        rows = self._rows(
            "SELECT command_id, session_id, text, state, reason, detail, transport, created_at, has_ttl, sequence"
            " FROM commands ORDER BY position"
        )
        by_text: dict[str, list[Any]] = {}
        for row in rows:
            by_text.setdefault(row[2], []).append(row)
        for wish in self._world.record.wishes.values():
            self._wish(wish, by_text.get(wish.text, []))
        self._world.record.endings = dict(Counter(row[3] for row in rows))
        self._order({row[2]: row[9] for row in rows})
        self._counted()
        self._told(rows)
        self._notices()

    def _counted(self) -> None:
        """What is kept of a session beside its commands is what they say."""
        of_session = "FROM commands WHERE commands.session_id = sessions.session_id"
        said = (
            f"SELECT session_id, live, next_sequence, (SELECT COUNT(*) {of_session} AND state IN ('queued', 'sent',"
            f" 'received')), (SELECT COALESCE(MAX(sequence), 0) + 1 {of_session}) FROM sessions"
        )
        for session_id, live, following, lives, follows in self._rows(said):
            if (live, following) != (lives, follows):
                self.broken(f"{session_id} counts {live} and {following}, and has {lives} and {follows}")

    def _wish(self, wish: Wish, rows: list[Any]) -> None:
        if not wish.answered:
            self.broken(f"{wish.text} was never answered")
        if not rows and wish.answered and not wish.refused:
            self.broken(f"{wish.text} was acknowledged and is lost")
        asked = 1 + self._world.record.redriven.get(wish.text, 0)
        if len(rows) > asked:
            self.broken(f"{wish.text} became {len(rows)} commands, asked for {asked} times")
        for row in rows:
            if row[3] in _LIVE:
                self.broken(f"{row[0]} ({wish.text}) never ended: it is {row[3]}")
        if len(rows) == 1:
            self._ending(wish, rows[0])

    def _ending(self, wish: Wish, row: Any) -> None:
        command_id, _, text, state, reason, detail = row[:6]
        times = sum(one.text == text for one in self._world.record.typed)
        if state == "done" and times != 1:
            self.broken(f"{command_id} ({text}) is done and was typed {times} times")
        if state == "failed" and times:
            self.broken(f"{command_id} ({text}) failed and was typed")
        if state in _UNTYPED and times and DOUBT not in detail:
            self.broken(f"{command_id} ({text}) is {state} without a doubt and was typed")
        if state == "expired" and self._ended_at[command_id] + ROUNDING < wish.at + (wish.ttl or 0.0):
            self.broken(f"{command_id} ({text}) expired early")
        if state == "dead" and reason == Reason.TOO_OLD.value:
            self.broken(f"{command_id} ({text}) was given up as too old")
        if state == "uncertain":
            self._uncertain(wish, command_id, reason)
        elif state == "done" and text in self._world.record.doubtful:
            self.broken(f"{command_id} ({text}) is done; a crash fell between its start and its finish")

    def _uncertain(self, wish: Wish, command_id: str, reason: int) -> None:
        record = self._world.record
        machine = wish.session_id.partition("-")[0]
        excused = record.lost_inboxes | (record.half_greeted if reason == Reason.INBOX_LOST.value else set())
        if wish.text not in record.doubtful and machine not in excused:
            self.broken(f"{command_id} ({wish.text}) is uncertain for no cause (reason {reason})")

    def _order(self, sequences: dict[str, int]) -> None:
        """Typed in the order of acceptance; what was asked for again has two places and is left out."""
        record, newest = self._world.record, Counter[str]()
        for one in record.typed:
            if one.text in record.redriven or one.text == _KEY or one.text not in sequences:
                continue
            if sequences[one.text] < newest[one.session_id]:
                self.broken(f"{one.text} was typed out of order into {one.session_id}")
            newest[one.session_id] = max(newest[one.session_id], sequences[one.text])

    def _told(self, rows: list[Any]) -> None:
        told, said = set[tuple[str, str]](), defaultdict[tuple[str, str], set[str]](set)
        for message in self._world.record.messages:
            for command_id in (message.command_id, *self._behind(message)):
                told.add((command_id, message.state))
                if not message.is_edit:  # a line that is changed rings nobody, and may say what a new one says
                    said[command_id, message.state].add(message.notification_id)
        for command_id, _, text, state, _, _, transport, *_ in rows:
            if transport and (command_id, state) not in told:
                self.broken(f"nobody was told that {command_id} ({text}) is {state}")
            if len(said[command_id, state]) > 1 + self._heard_late(command_id):
                self.broken(f"{len(said[command_id, state])} messages say that {command_id} ({text}) is {state}")

    def _heard_late(self, command_id: str) -> int:
        """How often its machine said something else of it after its end, which is told, too."""
        of_it = f"subject_id = '{command_id}' AND event = 'LateResult'"
        return int(self._rows(f"SELECT COUNT(*) FROM steps WHERE {of_it}")[0][0])

    def _behind(self, message: Message) -> list[str]:
        """The commands whose ends a line tells beside that of its own: so many as it says, and no more."""
        rows = self._rows(
            "SELECT DISTINCT command_id, position FROM notifications JOIN steps ON subject_id = notification_id"
            f" WHERE steps.detail = 'together with {message.notification_id}' ORDER BY position"
        )
        return [command_id for command_id, _ in rows[: message.others]]

    def _notices(self) -> None:
        brought = {message.notification_id for message in self._world.record.messages}
        known = {f'["p{number}"]' for number in range(1, len(self._world.record.messages) + 1)}
        rows = self._rows("SELECT notification_id, message_ids FROM notifications WHERE state = 'delivered'")
        brought |= {notification_id for notification_id, ids in rows if ids in known}  # with others, in a digest
        for notification_id in self._world.record.notices:
            if notification_id not in brought:
                self.broken(f"notification {notification_id} is lost")

    def _rows(self, sql: str) -> list[Any]:
        return self._world.router.rows(sql)
