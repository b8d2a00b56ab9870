"""Somebody has the credential that an agent gives to a session's program: it is for that session alone."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import jwt
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1.agent_link_pb2_grpc import AgentLinkStub

from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RouterUnderTest]:
    with serving(config(Path(tmp_path_factory.mktemp("workers")))) as router:
        yield router


@pytest.mark.parametrize("role", ["worker", "machine", "admin", "", None, False, ["worker"], {"worker": 1}])
def test_nothing_with_a_role_is_a_machine(router: RouterUnderTest, role: object) -> None:
    machine: ThinAgent = router.machine()
    claims = jwt.decode(machine.token(), options={"verify_signature": False}) | {"role": role}
    metadata = [("authorization", f"Bearer {jwt.encode(claims, machine.key, algorithm='EdDSA')}")]

    with grpc.insecure_channel(router.address) as channel, pytest.raises(grpc.RpcError) as refused:
        AgentLinkStub(channel).GetPart(link_pb.GetCommandPartRequest(command_id="c"), metadata=metadata, timeout=30)

    assert reason_of(refused.value) == "UNAUTHENTICATED"
