"""A tmux server, spoken to through one client in control mode: a command is a line, and no program is started for it.

The client is attached while texts are typed, and for some seconds after. It takes no output, counts for no size and
leaves the session's environment alone; what a person may notice is that the session counts as attached meanwhile.
"""

import asyncio
import logging
import secrets
import socket
import subprocess
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

from agent.backends.terminals.keyboard import Refused, Silent

logger = logging.getLogger(__name__)

LINGER = 5.0
"""Seconds without a command after which the client leaves: `tmux attach` prefers sessions that nobody looks at."""

LOOK = 0.1
"""Seconds between looks whether it has answered, where it takes longer than that."""

REST = 60.0
"""Seconds in which a server that takes no such client is not asked again."""

MOST = 8 * 1024 * 1024
"""Bytes of memory for one answer; the largest of screens takes less."""

_LINE = 64
"""Bytes that a line takes beside its letters."""

Run = Callable[..., Awaitable[str]]

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "$": "\\$", "~": "\\~", "\n": "\\n", "\t": "\\t"})
_WATCHED = ("client-attached", "client-detached", "client-session-changed", "client-active", "client-resized")


class Broken(Silent):
    """The client went while it was asked something, which may have happened."""


def line_of(commands: Iterable[Sequence[str]]) -> str:
    """Commands as one line, each word exactly."""
    return " ; ".join(" ".join(f'"{word.translate(_ESCAPES)}"' for word in command) for command in commands)


def answer_of(lines: Iterable[str]) -> str:
    """What commands printed, by the lines that came meanwhile. Raises Refused where one failed, with its words.

    The words of each stand between %begin and %end, or %error, with the same numbers; outside are notifications. A
    program may show such lines on its screen: that spoils a look at its own screen, and nothing else.
    """
    words: list[str] = []
    numbers, failed = "", False
    for line in lines:
        if not numbers:
            numbers = line.removeprefix("%begin") if line.startswith("%begin ") else ""
        elif line in (f"%end{numbers}", f"%error{numbers}"):
            numbers, failed = "", failed or line.startswith("%error")
        else:
            words.append(line)
    if failed:
        raise Refused("\n".join(words) or "tmux does not say why")
    return "\n".join(words)


def is_watched(hooks: str) -> bool:
    """Whether something of a person's happens when a client comes or goes, by the answer to `show-hooks`."""
    named = (line.partition(" ") for line in hooks.splitlines())
    return any(name.startswith(_WATCHED) and value for name, _, value in named)


class _Question:
    """What was asked, and the lines that came since. Its end is a line that nobody can guess, and no screen shows."""

    def __init__(self, answer: "asyncio.Future[list[str]]") -> None:
        self.answer = answer
        self.end = secrets.token_hex(16)
        self.lines: list[str] = []
        self.size = 0

    def is_ended_by(self, line: str) -> bool:
        """Take a line in; whether that was the end."""
        if line == self.end:
            return True
        self.size += len(line) + _LINE
        self.lines.append(line)
        return False

    def said(self) -> str:
        """The last words of a client that ended instead of an answer."""
        words = [line for line in self.lines if line and not line.startswith(("%begin ", "%end ", "%error "))]
        return " ".join(words[-3:]) or "it ended"


