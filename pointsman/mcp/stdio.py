"""The MCP server that a coding agent starts, as `python -I -S stdio.py SOCKET`: tools on its standard streams.

What a tool does is the business of this machine's agent, at its SOCKET: each call is a connection of its own, and names
itself, so that the same call again, to an agent that was started anew, is the same question. A call that waits for a
person goes on waiting however often that happens.

One thread, one loop, standard library alone. It ends with its input, and what waits then is asked no more.
"""

import json
import os
import select
import sys
import time
from _socket import socket

# Nothing of the folder that it runs in is imported, and nothing of site-packages but ours: -S leaves that out.
sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))  # noqa: PTH100, PTH120

from pointsman.mcp import protocol, tools
from pointsman.mcp.protocol import Call, Cancelled, Server
from pointsman.mcp.tools import Json

PROGRESS = 10.0  # seconds between signs that a call goes on: clients give up on what is silent
LOOK = 1.0  # seconds between looks for an agent that is started again
RETURN = 60.0  # seconds in which an agent that was restarted is there again, and has its router
_CHUNK = 64 * 1024
_WAITS = "Waiting for a person to answer."
_GOES_ON = "Waiting for Pointsman's agent."
_NO_AGENT = "Pointsman's agent does not run on this machine, so nothing was done. Whoever works here can start it."
_NO_ANSWER = "Nobody answered in time."
_TOO_LONG = f"A message may have {protocol.MAX_MESSAGE // 1024} KiB."


class Running:
    """A call that the agent carries out."""

    def __init__(self, call: Call, now: float) -> None:
        self.call = call
        self.waits = call.name == tools.ASK_PERSON  # for a person, and so over restarts
        seconds = call.arguments.get("timeout_seconds", tools.DEFAULT_WAIT) if self.waits else RETURN
        self.ends = now + seconds  # type: ignore[operator]  # judged before
        self.gives_up = now + RETURN  # while no agent has heard of it
        self.retry_at = now
        self.told_at = now
        self.connection: socket | None = None
        self.said = bytearray()
        self._identity = os.urandom(16).hex()

    def request(self, now: float) -> bytes:
        """What the agent is to do: the same whenever it is said again, but for the time that is left."""
        from agent.hooks import forward

        call = self.call
        asked: Json = {"op": "tool", "call": self._identity, "name": call.name, "arguments": call.arguments}
        asked |= {"environ": forward.place()}
        if self.waits:
            asked["seconds"] = max(1.0, self.ends - now)
        return json.dumps(asked).encode() + b"\n"

    def leave(self) -> None:
        """Hang up: whoever asks no more is no longer there."""
        if self.connection is not None:
            self.connection.close()
        self.connection = None
        self.said.clear()


