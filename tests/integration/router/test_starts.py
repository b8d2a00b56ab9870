"""Sessions started and ended from afar, as the router sees them: one command each, and the session follows it."""

from collections.abc import Iterator

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.rigs.thin_agent import session as update
from tests.rigs.thin_courier import ThinCourier

HERE = types.ChatRef(transport="test", chat_id="1", message_id="10")
TALK = "11111111-2222-3333-4444-555555555555"
REFUSED = {
    "outcome": link_pb.RESULT_OUTCOME_FAILED,
    "reason": types.REASON_FOLDER_NOT_ALLOWED,
    "detail": "allowed are: ~/src",
}


@pytest.fixture
def courier(router: RouterUnderTest) -> Iterator[ThinCourier]:
    with router.courier("test", "1") as courier:
        yield courier.connected()


@pytest.fixture
def link(agent: ThinAgent) -> Iterator[ThinLink]:
    with agent.connected() as link:
        yield link


def start(router: RouterUnderTest, prompt: str = "go", **request: object) -> pb.StartSessionResponse:
    return router.control.StartSession(pb.StartSessionRequest(prompt=prompt, **request))  # type: ignore[arg-type]


def stop(router: RouterUnderTest, session_id: str) -> types.Command:
    return router.control.StopSession(pb.StopSessionRequest(session_id=session_id)).command


def session(router: RouterUnderTest, session_id: str) -> types.Session:
    listed = router.control.ListSessions(pb.ListSessionsRequest(include_ended=True)).sessions
    return next(one for one in listed if one.session_id == session_id)


def begin(link: ThinLink, seq: int = 1) -> link_pb.CommandFrame:
    """Take the next start and carry it out, as an agent does."""
    [frame] = link.commands(1)
    link.receipt(frame.command_id)
    link.frame(session_update=update(frame.session_id, upstream_seq=seq, label="api", backend="headless"))
    link.result(seq + 1, frame.command_id)
    link.acked(seq + 1)
    return frame


def test_a_start_is_the_first_command_of_a_session_that_waits_for_it(
    router: RouterUnderTest, agent: ThinAgent, link: ThinLink
) -> None:
    started = start(router, "fix it", folder="~/src/api", conversation_id=TALK)

    assert (started.session.state, started.session.label) == (types.SESSION_STATE_STARTING, "api")
    assert (started.session.machine_id, started.command.sequence) == (agent.machine_id, 1)
    frame = begin(link)
    assert (frame.command_id, frame.session_id) == (started.command.command_id, started.session.session_id)
    assert (frame.generation, frame.lane) == (1, types.LANE_NORMAL)
    wanted = frame.action.start_session
    assert (wanted.prompt, wanted.folder, wanted.conversation_id) == ("fix it", "~/src/api", TALK)
    assert router.command(frame.command_id).state == types.COMMAND_STATE_DONE
    assert session(router, frame.session_id).state == types.SESSION_STATE_IDLE


def test_another_coding_agent_is_asked_for_where_it_is(router: RouterUnderTest, agent: ThinAgent) -> None:
    have = [types.ProgramVersion(name=name, version="1") for name in ("claude", "gemini")]
    abilities = ["text", "start"]
    with agent.connected(capabilities=abilities, programs=have) as link:
        with pytest.raises(grpc.RpcError) as refused:
            start(router, agent="opencode")
        started = start(router, "fix it", agent="gemini", folder="~/src/api")
        [frame] = link.commands(1)
        router.submit(HERE, "/new gemini api/ and this")
        [second] = link.commands(1)

    assert reason_of(refused.value) == "UNSUPPORTED"
    assert (frame.command_id, frame.action.start_session.agent) == (started.command.command_id, "gemini")
    wanted = second.action.start_session
    assert (wanted.agent, wanted.folder, wanted.prompt) == ("gemini", "api/", "and this")


def test_a_policy_of_programs_holds_for_each_of_them(router: RouterUnderTest, agent: ThinAgent) -> None:
    have = [types.ProgramVersion(name=name, version="1") for name in ("claude", "gemini")]
    policy = types.MachinePolicy(programs=["claude"])
    router.control.SetMachinePolicy(pb.SetMachinePolicyRequest(machine_id=agent.machine_id, policy=policy))
    with agent.connected(capabilities=["text", "start"], programs=have):
        with pytest.raises(grpc.RpcError) as refused:
            start(router, agent="gemini")
        allowed = start(router, agent="claude")

    assert reason_of(refused.value) == "PROGRAM_NOT_ALLOWED"
    assert allowed.command.state


def test_a_machine_that_says_done_and_no_more_has_the_session(router: RouterUnderTest, link: ThinLink) -> None:
    started = start(router)
    [frame] = link.commands(1)
    link.result(1, frame.command_id)
    link.acked(1)

    assert session(router, started.session.session_id).state == types.SESSION_STATE_UNSPECIFIED


