"""What happens in `pointsman demo`, in order."""

import asyncio
import os
import pty
import shlex
import shutil
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import click

from pointsman.client.control import Control
from pointsman.client.errors import RouterError
from pointsman.client.records import Command, CommandState, Event
from pointsman.config import FILE_NAME, Settings
from pointsman.connection import connected
from pointsman.demo import sample
from pointsman.demo.person import Person
from pointsman.errors import Failure
from pointsman.json_records import command_text
from pointsman.render import clock, state_word
from pointsman.secret_files import KEYS, make_missing
from pointsman.up.supervisor import Supervisor
from pointsman.up.up import COMMAND, Running, again, login_address, only_one, start_all

T = TypeVar("T")

_ANSWER = "Yes, go on. And greet the reader!"
_DEADLINE = 30.0  # seconds for each thing that is waited for, on a busy machine


async def play(supervisor: Supervisor, settings: Settings, *, alone: bool) -> None:
    """Run the demo; `alone`, it answers itself and ends, else it runs until it is stopped. Raises Failure."""
    with only_one(settings):
        click.echo("Starting router, agent and adapter …")
        make_missing(settings, *KEYS)
        running = await start_all(supervisor, again(settings))
        _write_addresses(running)
        with connected(running.settings) as router:
            events = _follow(router)  # before the session begins: its first words count
            session = await SampleSession.start(running.settings)
            try:
                await _in_time(_said(router, events, sample.QUESTION), "the session's question did not arrive")
                if alone:
                    await _answer(running, router, events)
                else:
                    _invite(running)
                    await _tell_forever(router, events)
            finally:
                await session.stop()


def _write_addresses(running: Running) -> None:
    """Make `pointsman --data-dir … sessions` work from another terminal."""
    http = running.console.removeprefix("http://")
    text = f'router_listen = "{running.router}"\nhttp_listen = "{http}"\n'
    path = running.settings.data_dir / FILE_NAME
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


@dataclass(slots=True)
class SampleSession:
    """The sample program in a terminal of its own, opened the way people do: `pointsman run`."""

    process: asyncio.subprocess.Process
    terminal: int

    @classmethod
    async def start(cls, settings: Settings) -> "SampleSession":
        terminal, inner = pty.openpty()
        program = (sys.executable, "-I", "-m", "pointsman.demo.sample", str(settings.data_dir))
        flags = ("--data-dir", str(settings.data_dir), "--label", "demo", "--session", sample.SESSION_ID)
        # A session of its own, as a terminal's window gives: our Ctrl-C does not reach it.
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "run", *flags, "--", *program, stdin=inner, stdout=inner, stderr=inner, start_new_session=True
        )
        os.close(inner)  # else its end would never be seen at ours
        session = cls(process, terminal)
        asyncio.get_running_loop().add_reader(terminal, session.read)
        return session

    def read(self) -> None:
        try:
            os.read(self.terminal, 4096)  # nobody looks: it must not fill up
        except OSError:  # the other end is closed
            asyncio.get_running_loop().remove_reader(self.terminal)

    async def stop(self) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGHUP)  # as a window that is closed
        try:
            await asyncio.wait_for(self.process.wait(), 3.0)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        asyncio.get_running_loop().remove_reader(self.terminal)
        os.close(self.terminal)


def _invite(running: Running) -> None:
    click.echo(f"\nAnswer it in the web console:\n\n  {click.style(login_address(running), bold=True)}\n")
    call = shlex.join([_called(), "--data-dir", str(running.settings.data_dir), "send", sample.SESSION_ID])
    click.echo(f"or from another terminal:\n\n  {call} 'Hello!' --wait\n")
    click.echo("Ctrl-C ends the demo.\n")


def _called() -> str:
    """How a shell finds this very command: people may have it in a folder that is not on their path."""
    script = Path(sys.executable).with_name("pointsman")
    found = shutil.which("pointsman")
    return "pointsman" if found and Path(found).resolve() == script.resolve() else str(script)


