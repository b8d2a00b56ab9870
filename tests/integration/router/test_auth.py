"""Who may call: every RPC asks, and says no in a way that helps."""

from collections.abc import Callable

import grpc
import jwt
import pytest
from agentlink.v1 import agent_link_pb2, chat_link_pb2, control_pb2
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from google.protobuf.descriptor import MethodDescriptor

from tests.integration.router.harness import Caller, RouterUnderTest
from tests.rigs.rpc_errors import error_info, reason_of
from tests.rigs.thin_agent import ThinAgent

KEYED = [
    method
    for file in (agent_link_pb2.DESCRIPTOR, chat_link_pb2.DESCRIPTOR, control_pb2.DESCRIPTOR)
    for service in file.services_by_name.values()
    for method in service.methods
    if service.name != "AgentLink"
]


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    return router.machine("devbox")


def answer(caller: Caller, method: MethodDescriptor) -> grpc.RpcError:
    """What a call with an empty request is told."""
    with pytest.raises(grpc.RpcError) as refused:
        next(iter(caller.raw(method, [b""])))
    return refused.value


@pytest.mark.parametrize("key", ["", "pmk_" + "w" * 43], ids=["none", "wrong"])
@pytest.mark.parametrize("method", KEYED, ids=lambda method: method.name)
def test_no_rpc_is_answered_without_a_key_that_is_known(
    router: RouterUnderTest, method: MethodDescriptor, key: str
) -> None:
    error = answer(router.caller(key), method)

    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert reason_of(error) == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("role", "method"),
    [
        (pb.ROLE_OPERATOR, "CreateApiKey"),
        (pb.ROLE_OPERATOR, "RevokeMachine"),
        (pb.ROLE_OPERATOR, "Submit"),
        (pb.ROLE_CHAT, "ListSessions"),
        (pb.ROLE_CHAT, "SendCommand"),
        (pb.ROLE_VIEWER, "SendCommand"),
        (pb.ROLE_VIEWER, "Deliver"),
    ],
)
def test_a_role_may_not_do_what_is_not_its(router: RouterUnderTest, role: "pb.Role.ValueType", method: str) -> None:
    [descriptor] = [one for one in KEYED if one.name == method]
    error = answer(router.caller(router.key(role)), descriptor)

    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    assert reason_of(error) == "PERMISSION_DENIED"


@pytest.mark.parametrize("role", [pb.ROLE_ADMIN, pb.ROLE_OPERATOR, pb.ROLE_VIEWER])
def test_a_role_may_do_what_is_its(router: RouterUnderTest, role: "pb.Role.ValueType") -> None:
    caller = router.caller(router.key(role))

    assert not caller.control.ListSessions(pb.ListSessionsRequest()).sessions


def test_a_chat_key_opens_chat_links(router: RouterUnderTest) -> None:
    chat = types.ChatRef(transport="test", chat_id="1")
    request = chat_link_pb2.SubmitRequest(update_key="k", chat=chat, text="/help")

    assert router.caller(router.key(pb.ROLE_CHAT)).chat.Submit(request).answer


def test_a_key_is_shown_once_and_listed_without_its_secret(router: RouterUnderTest) -> None:
    made = router.control.CreateApiKey(pb.CreateApiKeyRequest(label="laptop", role=pb.ROLE_VIEWER))
    listed = router.control.ListApiKeys(pb.ListApiKeysRequest())

    assert made.secret.startswith("pmk_")
    assert len(made.secret) == 47
    assert listed.keys[-1] == made.key
    assert made.secret.encode() not in listed.SerializeToString()


def test_no_secret_is_in_the_database(router: RouterUnderTest) -> None:
    secrets = [router.key(pb.ROLE_VIEWER), router.config.api_key, router.join_token()]
    router.write(lambda tx: tx.execute("SELECT 1"))
    files = b"".join(path.read_bytes() for path in router.config.data_dir.glob("router.db*"))

    assert not [secret for secret in secrets if secret.encode() in files]


def test_a_revoked_key_is_over_at_once(router: RouterUnderTest) -> None:
    made = router.control.CreateApiKey(pb.CreateApiKeyRequest(label="x", role=pb.ROLE_VIEWER))
    caller = router.caller(made.secret)
    caller.control.ListSessions(pb.ListSessionsRequest())
    router.control.RevokeApiKey(pb.RevokeApiKeyRequest(key_id=made.key.key_id))

    with pytest.raises(grpc.RpcError) as refused:
        caller.control.ListSessions(pb.ListSessionsRequest())

    assert reason_of(refused.value) == "UNAUTHENTICATED"


def test_keys_survive_a_restart_and_revoked_ones_stay_revoked(router: RouterUnderTest) -> None:
    kept = router.key(pb.ROLE_VIEWER)
    gone = router.control.CreateApiKey(pb.CreateApiKeyRequest(label="x", role=pb.ROLE_VIEWER))
    router.control.RevokeApiKey(pb.RevokeApiKeyRequest(key_id=gone.key.key_id))
    router.restart()

    router.caller(kept).control.ListSessions(pb.ListSessionsRequest())
    with pytest.raises(grpc.RpcError):
        router.caller(gone.secret).control.ListSessions(pb.ListSessionsRequest())
    assert len(router.control.ListApiKeys(pb.ListApiKeysRequest()).keys) == 3