def test_a_start_waits_for_a_machine_that_is_away_and_texts_wait_behind_it(
    router: RouterUnderTest, agent: ThinAgent
) -> None:
    started = start(router)
    router.send(started.session.session_id, "and then this")
    with agent.connected() as link:
        first, second = link.commands(2)

    assert (first.action.WhichOneof("kind"), first.sequence) == ("start_session", 1)
    assert (second.action.input.text, second.sequence, second.generation) == ("and then this", 2, 1)


def test_the_same_request_starts_one_session(router: RouterUnderTest, agent: ThinAgent) -> None:
    first, second = (start(router, machine_id=agent.machine_id, request_id="once") for _ in range(2))

    assert first == second
    assert len(router.control.ListSessions(pb.ListSessionsRequest()).sessions) == 1


def test_a_start_that_fails_ends_its_session_and_what_waits_for_it(router: RouterUnderTest, agent: ThinAgent) -> None:
    started = start(router)
    with agent.connected(max_in_flight=1) as link:
        waiting = router.send(started.session.session_id, "and then this")
        [frame] = link.commands(1)
        link.result(1, frame.command_id, **REFUSED)
        link.acked(1)
    late = router.command(waiting.command_id)

    assert session(router, started.session.session_id).state == types.SESSION_STATE_ENDED
    assert router.command(frame.command_id).reason == types.REASON_FOLDER_NOT_ALLOWED
    assert (late.state, late.reason) == (types.COMMAND_STATE_DEAD, types.REASON_SESSION_ENDED)
    assert router.events(started.session.session_id) == ["Requested", "Ended"]


def test_a_start_that_nobody_took_in_time_ends_its_session(router: RouterUnderTest, agent: ThinAgent) -> None:
    started = start(router, machine_id=agent.machine_id)
    router.advance(24 * 3600 + 1)

    dead = router.command(started.command.command_id, wait=10)

    assert (dead.state, dead.reason) == (types.COMMAND_STATE_DEAD, types.REASON_TOO_OLD)
    assert session(router, started.session.session_id).state == types.SESSION_STATE_ENDED


