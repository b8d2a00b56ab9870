"""What people and programs ask: repeats, limits, pages, waiting, watching."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Timer

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.let_in import let_follow
from tests.rigs.rpc_errors import reason_of, retry_after
from tests.rigs.thin_agent import ThinAgent

CHAT = types.ChatRef(transport="test", chat_id="1")


def listed(router: RouterUnderTest, **request: object) -> list[types.Command]:
    return list(router.control.ListCommands(pb.ListCommandsRequest(**request)).commands)  # type: ignore[arg-type]


def fill(router: RouterUnderTest, session_id: str, count: int) -> None:
    """Accept many commands, quickly: copies of one that went through the door."""
    columns = (
        "session_id, machine_id, generation, lane, kind, text, submit, source, actor, transport, chat_id, thread_id"
    )
    rest = "message_id, created_at, expires_at, has_ttl, state, reason, detail, attempt, charged, epoch, inbox_id"
    last = f"{rest}, redrive_of, dropped"
    first = router.send(session_id)
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
    router.write(
        lambda tx: tx.execute(
            f"{numbers} INSERT INTO commands (command_id, sequence, {columns}, {last})"
            f" SELECT command_id || i, i, {columns}, {last} FROM commands, n WHERE command_id = ?",
            (first.command_id,),
        )
    )
    router.write(lambda tx: tx.execute("UPDATE sessions SET live = ?, next_sequence = ?", (count, count + 1)))
    router.write(lambda tx: tx.memory.clear())  # nobody else writes these in life


def test_a_request_id_replays_the_first_answer(router: RouterUnderTest, session: str) -> None:
    first, again = (router.send(session, "once", request_id="r-1") for _ in range(2))

    assert first == again
    assert len(listed(router)) == 1


def test_a_request_id_is_remembered_across_the_commands_life(router: RouterUnderTest, session: str) -> None:
    first = router.send(session, "once", request_id="r-1")
    router.control.CancelCommand(pb.CancelCommandRequest(command_id=first.command_id))

    assert router.send(session, "once", request_id="r-1") == first


def test_a_request_id_is_not_for_another_request(router: RouterUnderTest, session: str) -> None:
    router.send(session, "this", request_id="r-1")

    with pytest.raises(grpc.RpcError) as refused:
        router.send(session, "that", request_id="r-1")

    assert refused.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert reason_of(refused.value) == "REQUEST_ID_REUSED"
    assert len(listed(router)) == 1


def test_a_refused_request_may_be_tried_again_under_its_id(router: RouterUnderTest, agent: ThinAgent) -> None:
    with pytest.raises(grpc.RpcError):
        router.send("s-later", request_id="r-1")
    router.control.RegisterSession(pb.RegisterSessionRequest(session_id="s-later", machine_id=agent.machine_id))

    assert router.send("s-later", request_id="r-1").session_id == "s-later"


def test_the_same_id_of_two_keys_is_two_requests(router: RouterUnderTest, session: str) -> None:
    other = router.caller(router.key(pb.ROLE_OPERATOR))
    action = types.Action(key=types.KeyPress(name="enter"))
    request = pb.SendCommandRequest(session_id=session, action=action, request_id="r-1")

    assert other.control.SendCommand(request) != router.control.SendCommand(request)


def test_ten_repeats_at_once_make_one_command(router: RouterUnderTest, session: str) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: router.send(session, "once", request_id="r-1").command_id, range(10)))

    assert len(set(answers)) == 1
    assert len(listed(router)) == 1


def test_a_request_id_has_a_limit(router: RouterUnderTest, session: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        router.send(session, request_id="r" * 129)

    assert reason_of(refused.value) == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("RegisterSession", pb.RegisterSessionRequest(session_id="s-1", machine_id="devbox", request_id="r")),
        ("UnregisterSession", pb.UnregisterSessionRequest(session_id="known", request_id="r")),
        ("Notify", pb.NotifyRequest(session_id="known", text="x", targets=[CHAT], request_id="r")),
    ],
    ids=["register", "unregister", "notify"],
)
def test_other_changes_are_replayed_too(router: RouterUnderTest, method: str, request_: object) -> None:
    router.machine("devbox")
    router.control.RegisterSession(pb.RegisterSessionRequest(session_id="known", machine_id="devbox"))
    let_follow(router.write, "known", CHAT)
    router.send("known")
    call = getattr(router.control, method)

    assert call(request_) == call(request_)


def test_a_session_takes_a_thousand_live_commands_and_no_more(router: RouterUnderTest, session: str) -> None:
    fill(router, session, 999)
    last = router.send(session, "the thousandth")

    with pytest.raises(grpc.RpcError) as refused:
        router.send(session, "one too many")

    assert last.sequence == 1_000
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reason_of(refused.value) == "QUEUE_FULL"
    assert retry_after(refused.value)
    assert listed(router, limit=1)[0].command_id == last.command_id


def test_an_end_makes_room_again(router: RouterUnderTest, session: str) -> None:
    fill(router, session, 1_000)
    newest = listed(router, limit=1)[0]
    router.control.CancelCommand(pb.CancelCommandRequest(command_id=newest.command_id))

    assert router.send(session).sequence == 1_001


def test_a_machine_takes_ten_thousand_live_commands_and_no_more(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    for number in range(10):
        request = pb.RegisterSessionRequest(session_id=f"full-{number}", machine_id=agent.machine_id)
        router.control.RegisterSession(request)
    router.write(lambda tx: tx.execute("UPDATE sessions SET live = 1000 WHERE session_id LIKE 'full-%'"))
    router.write(lambda tx: tx.memory.clear())

    with pytest.raises(grpc.RpcError, match=agent.machine_id) as refused:
        router.send(session)

    assert reason_of(refused.value) == "QUEUE_FULL"


@pytest.mark.parametrize(("size", "stored"), [(65_536, 1), (65_537, 0)])
def test_a_text_has_at_most_64_kib(router: RouterUnderTest, session: str, size: int, stored: int) -> None:
    action = types.Action(input=types.Input(text="x" * size))
    call = router.control.SendCommand.future(pb.SendCommandRequest(session_id=session, action=action))
    error = call.exception()

    assert reason_of(error) == "TOO_LARGE" if error else "stored"
    assert len(listed(router)) == stored


def test_a_text_is_measured_in_bytes(router: RouterUnderTest, session: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        router.send(session, "é" * 32_769)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(refused.value) == "TOO_LARGE"


@pytest.mark.parametrize("action", [types.Action(), types.Action(key=types.KeyPress(name="f13"))], ids=["none", "f13"])
def test_an_action_must_say_something(router: RouterUnderTest, session: str, action: types.Action) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        router.send(session, action=action)

    assert reason_of(refused.value) == "INVALID_ARGUMENT"


def test_bytes_that_are_no_request_are_the_callers_mistake(router: RouterUnderTest) -> None:
    with closing(grpc.insecure_channel(router.address)) as channel:
        call = channel.unary_unary("/agentlink.v1.Control/SendCommand")
        with pytest.raises(grpc.RpcError, match="SendCommandRequest") as refused:
            call(b"\xff\xff\xff", metadata=[("x-api-key", router.config.api_key)], timeout=10)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_caller_may_wait_for_the_end(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        command = router.send(session)
        link.commands(1)
        timer = Timer(0.05, link.result, (1, command.command_id))
        timer.start()
        ended = router.command(command.command_id, wait=10)
        timer.join()

    assert ended.state == types.COMMAND_STATE_DONE


def test_waiting_ends_with_its_time(router: RouterUnderTest, session: str) -> None:
    command = router.send(session)

    assert router.command(command.command_id, wait=0.05).state == types.COMMAND_STATE_QUEUED


def test_waiting_for_what_has_ended_takes_no_time(router: RouterUnderTest, session: str) -> None:
    command = router.send(session)
    router.control.CancelCommand(pb.CancelCommandRequest(command_id=command.command_id))

    assert router.command(command.command_id, wait=3_600).state == types.COMMAND_STATE_CANCELLED


def test_commands_are_listed_newest_first_and_in_pages(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    other = router.session(agent)
    ids = [router.send(target).command_id for target in (session, other, session, session)]
    first = listed(router, limit=2)
    second = listed(router, limit=2, before_command_id=first[-1].command_id)

    assert [command.command_id for command in (*first, *second)] == ids[::-1]
    assert [command.command_id for command in listed(router, session_id=other)] == [ids[1]]


def test_commands_are_listed_by_state(router: RouterUnderTest, session: str) -> None:
    router.send(session)
    gone = router.send(session)
    router.control.CancelCommand(pb.CancelCommandRequest(command_id=gone.command_id))

    found = listed(router, states=[types.COMMAND_STATE_CANCELLED, types.COMMAND_STATE_DEAD])

    assert [command.command_id for command in found] == [gone.command_id]


def test_a_trace_names_states_actors_and_the_request(router: RouterUnderTest, session: str) -> None:
    command = router.send(session, request_id="r-77")
    [step] = router.trace(command.command_id)

    assert (step.event, step.from_state, step.to_state) == ("Accepted", "", "QUEUED")
    assert step.actor
    assert "r-77" in step.detail


def test_a_trace_of_nothing_is_not_found(router: RouterUnderTest) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        router.trace("no-such-thing")

    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


def test_watching_shows_what_happens_from_now_on(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    router.send(session, "before")
    watch = router.watch(from_now_on=True)

    with agent.connected() as link:
        router.send(session, "after")
        frames = link.commands(2)
        link.receipt(*(frame.command_id for frame in frames))
        events = [next(watch).step.event for _ in range(6)]
    watch.cancel()

    assert sorted(events) == sorted(["Connected", "Sent", "Accepted", "Sent", "Stored", "Stored"])


def test_watching_shows_what_no_command_causes(router: RouterUnderTest, agent: ThinAgent) -> None:
    watch = router.watch(from_now_on=True)
    session_id = router.session(agent)
    event = next(watch)
    watch.cancel()

    assert (event.session_id, event.step.event) == (session_id, "Registered")


def test_watching_resumes_behind_an_event(router: RouterUnderTest, session: str) -> None:
    watch = router.watch(from_now_on=True)
    ids = [router.send(session, f"{n}").command_id for n in range(3)]
    first = next(watch)
    watch.cancel()

    again = router.watch(after_event_id=first.event_id)
    rest = [next(again).step.subject_id for _ in range(2)]
    again.cancel()

    assert first.step.subject_id == ids[0]
    assert rest == ids[1:]


def test_watching_one_session_shows_no_other(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    other = router.session(agent)
    watch = router.watch(session_id=session, from_now_on=True)
    router.send(other)
    mine = router.send(session)
    event = next(watch)
    watch.cancel()

    assert event.step.subject_id == mine.command_id


def test_watching_catches_up_with_more_than_a_page(router: RouterUnderTest, session: str) -> None:
    count = 450
    for n in range(count):
        router.send(session, f"{n}")
    watch = router.watch(session_id=session, after_event_id=1)
    ids = [next(watch).event_id for _ in range(count)]
    watch.cancel()

    assert ids == sorted(set(ids))


def test_figures_for_the_operator(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    router.send(session)
    router.advance(60)
    with agent.connected(max_in_flight=1) as link, router.courier("test", "1"):
        router.send(session)
        link.commands(1)
        router.notify(session, types.ChatRef(transport="away", chat_id="1"))
        figures = router.control.GetStats(pb.GetStatsRequest())

    assert figures.commands == {"QUEUED": 1, "SENT": 1, "DEAD": 0}
    assert figures.notifications == {"QUEUED": 1, "DEAD": 0}
    assert 60 <= figures.oldest_command_age.ToSeconds() < 120
    assert (figures.agent_links, figures.chat_links, figures.writable) == (1, 1, True)
    assert figures.commits > 0
    assert figures.wal_bytes > 0
    assert figures.version