class Bridge:
    """Between a client at these two descriptors and the agent at that socket."""

    def __init__(self, path: str, client: int = 0, answers: int = 1) -> None:
        self._path = path
        self._client = client
        self._answers = answers
        self._server = Server(tools.LOCAL)
        self._running: list[Running] = []
        self._line = bytearray()
        self._is_skipping = False  # the rest of a line that is too long

    def run(self) -> None:
        """Until the input ends."""
        while self._turn():
            pass
        for one in self._running:
            one.leave()

    def _turn(self) -> bool:
        """Wait for something, and do it. Whether more may come."""
        goes_on = True
        for descriptor in self._ready():
            if descriptor == self._client:
                goes_on = self._read()
            elif one := next((each for each in self._running if _is_at(each, descriptor)), None):
                self._hear(one)  # else it was cancelled in this very turn
        if goes_on:
            self._look()
        return goes_on

    def _ready(self) -> list[int]:
        """The descriptors at which something is to be read, once there is one, or something else to be done."""
        poll = select.poll()
        poll.register(self._client, select.POLLIN)
        for one in self._running:
            if one.connection is not None:
                poll.register(one.connection.fileno(), select.POLLIN)
        now = time.monotonic()
        due = min((self._due(one) for one in self._running), default=None)
        return [found for found, _ in poll.poll(None if due is None else max(0.0, due - now) * 1000)]

    def _due(self, one: Running) -> float:
        """When there is something to do for a call, also if nobody says anything."""
        awaited = [one.retry_at if one.connection is None else one.ends + RETURN]
        if one.call.token is not None:
            awaited.append(one.told_at + PROGRESS)
        return min(awaited)

    def _look(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        for one in tuple(self._running):
            if one.call.token is not None and now >= one.told_at + PROGRESS:
                one.told_at = now
                self._say(self._server.progress(one.call, _WAITS if one.waits else _GOES_ON))
            if one.connection is None and now >= one.retry_at:
                self._ask(one, now)
            elif one.connection is not None and now >= one.ends + RETURN:  # it should have said so itself
                self._finish(one, _NO_ANSWER, is_error=True)

    def _ask(self, one: Running, now: float) -> None:
        from agent.hooks import forward

        try:
            one.connection = forward.connected(self._path)
            one.connection.sendall(one.request(now))
            one.gives_up = one.ends
        except OSError:
            self._lost(one, now)

    def _lost(self, one: Running, now: float) -> None:
        """There is no agent, or not any more: it may come back."""
        one.leave()
        one.retry_at = now + LOOK
        if now >= min(one.ends, one.gives_up):
            heard = one.waits and one.gives_up == one.ends
            self._finish(one, _NO_ANSWER if heard else _NO_AGENT, is_error=True)

    def _hear(self, one: Running) -> None:
        """What the agent says of a call."""
        assert one.connection is not None  # noqa: S101 -- it was looked at
        try:
            data = one.connection.recv(_CHUNK)
        except OSError:
            data = b""
        one.said += data
        if not data:
            self._lost(one, time.monotonic())
        elif one.said.endswith(b"\n"):
            answer = json.loads(one.said)
            done = answer.get("ok") is True
            words = str(answer.get("text") if done else answer.get("error"))
            self._finish(one, words, is_error=not done or answer.get("failed") is True)

    def _finish(self, one: Running, words: str, *, is_error: bool = False) -> None:
        one.leave()
        self._running.remove(one)
        self._say(self._server.finished(one.call, words, is_error=is_error))

    def _read(self) -> bool:
        """Take what the client says. Whether more may come."""
        data = os.read(self._client, _CHUNK)
        if not data:
            return False
        self._line += data
        while (end := self._line.find(b"\n")) >= 0:
            line = bytes(self._line[:end])
            del self._line[: end + 1]
            if self._is_skipping or len(line) > protocol.MAX_MESSAGE:
                self._skip(goes_on=False)
            elif line.strip():
                self._take(self._server.receive(line))
        if len(self._line) > protocol.MAX_MESSAGE:
            self._skip(goes_on=True)
        return True

    def _skip(self, *, goes_on: bool) -> None:
        """Pass over a line that is too long; its sender is told once."""
        if not self._is_skipping:
            self._say(protocol.error(None, protocol.INVALID_REQUEST, _TOO_LONG))
        self._is_skipping = goes_on
        if goes_on:
            self._line.clear()

    def _take(self, taken: protocol.Taken) -> None:
        if isinstance(taken, Call):
            self._running.append(Running(taken, time.monotonic()))
        elif isinstance(taken, Cancelled):
            one = next(each for each in self._running if each.call is taken.call)
            one.leave()
            self._running.remove(one)
        else:
            self._say(taken)

    def _say(self, message: "Json | None") -> None:
        left = protocol.line(message) if message is not None else b""
        while left:
            try:
                left = left[os.write(self._answers, left) :]
            except BlockingIOError:  # its client has made the pipe so
                select.select([], [self._answers], [])


def _is_at(one: Running, descriptor: int) -> bool:
    return one.connection is not None and one.connection.fileno() == descriptor


def default_socket() -> str:
    """Where the agent of this account listens, as `pointsman` finds it."""
    from agent.local.client import socket_path

    home = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")  # noqa: PTH111, PTH118
    return socket_path(os.environ.get("POINTSMAN_DATA_DIR") or os.path.join(home, "pointsman"))  # noqa: PTH118


if __name__ == "__main__":
    try:
        Bridge(sys.argv[1] if len(sys.argv) > 1 else default_socket()).run()
    except (BrokenPipeError, KeyboardInterrupt):  # its client is gone, or wants it to go
        os._exit(0)
    os._exit(0)  # at once, as the hooks' client
