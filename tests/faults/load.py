"""Traffic: one sender a session, who sends one text after the other, each until somebody says that it is safe."""

import itertools
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial

import grpc
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from agentlink.v1.agent_link_pb2_grpc import AgentLinkStub
from agentlink.v1.control_pb2_grpc import ControlStub

from tests.faults.journal import Journal

API_KEY = "pmk_" + "f" * 43
METADATA = (("x-api-key", API_KEY),)
CALL = 5.0  # seconds for one try
AGAIN = 0.05  # seconds between tries
_REFUSED = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.UNAUTHENTICATED)
OPTIONS = [
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
]
PLACES = {number: name.rpartition("_")[2].lower() for name, number in types.CommandState.items()}


class Door:
    """The router as a sender sees it."""

    def __init__(self, address: str, ca: bytes | None = None) -> None:
        if ca is None:
            self.channel = grpc.insecure_channel(address, OPTIONS)
        else:
            self.channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(ca), OPTIONS)
        self.address = address
        self.control = ControlStub(self.channel)
        self.machines = AgentLinkStub(self.channel)

    def close(self) -> None:
        self.channel.close()

    def send(self, session: str, text: str, ttl: int = 0) -> types.Command:
        """Send once, with a time limit in seconds if there is one. Raises grpc.RpcError."""
        action = types.Action(input=types.Input(text=text, submit=True))
        request = pb.SendCommandRequest(session_id=session, action=action, request_id=text)
        if ttl:
            request.ttl.FromSeconds(ttl)
        return self.control.SendCommand(request, metadata=METADATA, timeout=CALL).command

    def states(self, sessions: Iterable[str]) -> dict[str, str]:
        """The router's last word on every command of these sessions, by text."""
        return {one.action.input.text: PLACES[one.state] for session in sessions for one in self._commands(session)}

    def live(self, sessions: Iterable[str]) -> int:
        """Commands of these sessions that have not ended."""
        states = [types.COMMAND_STATE_QUEUED, types.COMMAND_STATE_SENT, types.COMMAND_STATE_RECEIVED]
        return sum(
            len(self.control.ListCommands(pb.ListCommandsRequest(session_id=session, states=states, limit=500),
                                          metadata=METADATA, timeout=CALL).commands)
            for session in sessions
        )  # fmt: skip

    def _commands(self, session: str) -> Iterable[types.Command]:
        before = ""
        while True:
            request = pb.ListCommandsRequest(session_id=session, limit=500, before_command_id=before)
            page = self.control.ListCommands(request, metadata=METADATA, timeout=CALL).commands
            if not page:
                return
            yield from page
            before = page[-1].command_id


class Senders:
    """All senders, from start to stop. Each waits `pause` seconds after an answer; every other text has a ttl."""

    def __init__(
        self, door: Door, sessions: Iterable[str], journal: Journal, run: str, *, pause: float = 0.05, ttl: int = 0
    ) -> None:
        self._door = door
        self._journal = journal
        self._run = run
        self._pause = pause
        self._ttl = ttl
        self._stopping = threading.Event()
        self.refusals: list[str] = []
        self._threads = [threading.Thread(target=self._send_all, args=(session,)) for session in sessions]

    def __enter__(self) -> "Senders":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Send nothing new, and wait for the answers that are due."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _send_all(self, session: str) -> None:
        for number in itertools.count(1):
            if self._stopping.is_set():
                return
            text = f"{self._run} {session} {number}"
            self._journal.note("attempted", session=session, text=text)
            ttl = self._ttl if number % 2 else 0
            command = self._insist(partial(self._door.send, session, text, ttl))
            if command is None:
                return
            self._journal.note("accepted", durable=True, session=session, text=text, sequence=command.sequence)
            self._stopping.wait(self._pause)

    def _insist(self, call: Callable[[], types.Command]) -> types.Command | None:
        """Until it is answered. What was begun is brought to its end even while stopping, for half a minute."""
        gives_up = float("inf")
        while time.monotonic() < gives_up:
            try:
                return call()
            except grpc.RpcError as error:
                if error.code() in _REFUSED:
                    self.refusals.append(f"{error.code()} {error.details()}")
                    return None
            if self._stopping.wait(AGAIN):
                gives_up = min(gives_up, time.monotonic() + 30)
                threading.Event().wait(AGAIN)
        return None
