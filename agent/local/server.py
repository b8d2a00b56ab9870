"""The Unix socket for programs of this user: JSON lines, a request and its answer; attached terminals stay."""

import asyncio
import json
import logging
import os
import stat
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from agent import peers
from agent.backends.joined.opencode import OpenCode
from agent.backends.pty import Attachment, PtyBackend
from agent.domain.command import Reason
from agent.domain.errors import AgentError, Refusal, StoreUnavailable
from agent.domain.session import Session, SessionState
from agent.local.client import MAX_LINE
from agent.local.fields import Answer, Message, text_of
from agent.local.requests import Requests
from agent.local.tools import PEER
from agent.services.sessions import Sessions

logger = logging.getLogger(__name__)

DISCARD_TIME = 1.0  # seconds


class LocalServer:
    """Listens until it is stopped. Only this user and root are heard."""

    def __init__(
        self,
        path: Path,
        requests: Requests,
        sessions: Sessions,
        pty: PtyBackend | None,
        shown: Callable[[str, SessionState], None],
        typed: Callable[[str], None] = lambda _session_id: None,
        opencode: OpenCode | None = None,
    ) -> None:
        """`shown` hears of a session what the screen of its terminal tells, `typed` that somebody types there."""
        self._typed = typed
        self._shown = shown
        self._path = path
        self._requests = requests
        self._sessions = sessions
        self._pty = pty
        self._opencode = opencode
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen, and hear what was said before. Who calls holds the folder's lock: a socket there is a dead one's."""
        _own_folder(self._path.parent)
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._connected, str(self._path), limit=MAX_LINE)
        self._path.chmod(0o600)  # beside the folder, which is 0700: either is enough
        await self._requests.catch_up()

    async def stop(self) -> None:
        """Stop listening, end the connections, take the socket away."""
        if self._server is None:
            return
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()
        self._path.unlink(missing_ok=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- asyncio runs this in a task
        self._connections.add(task)
        try:
            if peers.uid_of(writer.get_extra_info("socket")) in (os.getuid(), 0):
                await self._converse(Connection(reader, writer, peers.pid_of(writer.get_extra_info("socket"))))
        except (OSError, asyncio.CancelledError):
            logger.debug("local connection ended")
        except Exception:
            logger.exception("a local request broke")
        finally:
            self._connections.discard(task)
            writer.close()

    async def _converse(self, connection: "Connection") -> None:
        while True:
            try:
                message = await connection.read()
                if message is None:
                    return
                if message.get("op") == "attach_pty":
                    await self._attach(connection, message)
                    return
                if message.get("op") == "join":
                    await self._join(connection, message)
                    return
                if self._requests.asks(message):
                    await self._hold(connection, message)
                else:
                    await connection.send({"ok": True, **await self._requests.answer(message)})
            except AgentError as error:
                await connection.send(_no(error))
            except OSError:  # the other side is gone
                raise
            except Exception:
                logger.exception("a local request failed")
                await connection.send({"ok": False, "reason": "INTERNAL", "error": _MISTAKE})

    async def _hold(self, connection: "Connection", message: Message) -> None:
        """A question: its asker waits for a person, and may be gone before one has answered."""
        async with self._requests.permissions.asking(*self._requests.over(message)) as asking:
            answer = await connection.unless_gone(self._requests.ask(message, asking))
            await connection.send({"ok": True, **answer})

    async def _attach(self, connection: "Connection", message: Message) -> None:
        if self._pty is None:
            raise Refusal(Reason.UNSUPPORTED, "This agent has no pty backend.")
        session = await self._requests.attach(message)
        await connection.send({"ok": True, "session_id": session.session_id, "generation": session.generation})
        attachment = self._pty.attach(session.session_id, connection.send)
        self._sessions.host_came(session.session_id)
        try:
            await self._host(connection, attachment, session)
        finally:
            self._pty.detach(attachment)

    async def _join(self, connection: "Connection", message: Message) -> None:
        """The plugin of a coding agent in a terminal, until it goes."""
        if self._opencode is None:
            raise Refusal(Reason.UNSUPPORTED, "This agent joins no programs.")
        plugin = self._opencode.came(connection.pid, connection.send, text_of(message, "session"))
        try:
            while (said := await connection.read()) is not None:
                await plugin.heard(said)
        except Refusal as refusal:  # it comes again
            raise ConnectionAbortedError(refusal.text) from None
        finally:
            self._opencode.went(plugin)

    async def _host(self, connection: "Connection", attachment: Attachment, session: Session) -> None:
        """What a terminal's host says, until its program or its connection ends."""
        while (message := await connection.read()) is not None:
            if message.get("type") == "outcome":
                attachment.outcome(message)
            elif message.get("type") == "shows":
                state = SessionState.BUSY if message.get("changes") is True else SessionState.IDLE
                self._shown(session.session_id, state)
            elif message.get("type") == "typed":
                self._typed(session.session_id)
            elif message.get("type") == "exit":
                await self._exited(session, f"exit code {message.get('code')}")
                return

    async def _exited(self, session: Session, detail: str) -> None:
        now = self._sessions.known(session.session_id)
        if now.generation == session.generation:  # else another program has taken the id over
            await self._sessions.close(session.session_id, detail)


