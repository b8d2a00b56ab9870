"""A person's terminal with a real coding agent in it, and the agent that finds it there."""

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from agent import processes
from agent.backends.claude.transcript_file import Cursor, TranscriptFile
from agent.backends.registry import backends
from agent.domain.command import Command, Input, KeyPress, Lane, Order, Outcome, PermissionDecision
from agent.domain.frames import CommandResult, Item, Notify, PermissionAsked, PermissionOver
from agent.domain.permission import Question, Verdict
from agent.domain.session import Session, SessionState
from agent.domain.session_event import What
from tests.fakes.acp_programs import AcpHome
from tests.integration.agent.backends.stages import TmuxServerFixture
from tests.rigs.agent_rig import Rig, Rigs, eventually
from tests.waiting import wait_until

NOBODY = "127.0.0.1:1"
LONG = 60.0  # seconds; other programs share the cores
TRIES = int(os.environ.get("TEST_DIALOGS", "1"))  # of what must not meet a dialog
MORE = 60 * (TRIES - 1)  # seconds for all but the first
# Its environment is its own; where its terminal is it must know.
_PLACED = 'exec "$@" TMUX="$TMUX" TMUX_PANE="$TMUX_PANE" "$0"'
T = TypeVar("T")


class Terminal:
    """A tmux of its own, with a coding agent in it; `close` ends both."""

    def __init__(self, folder: Path, home: AcpHome, project: Path, *arguments: str) -> None:
        self.home = home
        self.project = project
        named = [f"{name}={value}" for name, value in {**home.environ, "TERM": "xterm-256color"}.items()]
        self._command = ["env", "-i", "-C", str(project), *named]
        program = f"{home.program.terminal} {' '.join(arguments)}".strip()
        self.tmux = TmuxServerFixture(folder, ["sh", "-c", _PLACED.replace('"$0"', program), "-", *self._command])
        self.tmux.run("set-option", "-g", "remain-on-exit", "on")

    def again(self, *arguments: str) -> None:
        """Another program in the place of the one that ended."""
        program = f"{self.home.program.terminal} {' '.join(arguments)}".strip()
        self.tmux.run("respawn-pane", "-k", "sh", "-c", _PLACED.replace('"$0"', program), "-", *self._command)

    @property
    def pid(self) -> int:
        return int(self.tmux.run("display-message", "-p", "#{pane_pid}"))

    def kill(self) -> None:
        """End the program, and what it has started of itself, as nobody can expect."""
        self._end()
        wait_until(lambda: self.tmux.run("display-message", "-p", "#{pane_dead}") == "1", LONG)

    def _end(self) -> None:
        pid = self.pid
        for each in (pid, *processes.below(pid)):
            with suppress(ProcessLookupError):  # with the one before
                os.kill(each, signal.SIGKILL)

    def type(self, text: str) -> None:
        self.tmux.run("send-keys", "-l", "--", text)
        self.shows(text)
        self.press("Enter")

    def press(self, key: str) -> None:
        self.tmux.run("send-keys", key)

    def screen(self) -> str:
        return self.tmux.run("capture-pane", "-p", "-J")

    def shows(self, text: str) -> None:
        wait_until(lambda: text in self.screen(), LONG)

    def close(self) -> None:
        if self.tmux.run("display-message", "-p", "#{pane_dead}") != "1":
            self._end()  # Gemini CLI in the middle of something outlives its terminal
        self.tmux.close()


class Afar:
    """The agent that finds the program, and what is sent and heard through it."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._count = 0

    @property
    def sessions(self) -> Sequence[Session]:
        return self.rig.agent.sessions.live()

    async def session(self, backend: str) -> Session:
        """The only session, once it is joined and rests."""
        found = await eventually(
            lambda: [one for one in self.sessions if one.backend == backend and one.conversation], LONG
        )
        (session,) = found
        await self.becomes(session, SessionState.IDLE)
        return self.now(session)

    def now(self, session: Session) -> Session:
        return self.rig.agent.sessions.known(session.session_id)

    async def becomes(self, session: Session, state: SessionState) -> None:
        await eventually(lambda: self.now(session).state is state, LONG)

    async def send(self, session: Session, order: Order, lane: Lane = Lane.NORMAL) -> str:
        self._count += 1
        name = f"c{uuid.uuid4()}"
        command = Command(name, session.session_id, 0, self._count, lane, order)
        await self.rig.agent.link_handler.store((command,))
        return name

    async def ended(self, name: str) -> Outcome:
        return await self.comes(
            lambda item: item.outcome if isinstance(item, CommandResult) and item.command_id == name else None
        )

    async def say(self, session: Session, text: str) -> Outcome:
        return await self.ended(await self.send(session, Input(text)))

    async def press(self, session: Session, key: str) -> Outcome:
        return await self.ended(await self.send(session, KeyPress(key), Lane.URGENT))

    async def turn(self, session: Session, text: str) -> None:
        """A text, and the end of what it begins."""
        assert await self.say(session, text) == Outcome.done()
        await self.becomes(session, SessionState.IDLE)

    async def items(self) -> list[Item]:
        return [row.item for row in await self.rig.agent.outbox.after(0, 10_000)]

    def events(self, session: Session) -> list[What]:
        """What is recorded of it."""
        talk, file, cursor = self.now(session).conversation, TranscriptFile(lambda text: text), Cursor()
        found: list[What] = []
        while talk is not None:
            read = file.read(cursor, talk.transcript)
            found += [event.what for event in read.events]
            if not read.more:
                break
            cursor = read.cursor
        file.close()
        return found

    async def comes(self, pick: Callable[[Item], T | None]) -> T:
        """What the first item gives of which `pick` makes something."""

        async def found() -> list[T]:
            return [one for item in await self.items() if (one := pick(item)) is not None]

        picked: list[T] = await eventually(found, LONG)
        return picked[0]

    async def told(self, words: str) -> str:
        """The message to people with these words."""
        return await self.comes(lambda item: item.text if isinstance(item, Notify) and words in item.text else None)

    async def asked(self, words: str) -> Question:
        """The question in which they are."""

        def pick(item: Item) -> Question | None:
            return item.question if isinstance(item, PermissionAsked) and words in item.question.input else None

        return await self.comes(pick)

    async def decide(self, session: Session, question: Question, verdict: Verdict, text: str = "") -> Outcome:
        option = next(
            one.option_id for one in question.options if one.verdict is verdict and (one.takes_text or not text)
        )
        decision = PermissionDecision(question.permission_id, question.input_digest, option, text)
        return await self.ended(await self.send(session, decision, Lane.URGENT))

    async def over(self, question: Question) -> PermissionOver:
        def pick(item: Item) -> PermissionOver | None:
            is_it = isinstance(item, PermissionOver) and item.permission_id == question.permission_id
            return item if is_it and isinstance(item, PermissionOver) else None

        return await self.comes(pick)


@asynccontextmanager
async def agent(rigs: Rigs, home: AcpHome, *names: str, **settings: Any) -> AsyncIterator[Afar]:
    """An agent with this home, which joins these programs; `async with` is its life."""
    table = backends(records=rigs.data_dir / "records").table
    more = {name: table[name] for name in names}
    async with rigs.running(NOBODY, more=more, home=home.home, **settings) as rig:
        yield Afar(rig)


async def settled(look: Callable[[], Awaitable[Any] | Any]) -> Any:
    return await eventually(look, LONG)


async def moment(seconds: float) -> None:
    """So much later: a random moment is what is tried."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    loop.call_later(seconds, over.set_result, None)
    await over
