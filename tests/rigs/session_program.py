"""What runs in a session and shows the token that its machine signed for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from agentlink.v1.agent_link_pb2_grpc import AgentLinkStub
from agentlink.v1.chat_link_pb2_grpc import ChatLinkStub
from agentlink.v1.control_pb2_grpc import ControlStub
from agentlink.v1.memory_pb2_grpc import MemoryStub

from tests.integration.router.harness import RouterUnderTest, fresh
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, ThinLink, session
from tests.waiting import wait_until

KINDS = (ControlStub, ChatLinkStub, AgentLinkStub, MemoryStub)
HELLO = types.Action(input=types.Input(text="hello", submit=True))


@dataclass
class Program:
    """What runs in a session, and holds its token; beside it there is another session of the same machine."""

    address: str
    machine: ThinAgent
    link: ThinLink
    own: str
    sibling: str
    foreign: str

    def showing(self, token: str) -> "Doors":
        return Doors(self.address, token)

    @property
    def doors(self) -> "Doors":
        return self.showing(self.machine.worker_token(self.own))


class Doors:
    """The router as whoever shows a token sees it."""

    def __init__(self, address: str, token: str) -> None:
        self._channel = grpc.insecure_channel(address)
        self._metadata = [("authorization", f"Bearer {token}")]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        stub = next(made for kind in KINDS if hasattr(made := kind(self._channel), name))
        return lambda request: getattr(stub, name)(request, metadata=self._metadata, timeout=30)


@contextmanager
def running(router: RouterUnderTest) -> Iterator[Program]:
    """A program on the machine `devbox`, whose link is open; another machine is called `elsewhere`."""
    foreign = router.session(router.machine("elsewhere"))
    machine, own, sibling = router.machine("devbox"), fresh("own"), fresh("sibling")
    with machine.connected(sessions=[session(own, label="api", cwd="/src/api"), session(sibling)]) as link:
        wait_until(lambda: len(router.control.ListSessions(pb.ListSessionsRequest()).sessions) == 3)
        yield Program(router.address, machine, link, own, sibling, foreign)


def told(call: Callable[[], object]) -> str:
    """The reason of a refusal."""
    with pytest.raises(grpc.RpcError) as refused:
        call()
    return reason_of(refused.value)


def sends(session_id: str) -> pb.SendCommandRequest:
    return pb.SendCommandRequest(session_id=session_id, action=HELLO)