@pytest.mark.parametrize(
    ("request_fields", "code"),
    [
        ({"prompt": ""}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"machine_id": "nowhere"}, grpc.StatusCode.NOT_FOUND),
        ({"prompt": "x" * 65537}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"ttl": {"seconds": -1}}, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
@pytest.mark.usefixtures("agent")
def test_a_start_that_cannot_be_leaves_no_session(
    router: RouterUnderTest, request_fields: dict[str, object], code: grpc.StatusCode
) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        start(router, **{"prompt": "go"} | request_fields)  # type: ignore[arg-type]

    assert refused.value.code() is code
    assert not router.control.ListSessions(pb.ListSessionsRequest(include_ended=True)).sessions


def test_a_session_that_has_not_begun_is_taken_back(router: RouterUnderTest, agent: ThinAgent) -> None:
    started = start(router, machine_id=agent.machine_id)
    taken_back = stop(router, started.session.session_id)

    assert (taken_back.command_id, taken_back.state) == (started.command.command_id, types.COMMAND_STATE_CANCELLED)
    assert session(router, started.session.session_id).state == types.SESSION_STATE_ENDED
    with pytest.raises(grpc.RpcError) as refused:
        stop(router, started.session.session_id)
    assert reason_of(refused.value) == "SESSION_ENDED"


def test_a_session_whose_start_is_under_way_is_asked_back(router: RouterUnderTest, link: ThinLink) -> None:
    started = start(router)
    [frame] = link.commands(1)

    asked = stop(router, started.session.session_id)

    assert asked.state == types.COMMAND_STATE_SENT
    assert link.take("cancel").command_id == frame.command_id


def test_a_stop_overtakes_texts_and_the_machine_ends_the_session(router: RouterUnderTest, link: ThinLink) -> None:
    session_id = start(router).session.session_id
    begin(link)

    asked = stop(router, session_id)
    [frame] = link.commands(1)
    link.frame(session_closed=link_pb.SessionClosed(upstream_seq=3, session_id=session_id, generation=1))
    link.result(4, frame.command_id)
    link.acked(4)

    assert (frame.lane, frame.action.WhichOneof("kind")) == (types.LANE_URGENT, "stop_session")
    assert router.command(asked.command_id).state == types.COMMAND_STATE_DONE
    assert session(router, session_id).state == types.SESSION_STATE_ENDED


def test_starts_and_stops_are_not_sent_as_plain_commands(router: RouterUnderTest, session: str) -> None:
    for action in (
        types.Action(start_session=types.StartSession(prompt="go")),
        types.Action(stop_session=types.StopSession()),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            router.control.SendCommand(pb.SendCommandRequest(session_id=session, action=action))
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_new_in_a_chat_answers_with_the_session_which_a_reply_reaches(
    router: RouterUnderTest, link: ThinLink, courier: ThinCourier
) -> None:
    router.submit(HERE, "/new fix it")
    starting = courier.brought("500")
    begin(link)
    router.reported(started := courier.brought("500"))
    router.submit(HERE, "and then this", reply_to_message_id="500")
    [frame] = link.commands(1)

    assert starting.notification.text == f"🚀 Starting on {starting.machine_id}…"
    assert started.edit_message_ids == ["500"]
    assert started.notification.text.startswith("🚀 Started api on")
    assert (frame.session_id, frame.action.input.text) == (started.notification.session_id, "and then this")


def test_a_start_that_failed_is_told_with_a_button_that_starts_again(
    router: RouterUnderTest, link: ThinLink, courier: ThinCourier
) -> None:
    router.submit(HERE, "/new /etc/ fix it")
    courier.brought("500")
    [frame] = link.commands(1)
    link.result(1, frame.command_id, **REFUSED)
    courier.brought("500")
    told = courier.brought("501")
    [retry] = [one.action for one in told.notification.buttons if "Retry" in one.label]
    router.submit(HERE, button={"data": f"cmd:{told.notification.token}:{retry}"})
    [again] = link.commands(1)

    assert "no session may start there (allowed are: ~/src)" in told.notification.text
    assert again.session_id != frame.session_id
    assert again.action == frame.action
    assert session(router, again.session_id).state == types.SESSION_STATE_STARTING


def test_a_start_in_doubt_whose_session_lives_is_repeated_as_a_text_to_it(
    router: RouterUnderTest, link: ThinLink
) -> None:
    session_id = start(router, "fix it").session.session_id
    [frame] = link.commands(1)
    link.frame(session_update=update(session_id, upstream_seq=1))
    link.result(2, frame.command_id, outcome=link_pb.RESULT_OUTCOME_UNCERTAIN)
    link.acked(2)
    router.control.Redrive(pb.RedriveRequest(command_id=frame.command_id))
    [again] = link.commands(1)

    assert (again.session_id, again.action.input.text) == (session_id, "fix it")


@pytest.mark.parametrize(
    ("text", "says"), [("/new", "Say what the new session should do"), ("/end", "No sessions yet")]
)
@pytest.mark.usefixtures("agent")
def test_words_that_say_too_little_are_answered(
    router: RouterUnderTest, courier: ThinCourier, text: str, says: str
) -> None:
    router.submit(HERE, text)

    assert says in courier.brought("500").notification.text


def test_a_prompt_that_is_too_long_is_answered_and_leaves_no_session(
    router: RouterUnderTest, agent: ThinAgent, courier: ThinCourier
) -> None:
    router.submit(HERE, f"/new {agent.machine_id} {'x' * 65_537}")

    assert "the limit is 65536" in courier.brought("500").notification.text
    assert not router.control.ListSessions(pb.ListSessionsRequest(include_ended=True)).sessions


def test_cancel_in_a_session_that_has_not_begun_takes_back_all_of_it(router: RouterUnderTest, agent: ThinAgent) -> None:
    started = start(router, machine_id=agent.machine_id)
    waiting = router.send(started.session.session_id, "and then this")
    router.submit(HERE, f"/use {started.session.session_id}")
    router.submit(HERE, "/cancel")
    ended = [router.command(each.command_id) for each in (started.command, waiting)]

    assert [one.state for one in ended] == [types.COMMAND_STATE_CANCELLED] * 2
    assert session(router, started.session.session_id).state == types.SESSION_STATE_ENDED


def test_new_without_a_machine_asks_where_there_are_several(router: RouterUnderTest, courier: ThinCourier) -> None:
    router.machine("devbox")
    router.machine("laptop")
    router.submit(HERE, "/new fix it")

    assert courier.brought("500").notification.text == "On which machine? Name one of: devbox, laptop"


def test_end_in_a_reply_ends_that_session(router: RouterUnderTest, link: ThinLink, courier: ThinCourier) -> None:
    router.submit(HERE, "/new fix it")
    courier.brought("500")
    begun = begin(link)
    router.reported(courier.brought("500"))
    router.submit(HERE, "/end", reply_to_message_id="500")
    [frame] = link.commands(1)
    link.result(3, frame.command_id)
    told = courier.brought("501")

    assert (frame.session_id, frame.action.WhichOneof("kind")) == (begun.session_id, "stop_session")
    assert (told.notification.text, told.as_mark) == ("⏹ api has ended.", True)


def test_end_of_what_is_being_started_says_that_the_machine_decides(
    router: RouterUnderTest, link: ThinLink, courier: ThinCourier
) -> None:
    router.submit(HERE, "/new fix it")
    router.reported(courier.brought("500"))
    link.commands(1)
    router.submit(HERE, "/end", reply_to_message_id="500")

    assert courier.brought("501").notification.text.startswith("Asked ")
