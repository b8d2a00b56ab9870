"""Somebody has one machine's key: its own sessions are theirs until it is revoked, and nobody else's are."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from agentlink.v1.agent_link_pb2_grpc import AgentLinkStub

from agent.link import identity
from agent.link.channel import Endpoint
from agent.link.enrol import enrol
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.integration.router.permissions.asking import OPTIONS, ask, standing
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, ThinLink, session
from tests.waiting import wait_until


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@dataclass
class Victim:
    """Another machine, connected, with a session at work, a command under way and a question open."""

    link: ThinLink
    session_id: str
    command_id: str
    question: str


@pytest.fixture
def victim(router: RouterUnderTest) -> Iterator[Victim]:
    with router.machine("victim").connected() as link:
        link.frame(session_update=session("s-victim", upstream_seq=1, label="api"))
        link.acked(1)
        command_id = router.send("s-victim", "secret plan").command_id
        link.commands(1)
        link.receipt(command_id)
        wait_until(lambda: router.command(command_id).state == types.COMMAND_STATE_RECEIVED)
        yield Victim(link, "s-victim", command_id, ask(link, "s-victim", seq=2))


@pytest.fixture
def thief(router: RouterUnderTest) -> ThinAgent:
    return router.machine("thief")


Frame = dict[str, object]
ASKED = {"tool": "Bash", "input": "x", "input_digest": "d", "expires_in": {"seconds": 60}, "options": OPTIONS}

FRAMES: dict[str, Callable[[Victim], Frame]] = {
    "report": lambda v: {"session_update": session(v.session_id, upstream_seq=1, label="mine")},
    "close": lambda v: {"session_closed": link_pb.SessionClosed(upstream_seq=1, session_id=v.session_id, generation=9)},
    "notify": lambda v: {
        "notify": link_pb.Notify(upstream_seq=1, notification_id="n", session_id=v.session_id, text="x")
    },
    "finish": lambda v: {
        "result": link_pb.Result(upstream_seq=1, command_id=v.command_id, outcome=link_pb.RESULT_OUTCOME_DONE)
    },
    "ask": lambda v: {
        "permission_request": link_pb.PermissionRequest(
            upstream_seq=1, permission_id="q", session_id=v.session_id, kind=types.PERMISSION_KIND_TOOL, **ASKED
        )
    },
    "withdraw": lambda v: {
        "permission_withdrawn": link_pb.PermissionWithdrawn(
            upstream_seq=1, permission_id=v.question, state=types.PERMISSION_STATE_WITHDRAWN
        )
    },
}


def everything(router: RouterUnderTest, victim: Victim) -> list[object]:
    """What the router knows of the victim."""
    sessions = router.control.ListSessions(pb.ListSessionsRequest()).sessions
    [known] = [one for one in sessions if one.session_id == victim.session_id]
    notes = [note.notification_id for note in router.notifications(victim.session_id)]
    states = (router.command(victim.command_id).state, standing(router, victim.question).state)
    return [known.machine_id, known.label, known.state, known.generation, notes, *states]


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_it_says_nothing_in_the_name_of_another_machines_session(
    router: RouterUnderTest, victim: Victim, thief: ThinAgent, frame: Callable[[Victim], Frame]
) -> None:
    before = everything(router, victim)

    with thief.connected() as link:
        link.frame(**frame(victim))
        link.acked(1)

    assert everything(router, victim) == before


def test_it_confirms_no_command_of_another_machine(router: RouterUnderTest, victim: Victim, thief: ThinAgent) -> None:
    waiting = router.send(victim.session_id, "another").command_id

    with thief.connected() as link:
        link.receipt(waiting, outcome=link_pb.RECEIPT_OUTCOME_REFUSED)
        link.heard()

    assert router.command(waiting).state == types.COMMAND_STATE_SENT


def test_it_claims_no_session_in_its_hello(router: RouterUnderTest, victim: Victim, thief: ThinAgent) -> None:
    before = everything(router, victim)

    with thief.connected(sessions=[session(victim.session_id, label="mine")]) as link:
        assert link.take("frame_error").about == victim.session_id

    assert everything(router, victim) == before


@pytest.mark.parametrize("machine_id", ["victim", "nobody", ""])
def test_it_does_not_say_hello_as_another(victim: Victim, thief: ThinAgent, machine_id: str) -> None:
    link = thief.dial(machine_id=machine_id)
    code, error = link.ended()
    link.lose()

    assert code in (
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNAUTHENTICATED,
    )
    assert error is not None
    victim.link.heard()  # whose link stands


def test_it_fetches_no_file_that_was_sent_to_another(router: RouterUnderTest, thief: ThinAgent) -> None:
    owner = router.machine("owner")
    session_id = router.session(owner)
    router.chat.PutPart(chat_pb.PutSubmitPartRequest(file_id="f1", number=0, data=b"plans"))
    file = types.FileInput(file_id="f1", name="plans.pdf", size=5)
    command_id = router.submit(
        types.ChatRef(transport="test", chat_id="1"), session_id=session_id, file=file
    ).command_id

    with pytest.raises(grpc.RpcError) as refused:
        thief.part(command_id, 0)

    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert owner.part(command_id, 0) == b"plans"


def test_it_gets_its_own_texts_until_it_is_revoked(router: RouterUnderTest, thief: ThinAgent) -> None:
    mine = router.session(thief)
    link = thief.dial()
    link.welcome()
    router.send(mine, "for this machine")
    assert link.commands(1)[0].action.input.text == "for this machine"

    router.control.RevokeMachine(pb.RevokeMachineRequest(machine_id="thief"))
    code, _ = link.ended()
    link.lose()
    again = thief.dial()
    _, error = again.ended()
    again.lose()

    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert error is not None
    assert reason_of(error) == "MACHINE_REVOKED"


@pytest.mark.parametrize("name", ["thief", "another-name"])
def test_its_key_stays_out_when_its_owner_enrols_anew(router: RouterUnderTest, thief: ThinAgent, name: str) -> None:
    router.control.RevokeMachine(pb.RevokeMachineRequest(machine_id="thief"))
    token = router.join_token()

    with pytest.raises(grpc.RpcError) as refused:
        thief.enrol(token, name)
    owner = router.stranger(name)
    owner.enrol(token)  # which was not used up

    assert reason_of(refused.value) == "MACHINE_REVOKED"
    assert known(router, owner)
    assert not known(router, thief)


def test_a_machine_that_was_put_out_enrols_with_a_key_that_nobody_has_seen(
    router: RouterUnderTest, data_dir: Path
) -> None:
    folder, endpoint = data_dir / "agent", Endpoint(router.address)
    enrol(endpoint, router.join_token(), "devbox", data_dir)
    stolen = identity.load(folder)
    router.control.RevokeMachine(pb.RevokeMachineRequest(machine_id="devbox"))

    enrol(endpoint, router.join_token(), "devbox", data_dir)

    assert known(router, identity.load(folder))
    assert not known(router, stolen)


def known(router: RouterUnderTest, machine: "ThinAgent | identity.Identity") -> bool:
    """Whether a call with its credential is looked at."""
    token = machine.token(time.time()) if isinstance(machine, identity.Identity) else machine.token()
    metadata = [("authorization", f"Bearer {token}")]
    with grpc.insecure_channel(router.address) as channel, pytest.raises(grpc.RpcError) as refused:
        AgentLinkStub(channel).GetPart(link_pb.GetCommandPartRequest(command_id="c"), metadata=metadata, timeout=30)
    return refused.value.code() is grpc.StatusCode.NOT_FOUND


def test_a_join_token_that_another_machine_used_is_worth_nothing(router: RouterUnderTest, thief: ThinAgent) -> None:
    token = router.join_token()
    router.stranger("first").enrol(token)

    with pytest.raises(grpc.RpcError) as refused:
        thief.enrol(token, "first")

    assert reason_of(refused.value) == "JOIN_TOKEN_INVALID"


def test_no_token_lets_it_take_the_name_of_a_machine_that_is_there(router: RouterUnderTest, victim: Victim) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        router.stranger("victim").enrol(router.join_token())

    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    victim.link.heard()
