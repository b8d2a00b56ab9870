"""Whose a session is, where it moves, and what becomes of what waits for it."""

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from agentlink.v1.agent_link_pb2 import SessionClosed

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, ids, session
from tests.waiting import wait_until

UUID = "0192f0c1-8a3b-7c4d-9e5f-001122334455"


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    return router.machine("devbox")


def listed(router: RouterUnderTest, **request: object) -> dict[str, types.Session]:
    sessions = router.control.ListSessions(pb.ListSessionsRequest(**request)).sessions  # type: ignore[arg-type]
    return {one.session_id: one for one in sessions}


def registered(router: RouterUnderTest, session_id: str, machine_id: str, label: str = "") -> types.Session:
    request = pb.RegisterSessionRequest(session_id=session_id, machine_id=machine_id, label=label)
    return router.control.RegisterSession(request).session


def unregistered(router: RouterUnderTest, session_id: str) -> int:
    return router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=session_id)).dead_commands


def test_hello_tells_all_sessions(router: RouterUnderTest, agent: ThinAgent) -> None:
    told = session("s-1", generation=3, label="api", backend="tmux", cwd="/src", state=types.SESSION_STATE_BUSY)

    with agent.connected(sessions=[told]):
        known = listed(router)["s-1"]

    assert (known.machine_id, known.label, known.backend, known.cwd) == ("devbox", "api", "tmux", "/src")
    assert (known.state, known.generation, known.connected) == (types.SESSION_STATE_BUSY, 3, True)


def test_a_session_begins_changes_and_ends_on_its_link(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected() as link:
        link.frame(session_update=session("s-1", upstream_seq=1))
        link.frame(session_update=session("s-1", upstream_seq=2, label="renamed", generation=2))
        link.acked(2)
        changed = listed(router)["s-1"]
        link.frame(session_closed=SessionClosed(upstream_seq=3, session_id="s-1", generation=2))
        link.acked(3)

    assert (changed.label, changed.generation) == ("renamed", 2)
    assert listed(router) == {}
    assert listed(router, include_ended=True)["s-1"].state == types.SESSION_STATE_ENDED


def test_what_a_session_waits_for_is_kept_until_it_changes(router: RouterUnderTest, agent: ThinAgent) -> None:
    waits = {"state": types.SESSION_STATE_WAITING, "waiting_for": "permission prompt"}
    with agent.connected() as link:
        link.frame(session_update=session("s-1", upstream_seq=1, **waits))
        link.acked(1)
        waiting = listed(router)["s-1"]
        chat = types.ChatRef(transport="test", chat_id="1", message_id="10")
        shown = router.submit(chat, "/sessions").answer
        link.frame(session_update=session("s-1", upstream_seq=2, state=types.SESSION_STATE_BUSY))
        link.acked(2)
        busy = listed(router)["s-1"]

    assert (waiting.state, waiting.waiting_for) == (types.SESSION_STATE_WAITING, "permission prompt")
    assert "waits for you: permission prompt" in shown
    assert (busy.state, busy.waiting_for) == (types.SESSION_STATE_BUSY, "")


def test_the_end_of_an_older_generation_does_not_end_a_session(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected(sessions=[session("s-1", generation=2)]) as link:
        link.frame(session_closed=SessionClosed(upstream_seq=1, session_id="s-1", generation=1))
        link.acked(1)

    assert "s-1" in listed(router)


def test_commands_carry_the_generation_they_were_written_for(router: RouterUnderTest, agent: ThinAgent) -> None:
    registered(router, "s-1", "devbox")
    with agent.connected(sessions=[session("s-1", generation=1)]):
        pass
    router.send("s-1", "for the first")

    with agent.connected(sessions=[session("s-1", generation=2)]) as link:
        router.send("s-1", "for the second")
        generations = [frame.generation for frame in link.commands(2)]

    assert generations == [1, 2]


def test_a_command_for_an_unknown_session_is_refused(router: RouterUnderTest) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        router.send("nobody")

    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert reason_of(refused.value) == "SESSION_UNKNOWN"


@pytest.mark.usefixtures("agent")
def test_a_command_for_an_ended_session_is_refused(router: RouterUnderTest) -> None:
    registered(router, "s-1", "devbox")
    unregistered(router, "s-1")

    with pytest.raises(grpc.RpcError) as refused:
        router.send("s-1")

    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert reason_of(refused.value) == "SESSION_ENDED"


@pytest.mark.usefixtures("agent")
def test_what_waits_for_a_session_that_ends_becomes_dead_letters(router: RouterUnderTest) -> None:
    registered(router, "s-1", "devbox")
    waiting = [router.send("s-1", f"{n}").command_id for n in range(3)]

    assert unregistered(router, "s-1") == 3

    dead = [router.command(command_id) for command_id in waiting]
    assert {command.state for command in dead} == {types.COMMAND_STATE_DEAD}
    assert {command.reason for command in dead} == {types.REASON_SESSION_ENDED}
    assert unregistered(router, "s-1") == 0


def test_a_session_closed_by_its_machine_leaves_dead_letters_too(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected(sessions=[session("s-1")], max_in_flight=1) as link:
        sent, waiting = router.send("s-1", "1"), router.send("s-1", "2")
        link.commands(1)
        link.frame(session_closed=SessionClosed(upstream_seq=1, session_id="s-1", generation=1))
        link.acked(1)

        assert router.command(sent.command_id).state == types.COMMAND_STATE_SENT
        assert router.command(waiting.command_id).reason == types.REASON_SESSION_ENDED


@pytest.mark.usefixtures("agent")
def test_a_live_session_of_another_machine_is_not_taken_over(router: RouterUnderTest) -> None:
    registered(router, "s-1", "devbox")

    with router.machine("laptop").connected() as link:
        link.frame(session_update=session("s-1", upstream_seq=1))
        [rejection] = link.acked(1).rejected

    assert (rejection.upstream_seq, rejection.reason) == (1, types.REASON_SESSION_OWNED_ELSEWHERE)
    assert listed(router)["s-1"].machine_id == "devbox"


@pytest.mark.usefixtures("agent")
def test_hello_takes_over_nothing_either(router: RouterUnderTest) -> None:
    registered(router, "s-1", "devbox")

    with router.machine("laptop").connected(sessions=[session("s-1"), session("s-2")]):
        owners = {name: one.machine_id for name, one in listed(router).items()}

    assert owners == {"s-1": "devbox", "s-2": "laptop"}


@pytest.mark.usefixtures("agent")
def test_another_machine_does_not_end_a_session(router: RouterUnderTest) -> None:
    registered(router, "s-1", "devbox")

    with router.machine("laptop").connected() as link:
        link.frame(session_closed=SessionClosed(upstream_seq=1, session_id="s-1", generation=9))
        link.acked(1)

    assert "s-1" in listed(router)


@pytest.mark.usefixtures("agent")
def test_a_session_moves_when_its_machine_was_put_out(router: RouterUnderTest) -> None:
    registered(router, "s-1", "devbox")
    router.control.RevokeMachine(pb.RevokeMachineRequest(machine_id="devbox"))

    with router.machine("laptop").connected() as link:
        link.frame(session_update=session("s-1", upstream_seq=1))
        ack = link.acked(1)

    assert not ack.rejected
    assert listed(router)["s-1"].machine_id == "laptop"


@pytest.mark.usefixtures("agent")
def test_an_operator_moves_a_session_and_what_waits_for_it_goes_along(router: RouterUnderTest) -> None:
    registered(router, "s-1", "devbox", "api")
    waiting = [router.send("s-1", f"{n}") for n in range(2)]

    with router.machine("laptop").connected() as link:
        moved = registered(router, "s-1", "laptop")
        later = router.send("s-1", "later")
        frames = link.commands(3)

    assert (moved.machine_id, moved.label, moved.connected) == ("laptop", "api", True)
    assert ids(frames) == [command.command_id for command in (*waiting, later)]
    assert [frame.sequence for frame in frames] == [1, 2, 3]


def test_what_may_have_been_typed_already_does_not_move(router: RouterUnderTest, agent: ThinAgent) -> None:
    registered(router, "s-1", "devbox")
    with agent.connected() as link:
        perhaps = router.send("s-1", "perhaps typed")
        link.commands(1)
    wait_until(lambda: router.command(perhaps.command_id).state == types.COMMAND_STATE_QUEUED)

    with router.machine("laptop").connected() as link:
        registered(router, "s-1", "laptop")
        later = router.send("s-1", "later")
        frames = link.commands(1)

    assert ids(frames) == [later.command_id]
    with agent.connected() as link:
        assert ids(link.commands(1)) == [perhaps.command_id]


def test_a_session_is_registered_on_an_enrolled_machine_only(router: RouterUnderTest) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        registered(router, "s-1", "nobody")

    assert reason_of(refused.value) == "NOT_FOUND"


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"session_id": ""}, "INVALID_ARGUMENT"),
        ({"session_id": "a b"}, "INVALID_ARGUMENT"),
        ({"session_id": "x" * 129}, "INVALID_ARGUMENT"),
        ({"label": "x" * 201}, "TOO_LARGE"),
    ],
    ids=["no id", "space", "long id", "long label"],
)
@pytest.mark.usefixtures("agent")
def test_ids_and_labels_have_limits(router: RouterUnderTest, request_: dict[str, str], reason: str) -> None:
    whole = {"session_id": "s-1", "machine_id": "devbox"} | request_

    with pytest.raises(grpc.RpcError) as refused:
        router.control.RegisterSession(pb.RegisterSessionRequest(**whole))

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(refused.value) == reason