class Connection:
    """JSON lines of one program."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pid: int) -> None:
        self._reader = reader
        self._writer = writer
        self.pid = pid  # of the program, as the kernel says

    async def read(self) -> Message | None:
        """The next message; None at the end. Raises Refusal when a line is no message, OSError when it never ends."""
        try:
            line = await self._reader.readline()
        except ValueError:
            refusal = Refusal(Reason.TOO_LARGE, "A line may have 1 MiB.")
            await self.send(_no(refusal))
            await self._discard()
            raise ConnectionAbortedError("line too long") from None
        if not line:
            return None
        try:
            message: Any = json.loads(line)
        except (ValueError, RecursionError):
            raise Refusal(Reason.INVALID_ARGUMENT, "The line is not JSON.") from None
        if not isinstance(message, dict):
            raise Refusal(Reason.INVALID_ARGUMENT, "The line must be a JSON object.")
        return {**message, PEER: self.pid}

    async def _discard(self) -> None:
        """Read on for a while: closing on unread bytes would take our answer away with them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DISCARD_TIME):
                while await self._reader.read(65536):
                    pass

    async def unless_gone(self, answering: Coroutine[None, None, Answer]) -> Answer:
        """Wait for an answer as long as the other side is there, which says nothing more. Raises OSError if it is not.

        Every other line before the answer is dropped.
        """
        task = asyncio.create_task(answering)
        gone = asyncio.create_task(self._gone())
        try:
            await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise ConnectionAbortedError("the asker is gone")
            return task.result()
        finally:
            for each in (task, gone):
                each.cancel()
            await asyncio.gather(task, gone, return_exceptions=True)

    async def _gone(self) -> None:
        with suppress(OSError):
            while await self._reader.read(65536):
                pass

    async def send(self, message: Mapping[str, object]) -> None:
        """Write one message. Raises OSError when the other side is gone."""
        self._writer.write(json.dumps(message).encode() + b"\n")
        await self._writer.drain()


_MISTAKE = "The agent made a mistake; its log says more. Nothing was stored."


def _no(error: AgentError) -> Answer:
    reason = Reason.INVALID_ARGUMENT
    if isinstance(error, Refusal):
        reason = error.reason
    elif isinstance(error, StoreUnavailable):
        reason = Reason.STORAGE_UNAVAILABLE
    return {"ok": False, "reason": reason.value, "error": error.text}


def _own_folder(folder: Path) -> None:
    """Make the socket's folder, or make sure that nobody else made it: in /tmp anybody could."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise StoreUnavailable(f"{folder} belongs to someone else; remove it, or choose a shorter POINTSMAN_DATA_DIR.")
    folder.chmod(0o700)
