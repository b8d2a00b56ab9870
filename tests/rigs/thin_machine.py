"""A machine that connects as the agent does, with its proof of the router and its waiting, and does nothing else."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import grpc
from agentlink.v1 import agent_link_pb2 as pb
from agentlink.v1 import agent_link_pb2_grpc as rpc
from agentlink.v1.identity_pb2 import ProveRequest, ProveResponse
from agentlink.v1.identity_pb2_grpc import IdentityStub

from agent.link import backoff
from agent.link.channel import OPTIONS
from agent.link.client import PROOF_TIMEOUT
from agent.link.grpc_stream import ending_of
from agent.link.identity import Identity
from agent.link.protocol import End
from agent.link.router_proof import NotProven, carried, challenge, check

Call = grpc.aio.StreamStreamCall[pb.AgentFrame, pb.RouterFrame]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a thin machine goes about it."""

    trusting: bool = False  # of a router that cannot prove itself, though it looks
    soon: bool = False  # tries again at once, as long as nobody tells it when to come
    spares: bool = False  # the crowd's CPU: signs when it has lost its link, and looks at proofs when it is asked to


AS_THE_AGENT = Behaviour()


class ThinMachine:
    """One of them."""

    def __init__(self, identity: Identity, rng: random.Random, behaviour: Behaviour = AS_THE_AGENT) -> None:
        self.identity = identity
        self._rng = rng
        self._behaviour = behaviour
        self._backoff = backoff.Backoff()
        self._token = ""
        self._unseen: list[tuple[ProveRequest, ProveResponse]] = []
        self.epoch = 0
        self.welcomed_at = 0.0  # monotonic; 0 while there is no link

    async def stay(self) -> None:
        """Hold a link until cancelled."""
        async with grpc.aio.insecure_channel(self.identity.router, options=OPTIONS) as channel:
            while True:
                if await self._is_proven(IdentityStub(channel)):
                    await self._one_link(rpc.AgentLinkStub(channel))
                await asyncio.sleep(max(0.0, self._backoff.attempt_at - time.monotonic()))

    async def _is_proven(self, stub: IdentityStub) -> bool:
        """As an agent does before each link."""
        asked = challenge()
        try:
            self._unseen.append((asked, await stub.Prove(asked, timeout=PROOF_TIMEOUT, metadata=carried(asked))))
            if not self._behaviour.spares:
                self.check_proofs()
        except grpc.aio.AioRpcError as error:
            self._wait(error, 0.0)
            return False
        return True

    def check_proofs(self) -> None:
        """Those that were not looked at yet. Raises NotProven."""
        unseen, self._unseen = self._unseen, []
        try:
            for asked, answer in unseen:
                check(asked, answer, self.identity.router_fingerprint, self.identity.router_id)
        except NotProven:
            if not self._behaviour.trusting:
                raise

    async def _one_link(self, stub: rpc.AgentLinkStub) -> None:
        token, self._token = self._token or self.identity.token(time.time()), ""
        call: Call = stub.Connect(metadata=(("authorization", f"Bearer {token}"),))
        name, nonce = self.identity.machine_id, 0
        hello = pb.Hello(machine_id=name, instance_id=name, inbox_id=name, outbox_id=name,
                         last_link_epoch=self.epoch, protocol_min=1, protocol_max=1)  # fmt: skip
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError, AttributeError):
            await call.write(pb.AgentFrame(hello=hello))
            frame = await call.read()
            self.epoch, interval = frame.link_epoch, frame.welcome.heartbeat_interval.ToTimedelta().total_seconds()
            self.welcomed_at = time.monotonic()
            while frame is not grpc.aio.EOF:
                nonce += 1
                reading = asyncio.ensure_future(call.read())
                if not (await asyncio.wait([reading], timeout=interval))[0]:
                    await call.write(pb.AgentFrame(link_epoch=self.epoch, heartbeat=pb.Heartbeat(nonce=nonce)))
                frame = await reading
        held, self.welcomed_at = (time.monotonic() - self.welcomed_at if self.welcomed_at else 0.0), 0.0
        call.cancel()
        if self._behaviour.spares:
            self._token = self.identity.token(time.time())
        await self._learn(call, held)

    async def _learn(self, call: Call, held: float) -> None:
        trailing = await call.trailing_metadata() or grpc.aio.Metadata()
        error = grpc.aio.AioRpcError(await call.code(), grpc.aio.Metadata(), trailing, await call.details(), None)
        self._wait(error, held)

    def _wait(self, error: grpc.aio.AioRpcError, held: float) -> None:
        ending, now = ending_of(error), time.monotonic()
        if ending.retry_after is not None:
            self._backoff = backoff.told(self._backoff, now, ending.retry_after)
        elif self._behaviour.soon:
            self._backoff = backoff.told(self._backoff, now, SOON)
        elif ending.end is not End.STOPPED:
            self._backoff = backoff.lost(self._backoff, now, self._rng.random(), held)


SOON = 0.02  # seconds


def here(machines: Sequence[ThinMachine]) -> int:
    """How many of them have a link."""
    return sum(machine.welcomed_at > 0 for machine in machines)
