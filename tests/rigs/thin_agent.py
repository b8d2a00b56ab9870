"""A machine without an agent: its key, its link, and nothing done unless the test says so."""

import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import jwt
from agentlink.v1 import agent_link_pb2 as pb
from agentlink.v1 import types_pb2 as types
from agentlink.v1.agent_link_pb2_grpc import AgentLinkStub
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.waiting import PATIENCE

CONNECT = "/agentlink.v1.AgentLink/Connect"
KINDS = [field.name for field in pb.RouterFrame.DESCRIPTOR.oneofs_by_name["frame"].fields]

Ending = tuple[grpc.StatusCode, grpc.RpcError | None]


class ThinLink:
    """One open stream. Frames that came are kept by kind; commands of a batch are taken one by one, too."""

    def __init__(
        self, channel: grpc.Channel, token: str, hello: pb.Hello, inbox: dict[str, pb.InboxState.ValueType]
    ) -> None:
        self.epoch = 0
        self.terms = pb.Welcome()
        self._inbox = inbox
        self.batches: list[int] = []  # how many commands each CommandBatch had
        self._out: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        # Made here, as two threads use them: a defaultdict may make one of them twice.
        self._in: dict[str, queue.SimpleQueue[Any]] = {kind: queue.SimpleQueue() for kind in KINDS}
        self._ending: queue.SimpleQueue[Ending] = queue.SimpleQueue()
        self.frame(hello=hello)
        connect = channel.stream_stream(CONNECT, None, pb.RouterFrame.FromString)
        self._call = connect(iter(self._out.get, None), metadata=[("authorization", f"Bearer {token}")])
        self._reader = threading.Thread(target=self._read, name="thin-agent-reader")
        self._reader.start()

    def frame(self, epoch: int | None = None, **frame: Any) -> None:
        """Send one frame, by default of this link's epoch."""
        self.out(pb.AgentFrame(link_epoch=self.epoch if epoch is None else epoch, **frame))

    def out(self, frame: pb.AgentFrame) -> None:
        """Send a frame as it is."""
        self.raw(frame.SerializeToString())

    def raw(self, data: bytes) -> None:
        """Send bytes that need not be a frame."""
        self._out.put(data)

    def take(self, kind: str, patience: float = PATIENCE) -> Any:
        """The next frame of a kind. Fails when none comes."""
        try:
            return self._in[kind].get(timeout=patience)
        except queue.Empty:
            others = {other: came.qsize() for other, came in self._in.items() if came.qsize()}
            raise AssertionError(f"no {kind} frame within {patience} s, but {others}; {self._call}") from None

    def welcome(self) -> pb.Welcome:
        """The router's answer to hello."""
        self.terms = self.take("welcome")
        self.epoch = self.terms.link_epoch
        return self.terms

    def commands(self, count: int) -> list[pb.CommandFrame]:
        """So many commands, in the order they came."""
        return [self.take("command") for _ in range(count)]

    def waiting(self, kind: str = "command") -> int:
        """How many frames of a kind came and were not taken."""
        return self._in[kind].qsize()

    def receipt(self, *command_ids: str, epoch: int | None = None, **item: Any) -> None:
        """Confirm commands: STORED, unless `outcome` says otherwise."""
        outcome = item.pop("outcome", pb.RECEIPT_OUTCOME_STORED)
        items = [pb.ReceiptItem(command_id=command_id, outcome=outcome, **item) for command_id in command_ids]
        if outcome != pb.RECEIPT_OUTCOME_REFUSED:
            self._inbox.update(dict.fromkeys(command_ids, pb.INBOX_STATE_RECEIVED))
        self.frame(epoch, receipt=pb.Receipt(items=items))

    def result(self, seq: int, command_id: str, epoch: int | None = None, **result: Any) -> None:
        """Say how a command ended: DONE, unless `outcome` says otherwise."""
        result.setdefault("outcome", pb.RESULT_OUTCOME_DONE)
        self._inbox[command_id] = pb.INBOX_STATE_FINISHED
        self.frame(epoch, result=pb.Result(upstream_seq=seq, command_id=command_id, **result))

    def heard(self, nonce: int = 7) -> None:
        """Come back once the router's reader has read everything sent so far."""
        self.frame(heartbeat=pb.Heartbeat(nonce=nonce))
        assert self.take("heartbeat_ack").nonce == nonce

    def acked(self, seq: int) -> pb.UpstreamAck:
        """The acknowledgement of a number; earlier ones are skipped."""
        while (ack := self.take("upstream_ack")).acked_seq < seq:
            pass
        assert ack.acked_seq == seq
        return ack

    def ended(self) -> Ending:
        """How the stream ended."""
        ending = self._ending.get(timeout=PATIENCE)
        self._ending.put(ending)
        return ending

    def lose(self) -> None:
        """Break the stream without a word."""
        self._call.cancel()
        self._out.put(None)
        self._reader.join(PATIENCE)

    def goodbye(self) -> None:
        """Leave on purpose."""
        self.frame(goodbye=pb.Goodbye(reason="the test is over"))
        self._out.put(None)
        self._reader.join(PATIENCE)

    def _read(self) -> None:
        error = None
        try:
            for frame in self._call:
                self._sort(frame)
        except grpc.RpcError as refused:
            error = refused
        self._ending.put((self._call.code(), error))

    def _sort(self, frame: pb.RouterFrame) -> None:
        kind = frame.WhichOneof("frame")
        if kind == "commands":
            self.batches.append(len(frame.commands.commands))
            for command in frame.commands.commands:
                self._in["command"].put(command)
        else:
            self._in[kind].put(getattr(frame, kind))