async def _answer(running: Running, router: Control, events: "asyncio.Queue[Event]") -> None:
    """Play the person, and check that the session heard it, and answered in the chat."""
    person = await asyncio.to_thread(Person, login_address(running))
    command_id = await asyncio.to_thread(person.send, sample.SESSION_ID, _ANSWER)
    command = await _in_time(_ended_and_answered(router, events, command_id), "the session did not answer the reply")
    if command.state is not CommandState.DONE:
        raise Failure(f"the reply ended {state_word(command.state)}: {command.reason} {command.detail}")


async def _ended_and_answered(router: Control, events: "asyncio.Queue[Event]", command_id: str) -> Command:
    """Print what happens until both have; the last receipt and the answer may come in any order."""
    ended: Command | None = None
    answered = False
    while not (ended and (answered or ended.state is not CommandState.DONE)):
        command, words = await _tell_next(router, events)
        answered = answered or words == sample.heard(_ANSWER)
        if command and command.command_id == command_id and command.state.ended:
            ended = command
    return ended


async def _in_time(waited_for: Awaitable[T], trouble: str) -> T:
    """Raises Failure with `trouble` after the deadline."""
    try:
        async with asyncio.timeout(_DEADLINE):
            return await waited_for
    except TimeoutError:
        raise Failure(f"the demo failed: {trouble}") from None


def _follow(router: Control) -> "asyncio.Queue[Event]":
    """What happens to the session from now on. Ends with the router."""
    loop, events = asyncio.get_running_loop(), asyncio.Queue[Event]()

    def read() -> None:
        with suppress(RouterError, RuntimeError):  # the router, or the loop, has ended
            for event in router.watch(sample.SESSION_ID):
                loop.call_soon_threadsafe(events.put_nowait, event)

    # A daemon: it hangs in a call that only the router's end ends.
    threading.Thread(target=read, daemon=True).start()
    return events


async def _tell_forever(router: Control, events: "asyncio.Queue[Event]") -> None:
    while True:
        await _tell_next(router, events)


async def _said(router: Control, events: "asyncio.Queue[Event]", words: str) -> None:
    """Print what happens until the session has said this in the chat."""
    while (await _tell_next(router, events))[1] != words:
        pass


async def _tell_next(router: Control, events: "asyncio.Queue[Event]") -> tuple[Command | None, str]:
    """Print the next receipt of a command, or the next words of the session, as it happens; which one it was."""
    while True:
        step = (await events.get()).step
        state = next((state for state in _RECEIPTS if state.name == step.to_state), None)
        if not step.subject_id or state is None:
            continue
        words = await asyncio.to_thread(_words, router, step.subject_id)
        if words and state is CommandState.QUEUED:
            click.echo(f'The session "{sample.SESSION_ID}" says: {words}')
            return None, words
        with suppress(RouterError):  # a later step of a notification
            command = await asyncio.to_thread(router.command, step.subject_id)
            _RECEIPTS[state](command)
            return command, ""


def _words(router: Control, notification_id: str) -> str:
    """What the session said; empty for receipts, and for what is no notification."""
    said = router.notifications(sample.SESSION_ID)
    return next((one.text for one in said if one.notification_id == notification_id and not one.command_id), "")


def _line(command: Command, words: str, at: datetime | None) -> None:
    began = command.created_at
    after = f"+{(at - began).total_seconds() * 1000:.0f} ms" if at and began else ""
    click.echo(f"  {clock(at)}  {words:<15} {after:>9}")


def _accepted(command: Command) -> None:
    click.echo(f"Reply: {command_text(command) or command.key}")
    _line(command, "accepted", command.created_at)


def _ended(command: Command) -> None:
    if command.state is CommandState.DONE:
        _line(command, "typed in", command.typed_at)
        _line(command, "finished", command.ended_at)
    else:
        _line(command, f"{state_word(command.state)} {command.reason} {command.detail}", command.ended_at)


_RECEIPTS: dict[CommandState, Callable[[Command], None]] = {
    CommandState.QUEUED: _accepted,
    CommandState.RECEIVED: lambda command: _line(command, "on the machine", command.received_at),
    **{state: _ended for state in CommandState if state.ended},
}
