"""Join tokens: single use, bound to the key that used them."""

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1.agent_link_pb2_grpc import AgentLinkStub

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.rpc_errors import reason_of, retry_after
from tests.rigs.thin_agent import ThinAgent


def refusal(agent: ThinAgent, token: str) -> grpc.RpcError:
    """Why an enrolment is refused."""
    with pytest.raises(grpc.RpcError) as refused:
        agent.enrol(token)
    return refused.value


def machines(router: RouterUnderTest) -> list[str]:
    return [one.machine_id for one in router.control.ListMachines(pb.ListMachinesRequest()).machines]


def test_a_token_and_a_key_become_a_machine(router: RouterUnderTest) -> None:
    enrolled = router.stranger("devbox").enrol(router.join_token())

    assert enrolled.machine_id == "devbox"
    assert enrolled.router_id
    assert machines(router) == ["devbox"]


def test_a_token_is_never_taken_for_an_option_of_a_command(router: RouterUnderTest) -> None:
    assert router.join_token().startswith("pmj_")


def test_a_lost_answer_may_be_asked_for_again(router: RouterUnderTest) -> None:
    agent, token = router.stranger("devbox"), router.join_token()

    assert agent.enrol(token) == agent.enrol(token)


def test_the_answer_may_be_asked_for_again_after_the_token_expired(router: RouterUnderTest) -> None:
    agent, token = router.stranger("devbox"), router.join_token()
    first = agent.enrol(token)
    router.advance(3_601)

    assert agent.enrol(token) == first


def test_a_used_token_is_for_no_other_key(router: RouterUnderTest) -> None:
    token = router.join_token()
    router.stranger("devbox").enrol(token)
    error = refusal(router.stranger("thief"), token)

    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    assert reason_of(error) == "JOIN_TOKEN_INVALID"
    assert machines(router) == ["devbox"]


@pytest.mark.parametrize("token", ["", "guessed"])
def test_a_token_nobody_made_is_refused(router: RouterUnderTest, token: str) -> None:
    assert reason_of(refusal(router.stranger(), token)) == "JOIN_TOKEN_INVALID"


@pytest.mark.parametrize(
    ("request_", "good_for"), [({}, 3_600), ({"ttl": {"seconds": 60}}, 60)], ids=["hour", "minute"]
)
def test_a_token_expires(router: RouterUnderTest, request_: dict[str, object], good_for: float) -> None:
    token = router.join_token(**request_)
    router.advance(good_for + 1)

    assert reason_of(refusal(router.stranger(), token)) == "JOIN_TOKEN_INVALID"


def test_a_token_may_pin_the_name(router: RouterUnderTest) -> None:
    token = router.join_token(machine_id="pinned")

    assert router.stranger("wanted").enrol(token).machine_id == "pinned"


def test_a_name_that_is_taken_stays_taken(router: RouterUnderTest) -> None:
    router.machine("devbox")
    error = refusal(router.stranger("devbox"), router.join_token())

    assert reason_of(error) == "ILLEGAL_STATE"


def test_the_same_key_may_enrol_again_with_another_token(router: RouterUnderTest) -> None:
    agent = router.machine("devbox")

    assert agent.enrol(router.join_token()).machine_id == "devbox"
    with agent.connected() as link:
        assert link.epoch == 1


def test_a_revoked_name_may_be_enrolled_with_a_new_key(router: RouterUnderTest) -> None:
    old = router.machine("devbox")
    router.control.RevokeMachine(pb.RevokeMachineRequest(machine_id="devbox"))
    new = router.machine("devbox")

    with new.connected():
        pass
    link = old.dial()
    _, error = link.ended()
    link.lose()

    assert error
    assert reason_of(error) == "KEY_REPLACED"


def test_after_a_wrong_token_a_peer_waits_a_second(router: RouterUnderTest) -> None:
    agent, token = router.stranger("devbox"), router.join_token()
    refusal(agent, "guessed")
    error = refusal(agent, token)
    router.advance(1.1)

    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert reason_of(error) == "BUSY"
    assert retry_after(error) == 1.0
    assert agent.enrol(token).machine_id == "devbox"


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({"public_key": b"short"}, "public_key"),
        ({"machine_id": "two words"}, "machine_id"),
        ({"machine_id": ""}, "machine_id"),
    ],
)
def test_a_malformed_request_names_its_field_and_leaves_the_token_good(
    router: RouterUnderTest, request_: dict[str, object], named: str
) -> None:
    token = router.join_token()
    whole = {"join_token": token, "machine_id": "devbox", "public_key": b"k" * 32} | request_
    with grpc.insecure_channel(router.address) as channel, pytest.raises(grpc.RpcError, match=named) as refused:
        AgentLinkStub(channel).Enroll(link_pb.EnrollRequest(**whole), timeout=10)
    router.advance(1.1)

    assert reason_of(refused.value) == "INVALID_ARGUMENT"
    assert router.stranger("devbox").enrol(token).machine_id == "devbox"


def test_a_machine_nobody_knows_cannot_be_revoked(router: RouterUnderTest) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        router.control.RevokeMachine(pb.RevokeMachineRequest(machine_id="nobody"))

    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
