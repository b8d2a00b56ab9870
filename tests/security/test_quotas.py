"""One machine, or one key, fills what it can: it is refused beyond its share, and the others notice nothing of it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.domain.audit import AuditEvent
from router.domain.quotas import MIB, Quotas
from router.link.flow import MOST_UNWRITTEN, SLICE
from router.store import audit
from router.store.database import Transaction
from router.store.files import LEAST_COST, UNNAMED_FOR
from tests.integration.router.harness import LIMIT, RouterUnderTest, config, fresh, serving
from tests.integration.router.permissions.asking import OPTIONS, ask, respond
from tests.rigs.rpc_errors import reason_of
from tests.rigs.session_program import running
from tests.rigs.session_program import told as refused_as
from tests.rigs.thin_agent import ThinAgent, ThinLink, session
from tests.waiting import wait_until

SMALL = Quotas(sessions=3, messages=2, questions=2, machine_bytes=MIB, all_bytes=2 * MIB)
HALF = b"x" * (MIB // 2)
HOUR = 3600.0


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir, quotas=SMALL)) as router:
        yield router


@pytest.fixture
def crowd(router: RouterUnderTest) -> ThinAgent:
    return router.machine("crowd")


@pytest.fixture
def other(router: RouterUnderTest) -> ThinAgent:
    return router.machine("other")


def of(router: RouterUnderTest, machine: ThinAgent) -> list[str]:
    """The sessions that a machine has."""
    request = pb.ListSessionsRequest(machine_id=machine.machine_id)
    return [each.session_id for each in router.control.ListSessions(request).sessions]


def rejected(link: ThinLink, seq: int) -> str:
    """Why a frame of this number was refused."""
    [rejection] = link.acked(seq).rejected
    return types.Reason.Name(rejection.reason)


@contextmanager
def busy_disk(router: RouterUnderTest) -> Iterator[None]:
    """Nothing is written while the block runs: whatever comes gathers behind it."""
    begun, over = threading.Event(), threading.Event()

    def keep_waiting(_tx: Transaction) -> None:
        begun.set()
        over.wait(LIMIT)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(router.write, keep_waiting)
        begun.wait(LIMIT)
        try:
            yield
        finally:
            over.set()
            writing.result()


def gathered(router: RouterUnderTest) -> int:
    """How many operations wait for the disk."""
    return len(router.router.database._lanes)


def step(router: RouterUnderTest, subject_id: str) -> int:
    """The number of the first step of something, over all that happened."""
    found = "SELECT MIN(step_id) FROM steps WHERE subject_id = ?"
    return int(router.read(lambda c: c.execute(found, (subject_id,)).fetchone())[0])


def test_a_command_of_others_is_accepted_between_the_slices_of_a_huge_hello(data_dir: Path) -> None:
    with serving(config(data_dir)) as router:
        crowd, theirs = router.machine(), router.session(router.machine())
        many = [session(fresh("many")) for _ in range(10 * SLICE)]
        with ThreadPoolExecutor(1) as pool:
            with busy_disk(router):
                link = crowd.dial(sessions=many)
                wait_until(lambda: gathered(router) == 1)
                sending = pool.submit(router.send, theirs)
                wait_until(lambda: gathered(router) == 2)
            command = sending.result()
        link.welcome()
        link.heard()
        accepted = step(router, command.command_id)
        reported = step(router, many[-1].session_id)
        link.goodbye()

    assert accepted < reported


def test_a_machine_sends_only_so_much_ahead_of_the_disk_and_loses_nothing_by_it(
    router: RouterUnderTest, crowd: ThinAgent, other: ThinAgent
) -> None:
    many = 3 * MOST_UNWRITTEN
    with other.connected() as quiet, crowd.connected(sessions=[session("s1")]) as link:
        with busy_disk(router):
            for number in range(1, many + 1):
                link.frame(session_update=session("s1", upstream_seq=number, label=f"label {number}"))
            link.frame(heartbeat=link_pb.Heartbeat(nonce=7))
            wait_until(lambda: gathered(router) >= MOST_UNWRITTEN)
            quiet.heard()
            assert gathered(router) == MOST_UNWRITTEN
            assert link.waiting("heartbeat_ack") == 0  # the router reads no more of it
        assert link.acked(many).rejected == []
        assert link.take("heartbeat_ack").nonce == 7


def test_a_machine_has_only_so_many_sessions_that_live(
    router: RouterUnderTest, crowd: ThinAgent, other: ThinAgent
) -> None:
    with crowd.connected(sessions=[session(f"c{number}") for number in range(6)]) as link:
        error = link.take("frame_error")
        link.frame(session_update=session("late", upstream_seq=1))
        late = rejected(link, 1)
        link.frame(session_update=session("c0", upstream_seq=2, label="known ones are heard"))
        link.acked(2)
        link.frame(session_closed=link_pb.SessionClosed(upstream_seq=3, session_id="c0", generation=1))
        link.frame(session_update=session("next", upstream_seq=4))
        assert link.acked(4).rejected == []
        assert link.waiting("frame_error") == 0  # one word for all three
    with other.connected(sessions=[session("theirs")]):
        assert of(router, other) == ["theirs"]

    assert (error.about, error.status.message.partition(".")[0]) == ("c3", "Machine crowd has 3 sessions that live")
    assert late == "REASON_QUOTA_SESSIONS"
    assert sorted(of(router, crowd)) == ["c1", "c2", "next"]


def told(link: ThinLink, seq: int, session_id: str) -> None:
    link.frame(notify=link_pb.Notify(upstream_seq=seq, notification_id=fresh("n"), session_id=session_id, text="done"))


def test_only_so_many_messages_of_a_machine_wait_for_people(
    router: RouterUnderTest, crowd: ThinAgent, other: ThinAgent
) -> None:
    mine, theirs = router.session(crowd), router.session(other)
    with router.courier("test", "1") as courier:
        courier.connected()
    with crowd.connected() as link, other.connected() as quiet:
        for number in (1, 2):
            told(link, number, mine)
            assert link.acked(number).rejected == []
        told(link, 3, mine)
        assert rejected(link, 3) == "REASON_QUOTA_MESSAGES"
        told(quiet, 1, theirs)
        assert quiet.acked(1).rejected == []
        with router.courier("test", "1") as courier:  # who takes what waits makes room
            courier.connected()
            courier.brought("1")
            told(link, 4, mine)
            assert link.acked(4).rejected == []


def test_only_so_many_messages_of_a_key_wait_for_people(router: RouterUnderTest, crowd: ThinAgent) -> None:
    mine = router.session(crowd)
    with router.courier("test", "1") as courier:
        courier.connected()
    script = router.caller(router.key(pb.ROLE_OPERATOR))
    request = pb.NotifyRequest(session_id=mine, text="done")
    for _ in range(SMALL.messages):
        script.control.Notify(request)

    with pytest.raises(grpc.RpcError) as refused:
        script.control.Notify(request)

    assert (refused.value.code(), reason_of(refused.value)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_MESSAGES")
    router.control.Notify(request)  # of another key


def test_the_programs_of_its_sessions_use_up_their_machines_share(router: RouterUnderTest) -> None:
    with router.courier("test", "1") as courier:
        courier.connected()
    with running(router) as program:
        for _ in range(SMALL.messages):
            program.doors.Notify(pb.NotifyRequest(session_id=program.own, text="done"))
        sibling = program.showing(program.machine.worker_token(program.sibling))

        refused = refused_as(lambda: sibling.Notify(pb.NotifyRequest(session_id=program.sibling, text="done")))

    assert refused == "QUOTA_MESSAGES"


def test_only_so_many_questions_of_a_machine_are_open(
    router: RouterUnderTest, crowd: ThinAgent, other: ThinAgent
) -> None:
    mine, theirs = router.session(crowd), router.session(other)
    with crowd.connected() as link, other.connected() as quiet:
        first = ask(link, mine, seq=1)
        ask(link, mine, seq=2)
        third = {"permission_id": "third", "session_id": mine, "tool": "Bash", "input": "x", "input_digest": "d1"}
        wanted = link_pb.PermissionRequest(
            **third, expires_in={"seconds": 60}, options=OPTIONS, kind=types.PERMISSION_KIND_TOOL
        )
        wanted.upstream_seq = 3
        link.frame(permission_request=wanted)
        assert rejected(link, 3) == "REASON_QUOTA_MESSAGES"
        ask(quiet, theirs, seq=1)
        respond(router, first)
        wanted.upstream_seq = 4
        link.frame(permission_request=wanted)
        assert link.acked(4).rejected == []


def test_only_so_many_bytes_of_a_machine_wait_for_what_names_them(
    router: RouterUnderTest, crowd: ThinAgent, other: ThinAgent
) -> None:
    mine = router.session(crowd)
    with router.courier("test", "1") as courier:
        courier.connected()
    crowd.put_part("f1", 0, HALF)
    crowd.put_part("f2", 0, HALF)
    crowd.put_part("f2", 0, HALF)  # again, as its answer was lost: it counts once

    assert refused_as(lambda: crowd.put_part("f3", 0, b"x")) == "QUOTA_FILES"
    assert refused_as(lambda: crowd.put_part("f1", 1, b"x")) == "QUOTA_FILES"
    assert other.put_part("f1", 0, HALF) == 1
    crowd.notify("n1", mine, "the plot", types.NotificationFile(file_id="f1", name="plot.png", size=len(HALF)))
    assert crowd.put_part("f3", 0, HALF) == 1


def test_small_parts_count_as_what_they_cost(crowd: ThinAgent) -> None:
    for number in range(MIB // LEAST_COST):
        crowd.put_part(f"tiny-{number}", 0, b"x")

    assert refused_as(lambda: crowd.put_part("one-more", 0, b"x")) == "QUOTA_FILES"


def test_a_part_that_grows_counts_as_what_it_is(crowd: ThinAgent) -> None:
    for number in range(3):
        crowd.put_part("grows", number, b"x")
    crowd.put_part("grows", 0, HALF)

    assert refused_as(lambda: crowd.put_part("grows", 1, HALF)) == "QUOTA_FILES"


def test_all_together_may_have_only_so_many_bytes_and_those_of_hours_ago_make_room(router: RouterUnderTest) -> None:
    for _ in range(2):
        machine = router.machine()
        machine.put_part("f1", 0, HALF)
        machine.put_part("f2", 0, HALF)
    last = router.machine()

    assert refused_as(lambda: last.put_part("f1", 0, b"x")) == "QUOTA_FILES"
    router.advance(UNNAMED_FOR + HOUR)
    wait_until(lambda: router.read(lambda c: c.execute("SELECT COUNT(*) FROM file_parts").fetchone()) == (0,))
    assert last.put_part("f1", 0, HALF) == 1


def test_only_so_many_bytes_of_a_key_wait_for_what_names_them(router: RouterUnderTest, crowd: ThinAgent) -> None:
    mine = router.session(crowd)
    door = router.caller(router.key(pb.ROLE_CHAT)).chat

    def put(file_id: str) -> None:
        door.PutPart(chat_pb.PutSubmitPartRequest(file_id=file_id, number=0, data=HALF))

    put("d1")
    put("d2")
    assert refused_as(lambda: put("d3")) == "QUOTA_FILES"
    file = types.FileInput(file_id="d1", name="plan.pdf", size=len(HALF))
    asked = chat_pb.SubmitRequest(
        update_key="u1", chat={"transport": "test", "chat_id": "1"}, session_id=mine, file=file
    )
    assert door.Submit(asked).command_id
    put("d3")


def test_a_file_that_is_named_stays_for_whoever_it_is_for(router: RouterUnderTest, crowd: ThinAgent) -> None:
    mine = router.session(crowd)
    with router.courier("test", "1") as courier:
        courier.connected()
    crowd.put_part("kept", 0, b"abc")
    crowd.put_part("left", 0, b"abc")
    crowd.notify("n1", mine, "the plot", types.NotificationFile(file_id="kept", name="plot.png", size=3))
    crowd.put_part("kept", 0, b"abc")  # once more, late

    router.advance(UNNAMED_FOR + HOUR)
    wait_until(lambda: crowd.put_part("left") == 0)

    assert crowd.put_part("kept") == 1


def test_who_is_refused_for_a_quota_stands_in_the_audit(router: RouterUnderTest, crowd: ThinAgent) -> None:
    with crowd.connected(sessions=[session(f"c{number}") for number in range(4)]) as link:
        link.take("frame_error")
    entries = wait_until(
        lambda: [
            each
            for each in router.read(lambda c: audit.after(c, 0, 0.0, 100))
            if each.event == AuditEvent.REFUSED.value
        ]
    )

    assert [(each.identity, each.detail) for each in entries] == [("crowd", "QUOTA_SESSIONS")]
