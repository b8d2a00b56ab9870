"""What sessions do: kept once and in order, whatever is cut, and told to whoever watches, from then to now."""

from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import session_events_pb2 as events_pb
from agentlink.v1 import types_pb2 as types

from router.api.control import events
from router.domain import clock_steps, session_event
from router.link import flow
from router.services import events as service
from router.store import events as store
from tests.integration.router.harness import API_KEY, Caller, RouterUnderTest, config, serving
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.rigs.told_events import asked, kept, shown, tell, watching
from tests.waiting import wait_until


def test_what_a_session_does_is_kept_in_order_and_answered_with_how_far_it_is(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        assert tell(link, session, 1, "one", "two", cursor=b"here").acked_seq == 2
        assert tell(link, session, 3, "three", cursor=b"there").cursor == b"there"

    assert kept(router, session) == ["1 one", "2 two", "3 three"]
    [event] = [one.event for one in watching(router, session, after_seq=2, once=True)]
    assert (event.seq, event.generation, event.said.by) == (3, 1, events_pb.SPEAKER_ASSISTANT)


def test_what_comes_again_is_kept_once_and_behind_a_gap_nothing(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        tell(link, session, 1, "one", "two", cursor=b"a")

        again = tell(link, session, 2, "two", "three", cursor=b"b")
        old = tell(link, session, 1, "one", cursor=b"old")
        ahead = tell(link, session, 9, "nine", cursor=b"c")

    assert [(ack.acked_seq, ack.cursor) for ack in (again, old, ahead)] == [(3, b"b")] * 3
    assert kept(router, session) == ["1 one", "2 two", "3 three"]


def test_a_machine_asks_where_to_go_on_also_after_a_restart_of_the_router(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    fresh = router.session(agent)
    with agent.connected() as link:
        tell(link, session, 1, "one", cursor=b"here")
    router.restart()
    again = ThinAgent(router.address, agent.machine_id, agent.key)
    again.inbox_id, again.outbox_id, again.last_epoch = agent.inbox_id, agent.outbox_id, agent.last_epoch

    with again.connected() as link:
        known, unknown = asked(link, session, fresh)
        assert (known.acked_seq, known.cursor, unknown.acked_seq, unknown.cursor) == (1, b"here", 0, b"")
        tell(link, session, 2, "two")
    again.close()

    assert kept(router, session) == ["1 one", "2 two"]


def test_only_the_cursor_may_move(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        tell(link, session, 1, "one", cursor=b"a")

        assert tell(link, session, 2, cursor=b"b").cursor == b"b"
        assert asked(link, session)[0].cursor == b"b"
    assert kept(router, session) == ["1 one"]


def test_a_machine_tells_of_its_own_sessions_alone(router: RouterUnderTest, session: str) -> None:
    with router.machine().connected() as link:
        foreign = tell(link, session, 1, "not mine")
        unknown = tell(link, "nobody", 1, "words")

    assert foreign.reason == types.REASON_SESSION_OWNED_ELSEWHERE
    assert unknown.reason == types.REASON_SESSION_UNKNOWN
    assert kept(router, session) == []


def test_when_too_much_is_under_way_machines_are_told_to_come_again(
    router: RouterUnderTest, agent: ThinAgent, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with agent.connected() as link:
        monkeypatch.setattr(service, "MOST_WAITING", 1)
        full = tell(link, session, 1, "one")
        monkeypatch.setattr(service, "MOST_AT_ONCE", 0)
        [busy] = asked(link, session)
        monkeypatch.undo()

        assert (full.reason, busy.reason) == (types.REASON_BUSY, types.REASON_BUSY)
        assert tell(link, session, 1, "one").acked_seq == 1
    assert kept(router, session) == ["1 one"]


def test_a_machine_that_asks_about_much_is_read_more_slowly(
    router: RouterUnderTest, agent: ThinAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "RATE", 10.0)
    with agent.connected() as link:
        for _ in range(21):  # one more than a burst has room for
            link.frame(events_query=events_pb.EventsQuery(session_ids=["nobody"] * 256))
        link.frame(heartbeat=link_pb.Heartbeat(nonce=7))
        answers = [link.take("events_ack").reason for _ in range(20 * 256)]

        assert set(answers) == {types.REASON_SESSION_UNKNOWN}
        assert (link.waiting("events_ack"), link.waiting("heartbeat_ack")) == (0, 0)
        wait_until(lambda: is_heard_after(router, link, 10))


def is_heard_after(router: RouterUnderTest, link: ThinLink, seconds: float) -> bool:
    router.advance(seconds)
    return link.waiting("heartbeat_ack") > 0


def test_a_link_that_was_replaced_is_heard_no_more(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        tell(link, session, 1, "one")
        late = events_pb.SessionEvents(session_id=session, first_seq=2, events=[events_pb.SessionEvent()])
        link.frame(epoch=link.epoch - 1, session_events=late)
        link.heard()

    assert kept(router, session) == ["1 one"]


@pytest.mark.parametrize(
    "frame",
    [
        events_pb.SessionEvents(first_seq=1, events=[events_pb.SessionEvent()] * 257),
        events_pb.SessionEvents(first_seq=1, cursor=b"c" * 4097),
        events_pb.SessionEvents(first_seq=0),
        events_pb.SessionEvents(first_seq=1, events=[events_pb.SessionEvent(said=events_pb.Said(text="x" * 65_537))]),
    ],
    ids=["too many", "a long cursor", "no number", "a large one"],
)
def test_a_frame_that_is_too_large_is_refused_and_the_link_goes_on(
    agent: ThinAgent, session: str, frame: events_pb.SessionEvents
) -> None:
    frame.session_id = session
    with agent.connected() as link:
        link.frame(session_events=frame)

        assert link.take("frame_error").status.message
        assert tell(link, session, 1, "one").acked_seq == 1


def test_who_watches_gets_what_is_there_and_then_what_comes_without_a_seam(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        tell(link, session, 1, "one", "two")
        first, second = watching(router, session), watching(router, session, after_seq=1)
        seen = [shown(next(first).event), shown(next(first).event)]
        tell(link, session, 3, "three")
        seen.append(shown(next(first).event))

        assert seen == ["1 one", "2 two", "3 three"]
        assert [shown(next(second).event) for _ in range(2)] == ["2 two", "3 three"]
    first.cancel()
    second.cancel()


def test_the_newest_are_enough_where_so_many_are_asked_for(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        tell(link, session, 1, *map(str, range(1, 101)))

    assert kept(router, session, last=2) == ["99 99", "100 100"]
    assert len(kept(router, session)) == 100


def test_what_is_gone_is_told_as_a_gap(
    router: RouterUnderTest, agent: ThinAgent, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_KEPT", 3)
    monkeypatch.setattr(store, "SLAB", 2)
    with agent.connected() as link:
        tell(link, session, 1, "one", "two", "three", "four", "five")

    assert kept(router, session) == ["1-2 missing", "3 three", "4 four", "5 five"]
    assert kept(router, session, after_seq=1) == ["2-2 missing", "3 three", "4 four", "5 five"]


def test_of_all_sessions_together_the_oldest_go_first(
    router: RouterUnderTest, agent: ThinAgent, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = router.session(agent)
    monkeypatch.setattr(service, "MOST_BYTES", 2500)
    monkeypatch.setattr(store, "SLAB", 1)
    with agent.connected() as link:
        tell(link, session, 1, "x" * 1000)
        tell(link, other, 1, "y" * 1000)
        tell(link, session, 2, "z" * 1000)

    assert kept(router, session) == ["1-1 missing", f"2 {'z' * 1000}"]
    assert kept(router, other) == [f"1 {'y' * 1000}"]


def test_after_a_week_they_are_gone_and_their_numbers_go_on(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        tell(link, session, 1, "one", cursor=b"here")
        router.advance(session_event.KEPT + 2 * service.CLEAN_EVERY)
        wait_until(lambda: kept(router, session) == ["1-1 missing"])

    with agent.connected() as link:
        assert (asked(link, session)[0].acked_seq, asked(link, session)[0].cursor) == (1, b"here")
        tell(link, session, 2, "two")
    assert kept(router, session) == ["1-1 missing", "2 two"]


def test_a_clock_that_is_put_forward_takes_none_with_it(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        tell(link, session, 1, "one")
    router.stop()
    router.time.wall_step += 2 * session_event.KEPT
    router.start()
    router.advance(2 * service.CLEAN_EVERY)
    router.settle()
    after_the_step = kept(router, session)
    router.advance(clock_steps.HISTORY + 2 * service.CLEAN_EVERY)

    assert after_the_step == ["1 one"]
    wait_until(lambda: kept(router, session) == ["1-1 missing"])


def test_a_number_that_was_never_given_says_that_they_began_anew(router: RouterUnderTest, session: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        kept(router, session, after_seq=7)

    assert reason_of(refused.value) == "EVENTS_BEGAN_ANEW"


def test_a_damaged_file_is_begun_anew_and_keeps_no_router_from_starting(data_dir: Path) -> None:
    settings = config(data_dir)
    with serving(settings) as router:
        agent = router.machine()
        session = router.session(agent)
        with agent.connected() as link:
            tell(link, session, 1, "one")
    settings.events_path.write_bytes(b"no database" * 1000)

    with serving(settings) as router:
        assert kept(router, session) == []


def test_nobody_else_may_read_the_file(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        tell(link, session, 1, "one")
    files = list(router.config.data_dir.glob("events.db*"))

    assert len(files) == 3
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_file_that_cannot_be_made_leaves_the_rest_at_work(data_dir: Path) -> None:
    settings = config(data_dir)
    settings.events_path.mkdir(parents=True)

    with serving(settings) as router:
        agent = router.machine()
        session = router.session(agent)
        with agent.connected() as link:
            assert tell(link, session, 1, "one").reason == types.REASON_STORAGE_UNAVAILABLE
            assert router.send(session).state == types.COMMAND_STATE_SENT
        with pytest.raises(grpc.RpcError) as refused:
            kept(router, session)
    assert reason_of(refused.value) == "STORAGE_UNAVAILABLE"


def test_whoever_takes_nothing_is_cut_and_slows_nobody(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    # A window that does not grow: else gRPC makes it larger than all there is, where it measures a fast line.
    small = Caller(router.address, API_KEY, (("grpc.http2.bdp_probe", 0),))
    with agent.connected() as link, closing(small):
        for first in range(1, 201):
            tell(link, session, first, "x" * 30_000)
        slow = watching(small, session)
        got = [next(slow).event.seq]

        assert len(kept(router, session)) == 200
        wait_until(lambda: is_cut(router))
        cut = read_out(slow, got)

    assert reason_of(cut) == "WATCHER_TOO_SLOW"
    assert got == list(range(1, len(got) + 1))
    assert len(got) < 200
    assert len(kept(router, session, after_seq=got[-1])) == 200 - len(got)


def is_cut(router: RouterUnderTest) -> bool:
    """Whether nobody watches, after their time is over."""
    router.advance(events.PATIENCE + 1)
    return router.router.events.watchers == 0


def read_out(watcher: Any, into: list[int]) -> grpc.RpcError:
    """Read to its end, by which error."""
    try:
        into.extend(one.event.seq for one in watcher)
    except grpc.RpcError as error:
        return error
    raise AssertionError("it went on")