@pytest.mark.parametrize("role", [pb.ROLE_UNSPECIFIED, 99])
def test_a_key_needs_a_role(router: RouterUnderTest, role: "pb.Role.ValueType") -> None:
    with pytest.raises(grpc.RpcError) as refused:
        router.control.CreateApiKey(pb.CreateApiKeyRequest(label="x", role=role))

    assert reason_of(refused.value) == "INVALID_ARGUMENT"


def told(agent: ThinAgent, token: str | None) -> grpc.RpcError:
    """What a machine is told that connects with a credential."""
    link = agent.dial(token=token)
    _, error = link.ended()
    link.lose()
    assert error
    return error


def other_key(agent: ThinAgent) -> str:
    return ThinAgent("127.0.0.1:1", agent.machine_id).token()


def unsigned(agent: ThinAgent) -> str:
    claims = jwt.decode(agent.token(), options={"verify_signature": False})
    return jwt.encode(claims, None, algorithm="none")


def by_public_key(agent: ThinAgent) -> str:
    claims = jwt.decode(agent.token(), options={"verify_signature": False})
    return jwt.encode(claims, agent.public_key, algorithm="HS256")


@pytest.mark.parametrize(
    "credential",
    [
        lambda _agent: "",
        lambda _agent: "garbage",
        other_key,
        unsigned,
        by_public_key,
        lambda agent: agent.token(aud="another router"),
        lambda agent: agent.token(aud=None),
        lambda agent: agent.token(exp=None),
        lambda agent: agent.token(iat=None),
        lambda agent: agent.token(exp=agent.now() + 400),
        lambda agent: agent.token(iat="yesterday"),
        lambda agent: agent.token(exp=float("nan")),
    ],
    ids=[
        *("none", "garbage", "another key", "no signature", "signed with the public key", "another audience"),
        *("no audience", "no end", "no begin", "too long", "begin is no number", "end is no number"),
    ],
)
@pytest.mark.rule("A1")
def test_a_machine_needs_a_credential_of_its_own_key(agent: ThinAgent, credential: Callable[[ThinAgent], str]) -> None:
    error = told(agent, credential(agent))

    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert reason_of(error) in ("UNAUTHENTICATED", "CLOCK_SKEW")


@pytest.mark.parametrize("offset", [-400.0, 400.0], ids=["behind", "ahead"])
def test_a_wrong_clock_is_told_the_right_time(router: RouterUnderTest, agent: ThinAgent, offset: float) -> None:
    agent.clock_offset = offset
    error = told(agent, None)
    router_time = float(error_info(error).metadata["router_time"])

    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert reason_of(error) == "CLOCK_SKEW"
    assert abs(router_time - router.time.now()) < 5


@pytest.mark.parametrize("offset", [-25.0, 25.0], ids=["behind", "ahead"])
def test_clocks_may_differ_a_little(agent: ThinAgent, offset: float) -> None:
    agent.clock_offset = offset

    with agent.connected() as link:
        assert link.epoch == 1


def test_a_machine_that_corrects_its_clock_is_let_in(agent: ThinAgent) -> None:
    agent.clock_offset = 4_000
    router_time = float(error_info(told(agent, None)).metadata["router_time"])
    agent.clock_offset += router_time - agent.now()

    with agent.connected() as link:
        assert link.epoch == 1


def test_a_stranger_is_not_let_in(router: RouterUnderTest) -> None:
    error = told(router.stranger(), None)

    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert reason_of(error) == "UNAUTHENTICATED"


def test_an_api_key_opens_no_machine_link(router: RouterUnderTest, agent: ThinAgent) -> None:
    assert reason_of(told(agent, router.config.api_key)) == "UNAUTHENTICATED"


def test_a_machines_credential_calls_nothing_but_connect(router: RouterUnderTest, agent: ThinAgent) -> None:
    metadata = [("authorization", f"Bearer {agent.token()}")]
    with grpc.insecure_channel(router.address) as channel, pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary("/agentlink.v1.Control/ListSessions")(b"", metadata=metadata, timeout=10)

    assert reason_of(refused.value) == "UNAUTHENTICATED"


def test_a_revoked_machine_is_put_out_at_once_and_not_let_in_again(router: RouterUnderTest, agent: ThinAgent) -> None:
    link = agent.dial()
    link.welcome()
    router.control.RevokeMachine(pb.RevokeMachineRequest(machine_id="devbox"))
    code, error = link.ended()
    link.lose()

    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert error
    assert reason_of(error) == "MACHINE_REVOKED"
    assert reason_of(told(agent, None)) == "MACHINE_REVOKED"


def test_a_method_nobody_wrote_is_unimplemented(router: RouterUnderTest) -> None:
    with grpc.insecure_channel(router.address) as channel, pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary("/agentlink.v1.Control/DropTables")(b"", timeout=10)

    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("claims", "says"),
    [({"iat": None}, '"iat"'), ({"aud": None}, '"aud"'), ({"exp": None}, '"exp"'), ({"aud": "x"}, "Audience")],
    ids=["no iat", "no aud", "no exp", "another aud"],
)
def test_a_credential_that_lacks_something_is_told_what_and_not_to_enrol_again(
    agent: ThinAgent, claims: dict[str, object], says: str
) -> None:
    link = agent.dial(token=agent.token(**claims))
    code, error = link.ended()
    link.lose()

    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert error is not None
    assert says in error.details()  # type: ignore[attr-defined]
    assert "It needs sub, aud (the router's id), iat and exp" in error.details()  # type: ignore[attr-defined]
    assert "nrol" not in error.details()  # type: ignore[attr-defined]