class ThinAgent:
    """One machine: a key, and the ids that its files and its process would have."""

    def __init__(
        self, address: str, machine_id: str, key: Ed25519PrivateKey | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self.address, self.machine_id = address, machine_id
        self.key = key or Ed25519PrivateKey.generate()
        self.inbox_id, self.outbox_id, self.instance_id = (str(uuid.uuid4()) for _ in range(3))
        self.clock_offset = 0.0  # seconds this machine's clock is ahead
        self._now = now
        self.last_epoch = 0
        self.router_id = ""
        self.inbox: dict[str, pb.InboxState.ValueType] = {}
        self._channel = grpc.insecure_channel(address)
        self._stub = AgentLinkStub(self._channel)

    def now(self) -> float:
        """What this machine's clock says."""
        return self._now() + self.clock_offset

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def enrol(self, join_token: str, machine_id: str | None = None) -> pb.EnrollResponse:
        """Trade a join token for this machine's identity."""
        wanted = self.machine_id if machine_id is None else machine_id
        request = pb.EnrollRequest(join_token=join_token, machine_id=wanted, public_key=self.public_key)
        enrolled: pb.EnrollResponse = self._stub.Enroll(request, timeout=PATIENCE)
        self.router_id = enrolled.router_id
        return enrolled

    def rotate(self, key: Ed25519PrivateKey, **changes: Any) -> None:
        """Put another key in the place of this machine's; `changes` replace fields of the request."""
        public_key = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        said = b"\0".join((b"pointsman machine key v1", self.router_id.encode(), self.machine_id.encode(), public_key))
        signed = {"new_signature": key.sign(said), "old_signature": self.key.sign(said)}
        request = pb.RotateKeyRequest(**({"public_key": public_key} | signed | changes))
        metadata = [("authorization", f"Bearer {self.token()}")]
        self._stub.RotateKey(request, metadata=metadata, timeout=PATIENCE)
        self.key = key

    def token(self, **changes: Any) -> str:
        """A credential as an agent makes it; `changes` replace claims, None leaves one out."""
        now = self.now()
        claims = {"sub": self.machine_id, "aud": "pointsman", "iat": now, "exp": now + 300} | changes
        return jwt.encode({k: v for k, v in claims.items() if v is not None}, self.key, algorithm="EdDSA")

    def worker_token(self, session_id: str, generation: int = 1, **changes: Any) -> str:
        """What an agent gives to the program of a session; `changes` as of `token`."""
        own = {"iss": self.machine_id, "aud": self.router_id, "role": "worker", "exp": self.now() + 3600, "jti": "j"}
        return self.token(**own | {"session": session_id, "generation": generation} | changes)

    def part(self, command_id: str, number: int) -> bytes:
        """A part of the file of one of this machine's commands."""
        request = pb.GetCommandPartRequest(command_id=command_id, number=number)
        metadata = [("authorization", f"Bearer {self.token()}")]
        return bytes(self._stub.GetPart(request, metadata=metadata, timeout=PATIENCE).data)

    def put_part(self, file_id: str, number: int = 0, data: bytes = b"") -> int:
        """Put a part of a file for people; the number of the first part that the router lacks."""
        request = pb.PutPartRequest(file_id=file_id, number=number, data=data)
        metadata = [("authorization", f"Bearer {self.token()}")]
        return int(self._stub.PutPart(request, metadata=metadata, timeout=PATIENCE).next_number)

    def notify(
        self, notification_id: str, session_id: str, text: str, *files: types.NotificationFile, **more: Any
    ) -> None:
        """Tell people something, with files that were put."""
        told = pb.Notify(notification_id=notification_id, session_id=session_id, text=text, **more)
        request = pb.NotifyWithFilesRequest(notify=told, files=files)
        self._stub.NotifyWithFiles(request, metadata=[("authorization", f"Bearer {self.token()}")], timeout=PATIENCE)

    def hello(self, **changes: Any) -> pb.Hello:
        """How this agent introduces itself."""
        fields = {
            "machine_id": self.machine_id,
            "instance_id": self.instance_id,
            "inbox_id": self.inbox_id,
            "outbox_id": self.outbox_id,
            "last_link_epoch": self.last_epoch,
            "agent_version": "thin",
            "protocol_min": 1,
            "protocol_max": 1,
            "capabilities": ("text", "keys", "files", "permissions", "start"),
        }
        held = [pb.UnresolvedCommand(command_id=one, inbox_state=state) for one, state in self.inbox.items()]
        return pb.Hello(**({"unresolved": held} | fields | changes))

    def dial(self, *, token: str | None = None, **hello: Any) -> ThinLink:
        """Open a stream and send hello, without waiting for an answer. Somebody must end it."""
        return ThinLink(self._channel, self.token() if token is None else token, self.hello(**hello), self.inbox)

    @contextmanager
    def connected(self, **hello: Any) -> Iterator[ThinLink]:
        """A welcomed link, left on purpose at the end."""
        link = self.dial(**hello)
        try:
            self.last_epoch = link.welcome().link_epoch
            yield link
        finally:
            link.goodbye()

    def close(self) -> None:
        """Give the channel back."""
        self._channel.close()


def session(session_id: str, **fields: Any) -> pb.SessionUpdate:
    """A session as an agent tells it; inside hello its number is 0."""
    return pb.SessionUpdate(
        **({"generation": 1, "backend": "command", "state": types.SESSION_STATE_IDLE} | fields), session_id=session_id
    )


def ids(commands: Iterable[pb.CommandFrame]) -> list[str]:
    """The ids of command frames."""
    return [command.command_id for command in commands]
