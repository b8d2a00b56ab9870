"""The delivery as a state machine: Hypothesis chooses every step, and shrinks what breaks to the shortest story."""

import sqlite3
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from router.domain.command import LIVE
from router.domain.errors import Refusal
from router.domain.frames import SessionReport
from router.domain.session import SessionState
from tests.sim.disks import Disk
from tests.sim.ends import MACHINE, AgentEnd, RouterEnd, Time, Wire
from tests.sim.world import fresh_agent_disk, router_disk

SESSIONS = ("s0", "s1")
STEPS = 60
SETTLED_WITHIN = 400  # rounds: more than any backoff needs
_LIVE = {state.value for state in LIVE}


class DeliveryMachine(RuleBasedStateMachine):
    """One router, one agent; at most one stream that both believe in, and older ones that only the router does."""

    @initialize()
    def begin(self) -> None:
        self.time = Time()
        self.ids = 0
        self.updates: dict[str, tuple[str, str, str]] = {}  # key -> session, text, command
        self.typed: list[tuple[str, str]] = []  # command id, session
        self.ended: dict[str, str] = {}
        self.excused: set[str] = set()  # commands that may be UNCERTAIN
        self.router = RouterEnd(Disk(router_disk(1)), self.time)
        reports = [SessionReport(0, one, 1, one, "sim", "", SessionState.IDLE) for one in SESSIONS]
        service = self.router.router.servicers.links._services.upstream._sessions
        for report in reports:
            self.router.write(lambda tx, report=report: service.reported(tx, MACHINE, report))
        self.agent = AgentEnd(Disk(fresh_agent_disk(self._id())), self.time, self._id())
        self.wire: Wire | None = None
        self.stale: list[Wire] = []
        self.copy: tuple[int, bytes] | None = None  # of the agent's disk, and the newest link it knows of
        self.outdated = False  # the agent works on an old copy, and the router has not met it yet

    def _id(self) -> str:
        self.ids += 1
        return f"i{self.ids}"

    # What people do

    @rule(session=st.sampled_from(SESSIONS))
    def submit(self, session: str) -> None:
        key = f"telegram:1:{self._id()}"
        answer = self.router.submit(key, session, f"text {key}")
        self.updates[key] = (session, f"text {key}", answer.command_id)
        self._collect()

    @precondition(lambda self: self.updates)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.updates)))
        session, text, command_id = self.updates[key]
        answer = self.router.submit(key, session, text)
        assert (answer.command_id, answer.duplicate) == (command_id, True)

    @precondition(lambda self: self.updates)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        _, _, command_id = self.updates[data.draw(st.sampled_from(sorted(self.updates)))]
        try:
            self.router.write(lambda tx: self.router.router._delivery.cancel(tx, command_id, "model"))
        except Refusal:
            assert self._states()[command_id] not in _LIVE
        self._collect()

    # What the network does

    @rule()
    def connect(self) -> None:
        """The agent comes anew; the router may still believe in the stream before."""
        self._leave()
        self.wire = Wire(self.router, self.agent)

    @precondition(lambda self: self.wire and self.wire.up)
    @rule(again=st.booleans())
    def bring_up(self, again: bool) -> None:
        greeted = self.wire.link is not None
        if not greeted and (self.outdated or self._inbox_is_another() or self._passes_for_a_twin()):
            self.excused.update(command_id for command_id, attempt in self._attempts() if attempt)
            self.outdated = False
        self.wire.bring_up(again=again and greeted)  # a second hello would be the end of the stream
        self._collect()

    @precondition(lambda self: self.wire and self.wire.down)
    @rule(again=st.booleans())
    def bring_down(self, again: bool) -> None:
        self.wire.bring_down(again=again)

    @rule(frames=st.integers(2, 12))
    def flow(self, frames: int) -> None:
        """A stream that works: most of the time it does."""
        if self.wire is None:
            self.connect()
        for _ in range(frames):
            self.wire.report()
            if self.wire.up:
                self.bring_up(again=False)
            if self.wire.down:
                self.wire.bring_down()

    @precondition(lambda self: self.stale)
    @rule()
    def bring_late(self) -> None:
        """A frame of an older stream reaches the router, or its end does."""
        older = self.stale[0]
        if older.up and not older.closed:
            older.bring_up()
        else:
            older.lose()
            self.stale.pop(0)
        self._collect()

    @precondition(lambda self: self.wire)
    @rule(ack_timeout=st.booleans())
    def cut(self, ack_timeout: bool) -> None:
        self.wire.lose(ack_timeout=ack_timeout)
        self.wire = None

    # What the agent does

    @precondition(lambda self: self.agent.waiting() and not self.agent.started)
    @rule(data=st.data())
    def start(self, data: st.DataObject) -> None:
        command_id, session, _ = data.draw(st.sampled_from(self.agent.waiting()))
        if self.agent.start(command_id):
            self.typed.append((command_id, session))

    @precondition(lambda self: self.agent.started)
    @rule()
    def finish(self) -> None:
        self.agent.finish()

    @precondition(lambda self: self.wire)
    @rule()
    def report(self) -> None:
        self.wire.report()

    # What breaks

    @rule(which=st.sampled_from(["router", "agent", "agent", "inbox"]))
    def crash(self, which: str) -> None:
        {"router": self._crash_router, "agent": self._crash_agent, "inbox": self._lose_inbox}[which]()

    def _crash_router(self) -> None:
        disk = self.router.disk
        disk.leave()
        self.router = RouterEnd(disk, self.time)
        self.wire, self.stale = None, []

    def _crash_agent(self) -> None:
        self.excused.update(self.agent.started)
        disk = self.agent.disk
        disk.leave()
        self._agent_again(disk)

    def _lose_inbox(self) -> None:
        self.outdated = False
        self._agent_again(Disk(fresh_agent_disk(self._id())))

    @rule()
    def back_up(self) -> None:
        memory = self.agent.inbox.memory().result()
        self.copy = memory.last_link_epoch, self.agent.connection.serialize()

    @precondition(lambda self: self.copy and self.copy[0] < self._heard_epoch())
    @rule()
    def put_back(self) -> None:
        """The agent gets the copy back; the router has heard of a later link."""
        (_, content), self.copy = self.copy, None
        self._agent_again(Disk(content))
        self.outdated = True

    def _heard_epoch(self) -> int:
        sql = "SELECT heard_epoch FROM machines UNION SELECT epoch FROM commands WHERE state = 'received'"
        return max(epoch for (epoch,) in self.router.rows(sql))

    @rule(trouble=st.sampled_from(["full", "locked"]), session=st.sampled_from(SESSIONS))
    def refuse_on_a_sick_disk(self, trouble: str, session: str) -> None:
        before = self._states()
        self.router.disk.trouble = trouble
        with pytest.raises(Refusal):
            self.router.submit(f"telegram:1:{self._id()}", session, "never stored")
        self.router.disk.trouble = ""
        assert self._states() == before

    @rule(seconds=st.sampled_from([0.5, 5.0, 31.0, 400.0]), step=st.sampled_from([0.0, -90_000.0, 3_600.0]))
    def pass_time(self, seconds: float, step: float) -> None:
        self.time.passed += seconds
        self.time.step = step if abs(step) < 86_400 else self.time.step
        self._timers()

    def _timers(self) -> None:
        delivery = self.router.router._delivery
        self.router.write(delivery.expire)
        self.router.write(delivery.release_held)
        self._collect()

    def _agent_again(self, disk: Disk) -> None:
        """A new process: its stream ends, which the router may learn late."""
        self._leave()
        self.agent = AgentEnd(disk, self.time, self._id())

    def _leave(self) -> None:
        """The agent gives a stream up. One that the router never greeted is gone for it, too."""
        if self.wire is not None and self.wire.link is not None:
            self.stale.append(self.wire)
        self.wire = None

    def _collect(self) -> None:
        for wire in [*self.stale, *([self.wire] if self.wire else [])]:
            wire.collect()

    # What must hold

    @invariant()
    def every_promise_holds(self) -> None:
        self.nothing_is_typed_twice()
        self.each_session_is_typed_in_the_order_of_acceptance()
        self.what_ended_stays_as_it_ended()
        self.what_was_confirmed_is_in_the_inbox()
        self.one_update_is_one_command()
        self.nothing_is_sent_twice_on_one_stream()
        self.doubt_has_a_cause()
        self.the_counters_of_live_commands_are_right()

    def _inbox_is_another(self) -> bool:
        known = self.router.rows("SELECT inbox_id FROM machines")[0][0]
        return known not in ("", self.agent.inbox.memory().result().inbox_id)

    def _passes_for_a_twin(self) -> bool:
        """A new process that comes while the router still believes in a link whose welcome the old one never stored."""
        hub = self.router.router._delivery._hub
        known, memory = hub.get(MACHINE), self.agent.inbox.memory().result()
        return known is not None and memory.last_link_epoch < known.epoch

    def _states(self) -> dict[str, str]:
        return dict(self.router.rows("SELECT command_id, state FROM commands"))

    def _attempts(self) -> list[tuple[str, int]]:
        return self.router.rows(
            "SELECT command_id, attempt FROM commands WHERE state IN ('queued', 'sent', 'received')"
        )

    def nothing_is_typed_twice(self) -> None:
        assert not [one for one, count in Counter(one for one, _ in self.typed).items() if count > 1]

    def each_session_is_typed_in_the_order_of_acceptance(self) -> None:
        places = dict(self.router.rows("SELECT command_id, sequence FROM commands"))
        for session in SESSIONS:
            order = [places[command_id] for command_id, where in self.typed if where == session]
            assert order == sorted(order)

    def what_ended_stays_as_it_ended(self) -> None:
        states = self._states()
        assert {one: states[one] for one in self.ended} == self.ended
        self.ended = {one: state for one, state in states.items() if state not in _LIVE}

    def what_was_confirmed_is_in_the_inbox(self) -> None:
        if self.outdated:
            return
        inbox_id = self.agent.inbox.memory().result().inbox_id
        held = {row[0] for row in self.agent.connection.execute("SELECT command_id FROM inbox")}
        sql = f"SELECT command_id FROM commands WHERE state = 'received' AND inbox_id = '{inbox_id}'"
        assert {row[0] for row in self.router.rows(sql)} <= held

    def one_update_is_one_command(self) -> None:
        texts = [row[0] for row in self.router.rows("SELECT text FROM commands")]
        assert sorted(texts) == sorted(text for _, text, _ in self.updates.values())

    def nothing_is_sent_twice_on_one_stream(self) -> None:
        for wire in filter(None, [*self.stale, self.wire]):
            assert len(set(wire.sent)) == len(wire.sent)

    def doubt_has_a_cause(self) -> None:
        uncertain = {one for one, state in self._states().items() if state == "uncertain"}
        assert uncertain <= self.excused

    def the_counters_of_live_commands_are_right(self) -> None:
        live = Counter(
            row[0]
            for row in self.router.rows(
                "SELECT session_id, 1 FROM commands WHERE state IN ('queued', 'sent', 'received')"
            )
        )
        assert {row[0]: row[1] for row in self.router.rows("SELECT session_id, live FROM sessions") if row[1]} == live

    def teardown(self) -> None:
        """Let everything that was left go its way: then all of it has ended."""
        if hasattr(self, "router"):
            self._settle()
            assert not [one for one, state in self._states().items() if state in _LIVE]
            self.every_promise_holds()

    def _settle(self) -> None:
        for older in self.stale:
            older.lose()
        if self.wire is None or self.wire.closed:
            self.connect()
        for _ in range(SETTLED_WITHIN):
            if not [one for one, state in self._states().items() if state in _LIVE]:
                return
            self._settle_once(self.wire)

    def _settle_once(self, wire: Wire) -> None:
        while wire.up:
            self.bring_up(again=False)
        while wire.down:
            wire.bring_down()
        if self.agent.started:
            self.agent.finish()
        for command_id, session, _ in self.agent.waiting():
            if self.agent.start(command_id):
                self.typed.append((command_id, session))
                self.agent.finish()
        wire.report()
        self.time.passed += 1.0
        self._timers()


DeliveryMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=STEPS, derandomize=True)
TestDelivery = DeliveryMachine.TestCase


def test_a_sick_disk_is_told_from_a_sound_one() -> None:
    disk = Disk(router_disk(1))
    connection = disk.opened()
    disk.trouble = "locked"

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        connection.execute("BEGIN IMMEDIATE")