@pytest.mark.parametrize("dressed", [UUID, f"session_{UUID}", f"cse_{UUID}", f"session_{UUID.upper()}"])
@pytest.mark.usefixtures("agent")
def test_dress_makes_no_other_session(router: RouterUnderTest, dressed: str) -> None:
    registered(router, f"cse_{UUID}", "devbox")

    assert registered(router, dressed, "devbox", "same").session_id == f"cse_{UUID}"
    assert router.send(dressed).session_id == f"cse_{UUID}"
    assert list(listed(router)) == [f"cse_{UUID}"]


@pytest.mark.usefixtures("agent")
def test_sessions_are_listed_in_the_order_of_registration_and_by_machine(router: RouterUnderTest) -> None:
    router.machine("laptop")
    for session_id, machine_id in (("z", "devbox"), ("a", "laptop"), ("m", "devbox")):
        registered(router, session_id, machine_id)

    assert list(listed(router)) == ["z", "a", "m"]
    assert list(listed(router, machine_id="devbox")) == ["z", "m"]


def test_of_two_sessions_of_one_name_each_says_what_tells_it_apart(router: RouterUnderTest, agent: ThinAgent) -> None:
    named = [session(f"s-{number}", label="claude", cwd="/src/api") for number in (1, 2, 3)]
    with agent.connected(sessions=[*named, session("s-4", label="docs")]):
        router.send("s-1", "fix\nthe failing test")
        router.send("s-2", "review the change")
        router.send("s-2", "and go on")

    assert [one.distinction for one in listed(router).values()] == ["fix the failing test", "review the change", "", ""]