class ControlClient(asyncio.Protocol):
    """One client, in the event loop in which it was opened. It leaves by itself when nobody needs it any more."""

    def __init__(self) -> None:
        self._questions: deque[_Question] = deque()
        self._unended = b""
        self._over = asyncio.Event()
        self._why = "it was detached"
        self._used = time.monotonic()
        self._line: asyncio.Transport | None = None
        self._living: asyncio.Task[None] | None = None  # held, so that it is not collected

    @property
    def is_open(self) -> bool:
        return not self._over.is_set()

    @property
    def _is_awaited(self) -> bool:
        return any(not question.answer.done() for question in self._questions)

    async def open(self, command: Sequence[str], limit: float) -> None:
        """Come once the server answers. Raises Refused or Broken where it takes no such client, Silent, or OSError."""
        loop = asyncio.get_running_loop()
        # No pipes: uvloop closes those that it is handed twice, and then the number may be another file's.
        ours, its = socket.socketpair()
        with its:
            # Not uvloop's own way to start a program, as in spawning.
            process = subprocess.Popen(command, stdin=its.fileno(), stdout=its.fileno(), stderr=subprocess.STDOUT)  # noqa: ASYNC220 -- not for long
        self._living = loop.create_task(self._live(process), name="tmux client")
        self._line, _ = await loop.create_connection(lambda: self, sock=ours)
        await self.ask("display-message -p here", limit)

    async def ask(self, line: str, limit: float) -> str:
        """What the commands of a line print. Raises Refused, Broken, or Silent after `limit` seconds."""
        question = _Question(asyncio.get_running_loop().create_future())
        if self._line is None or not self.is_open:
            raise Refused(self._why)  # nothing was asked
        self._questions.append(question)
        self._used = time.monotonic()
        self._line.write(f"{line}\ndisplay-message -p {question.end}\n".encode())
        try:
            return answer_of(await asyncio.wait_for(question.answer, limit))
        except TimeoutError:
            self._leave("it hangs")
            raise Silent(f"tmux did not answer for {limit:g} s") from None

    def data_received(self, data: bytes) -> None:
        *lines, self._unended = (self._unended + data).split(b"\n")
        for line in lines:
            self._hear(line.decode(errors="replace"))
        if len(self._unended) > MOST:
            self._leave("it sends a line without an end")

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 -- why is in what it said
        self._leave(self._questions[0].said() if self._questions else "it ended")

    def _hear(self, line: str) -> None:
        if not self._questions:
            return  # a notification
        question = self._questions[0]
        if question.is_ended_by(line):
            self._questions.popleft()
            if not question.answer.done():  # else nobody waits for it any more
                question.answer.set_result(question.lines)
        elif question.size > MOST:
            self._leave("it does not come to an end")

    def _leave(self, why: str) -> None:
        if self.is_open:
            self._why = why
        self._over.set()
        while self._questions:
            question = self._questions.popleft()
            if not question.answer.done():
                question.answer.set_exception(Broken(f"the connection to tmux ended: {why}"))

    async def _live(self, process: "subprocess.Popen[bytes]") -> None:
        """Until it is over, or was not needed for a while; also where the event loop ends before."""
        try:
            while (left := self._used + LINGER - time.monotonic()) > 0 or self._is_awaited:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._over.wait(), left if left > 0 else LOOK)
                    break
        finally:
            self._leave("it is not needed any more")
            process.kill()
            process.wait()
            if self._line is not None:
                self._line.close()


class Control:
    """How one server is reached: by a client in control mode, where it takes one. `limit` is in seconds."""

    def __init__(self, prefix: Sequence[str], limit: float) -> None:
        self._prefix = prefix
        self._limit = limit
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening = asyncio.Lock()
        self._client: ControlClient | None = None
        self._next_try = 0.0  # monotonic

    async def client(self, pane: str, run: Run) -> ControlClient | None:
        """A client in the session of that pane, or whichever is there; None where there is to be none.

        `run` asks the server by a process. Raises Silent where it hangs.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._client, self._opening = loop, None, asyncio.Lock()
        async with self._opening:
            if self._client is None or not self._client.is_open:
                self._client = await self._opened(pane, run) if time.monotonic() >= self._next_try else None
        return self._client

    async def _opened(self, pane: str, run: Run) -> ControlClient | None:
        try:
            answer = await run(("show-hooks", "-g"), ("show-hooks", "-t", pane), _session_of(pane))
        except Refused:
            return None  # there is no such pane, or no server: whoever asks will hear of it
        hooks, _, session = answer.rpartition("\n")
        if is_watched(hooks):
            self._rest("a hook of its person tells what happens when clients come and go")
            return None
        # -N: a server that has just ended is not begun anew. By its id: a pane's would change what is in front.
        attach = ("-N", "-C", "attach-session", "-E", "-f", "no-output,ignore-size", "-t", session)
        client = ControlClient()
        try:
            await client.open((*self._prefix, *attach), self._limit)
        except (Silent, Refused, OSError) as error:  # though it has just answered a process
            self._rest(str(error))
            return None
        return client

    def _rest(self, why: str) -> None:
        self._next_try = time.monotonic() + REST
        logger.warning("tmux is asked by a process for each command: %s", why)


def _session_of(pane: str) -> Sequence[str]:
    return ("display-message", "-p", "-t", pane, "#{session_id}")
