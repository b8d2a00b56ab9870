"""A machine's end of a link, as thin as can be: it confirms what it gets and notes when it came."""

import time
from collections.abc import Sequence
from typing import Any

import grpc
import jwt
from agentlink.v1 import agent_link_pb2 as pb
from agentlink.v1 import agent_link_pb2_grpc as rpc
from agentlink.v1 import control_pb2, control_pb2_grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.bench.programs import API_KEY

METADATA = (("x-api-key", API_KEY),)


class Machine:
    """One enrolled machine with an open link."""

    def __init__(self, channel: grpc.aio.Channel, machine_id: str, key: Ed25519PrivateKey | None = None) -> None:
        self._channel = channel
        self.machine_id = machine_id
        self._key = key or Ed25519PrivateKey.generate()
        self._seq = 0
        self.arrived: dict[str, float] = {}  # by text: seconds (CLOCK_MONOTONIC)

    async def enrol(self) -> None:
        control = control_pb2_grpc.ControlStub(self._channel)
        request = control_pb2.CreateJoinTokenRequest(machine_id=self.machine_id)
        token = (await control.CreateJoinToken(request, metadata=METADATA)).join_token
        key = self._key.public_key().public_bytes_raw()
        request = pb.EnrollRequest(join_token=token, machine_id=self.machine_id, public_key=key)
        await rpc.AgentLinkStub(self._channel).Enroll(request)

    async def sessions(self, count: int) -> list[str]:
        control = control_pb2_grpc.ControlStub(self._channel)
        names = [f"{self.machine_id}-{number}" for number in range(count)]
        for name in names:
            request = control_pb2.RegisterSessionRequest(session_id=name, machine_id=self.machine_id)
            await control.RegisterSession(request, metadata=METADATA)
        return names

    async def connect(self, channel: grpc.aio.Channel | None = None, sessions: Sequence[pb.SessionUpdate] = ()) -> None:
        """Open the link, on a channel of its own if one is given."""
        now = int(time.time())
        claims = {"sub": self.machine_id, "aud": "pointsman", "iat": now, "exp": now + 200}
        bearer = jwt.encode(claims, self._key, algorithm="EdDSA")
        self._call = rpc.AgentLinkStub(channel or self._channel).Connect(
            metadata=(("authorization", f"Bearer {bearer}"),)
        )
        hello = pb.Hello(
            machine_id=self.machine_id, instance_id="i", inbox_id="in", outbox_id="out", protocol_min=1, protocol_max=1,
            capabilities=["command_batch"], sessions=sessions,
        )  # fmt: skip
        await self._call.write(pb.AgentFrame(hello=hello))
        welcomed = await self._call.read()
        self._epoch, self._seq = welcomed.link_epoch, welcomed.welcome.upstream_acked_seq

    async def serve(self) -> None:
        """Confirm commands and report them done, until cancelled."""
        while True:
            frame = await self._call.read()
            if frame is grpc.aio.EOF:
                return
            now = time.monotonic()
            if commands := _commands(frame):
                for command in commands:
                    self.arrived[command.action.input.text] = now
                await self._confirm(commands)

    async def frame(self, **frame: Any) -> None:
        """Send one frame."""
        await self._call.write(pb.AgentFrame(link_epoch=self._epoch, **frame))

    async def heard(self) -> None:
        """Come back once the router has read all that was sent."""
        await self.frame(heartbeat=pb.Heartbeat(nonce=1))
        while (await self._call.read()).WhichOneof("frame") != "heartbeat_ack":
            pass

    async def drop_all(self) -> None:
        """Read whatever comes, until cancelled."""
        while await self._call.read() is not grpc.aio.EOF:
            pass

    def close(self) -> None:
        self._call.cancel()

    async def _confirm(self, commands: list[pb.CommandFrame]) -> None:
        stored = [pb.ReceiptItem(command_id=c.command_id, outcome=pb.RECEIPT_OUTCOME_STORED) for c in commands]
        await self._call.write(pb.AgentFrame(link_epoch=self._epoch, receipt=pb.Receipt(items=stored)))
        results = [self._result(command.command_id) for command in commands]
        await self._call.write(pb.AgentFrame(link_epoch=self._epoch, results=pb.ResultBatch(results=results)))

    def _result(self, command_id: str) -> pb.Result:
        self._seq += 1
        return pb.Result(upstream_seq=self._seq, command_id=command_id, outcome=pb.RESULT_OUTCOME_DONE)


def _commands(frame: pb.RouterFrame) -> list[pb.CommandFrame]:
    match frame.WhichOneof("frame"):
        case "commands":
            return list(frame.commands.commands)
        case "command":
            return [frame.command]
    return []
