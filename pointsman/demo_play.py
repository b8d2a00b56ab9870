"""What happens in `pointsman demo`, in order."""

import asyncio
import os
import pty
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import click

from pointsman import demo_session
from pointsman.client import Control
from pointsman.config import FILE_NAME, Settings
from pointsman.demo_person import Person
from pointsman.errors import Failure
from pointsman.local import ask
from pointsman.records import Command, CommandState, Event
from pointsman.render import clock
from pointsman.secret_files import make_missing
from pointsman.supervisor import Supervisor
from pointsman.up import COMMAND, Running, again, login_address, only_one, start_all

SESSION_ID = "demo"
_ANSWER = "Yes, go on. And greet the reader!"
_DEADLINE = 15.0  # seconds for each thing that is waited for


async def play(supervisor: Supervisor, settings: Settings, *, alone: bool) -> None:
    """Run the demo; `alone`, it answers itself and ends, else it runs until it is stopped. Raises Failure."""
    with only_one(settings):
        click.echo("Starting router, agent and adapter …")
        make_missing(settings, "POINTSMAN_API_KEY")
        running = await start_all(supervisor, again(settings))
        _write_addresses(running)
        with Control.from_settings(running.settings) as router:
            events = _follow(router)
            session = await SampleSession.start(running.settings)
            try:
                await _ask_the_person(running, router)
                if alone:
                    await _answer(running, router, events, session)
                else:
                    _invite(running)
                    await _tell_forever(router, events)
            finally:
                await session.stop()


def _write_addresses(running: Running) -> None:
    """Make `pointsman --data-dir … sessions` work from another terminal."""
    http = running.console.removeprefix("http://")
    text = f'router = "{running.settings["POINTSMAN_ROUTER"]}"\nhttp_listen = "{http}"\n'
    path = running.settings.data_dir / FILE_NAME
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


@dataclass(slots=True)
class SampleSession:
    """The sample program in a terminal of its own, opened the way people do: `pointsman run`."""

    process: asyncio.subprocess.Process
    terminal: int
    screen: str = field(default="")

    @classmethod
    async def start(cls, settings: Settings) -> "SampleSession":
        terminal, inner = pty.openpty()
        program = (sys.executable, "-I", "-m", "pointsman.demo_session")
        flags = ("--data-dir", str(settings.data_dir), "--label", "demo", "--session", SESSION_ID)
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "run", *flags, "--", *program, stdin=inner, stdout=inner, stderr=inner, start_new_session=True
        )
        os.close(inner)
        session = cls(process, terminal)
        asyncio.get_running_loop().add_reader(terminal, session.read)
        return session

    def read(self) -> None:
        try:
            self.screen += os.read(self.terminal, 4096).decode(errors="replace")
        except OSError:  # the other end is closed
            asyncio.get_running_loop().remove_reader(self.terminal)

    async def stop(self) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGHUP)
        try:
            await asyncio.wait_for(self.process.wait(), 3.0)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        asyncio.get_running_loop().remove_reader(self.terminal)
        os.close(self.terminal)


async def _ask_the_person(running: Running, router: Control) -> None:
    """Let the session send its notification, and wait until the console has it."""

    def has_session() -> bool:
        return any(session.session_id == SESSION_ID and session.connected for session in router.sessions())

    def has_notification() -> bool:
        return bool(router.notifications(SESSION_ID))

    await _until(has_session, "the session was not registered")
    buttons = [{"label": label, "action": action} for label, action in demo_session.BUTTONS]
    request: dict[str, object] = {
        "op": "notify",
        "session_id": SESSION_ID,
        "text": demo_session.QUESTION,
        "buttons": buttons,
    }
    await asyncio.to_thread(ask, running.settings, request)
    await _until(has_notification, "the notification did not arrive")
    click.echo(f'The session "demo" says: {demo_session.QUESTION}')


def _invite(running: Running) -> None:
    click.echo(f"\nAnswer it in the web console:\n\n  {click.style(login_address(running), bold=True)}\n")
    folder = running.settings.data_dir
    click.echo(f"or from another terminal:\n\n  pointsman --data-dir {folder} send demo 'Hello!' --wait\n")
    click.echo("Ctrl-C ends the demo.\n")


async def _answer(running: Running, router: Control, events: "asyncio.Queue[Event]", session: SampleSession) -> None:
    """Play the person, and check that the session heard it."""
    person = await asyncio.to_thread(Person, login_address(running))
    command_id = await asyncio.to_thread(person.send, SESSION_ID, _ANSWER)
    async with asyncio.timeout(_DEADLINE):
        command, state = await _tell_next(router, events)
        while command.command_id != command_id or not state.ended:
            command, state = await _tell_next(router, events)
    if command.state is not CommandState.DONE:
        raise Failure(f"the reply ended {command.state.value}: {command.reason} {command.detail}")
    await _until(lambda: demo_session.heard(_ANSWER) in session.screen, "the session did not hear the reply")
    click.echo(f"The session answered: {demo_session.heard(_ANSWER)}")


def _follow(router: Control) -> "asyncio.Queue[Event]":
    """What happens to the session from now on. Ends with the router."""
    loop, events = asyncio.get_running_loop(), asyncio.Queue[Event]()

    def read() -> None:
        with suppress(Failure, RuntimeError):  # the router, or the loop, has ended
            for event in router.watch(SESSION_ID):
                loop.call_soon_threadsafe(events.put_nowait, event)

    threading.Thread(target=read, daemon=True).start()
    return events


async def _tell_forever(router: Control, events: "asyncio.Queue[Event]") -> None:
    while True:
        await _tell_next(router, events)


async def _tell_next(router: Control, events: "asyncio.Queue[Event]") -> tuple[Command, CommandState]:
    """Print the next receipt of a command as it happens; the command as it is by now, and the state it came to."""
    while True:
        step = (await events.get()).step
        state = next((state for state in _RECEIPTS if state.name == step.to_state), None)
        if step.subject_id and state is not None:
            with suppress(Failure):  # a step of a notification
                command = await asyncio.to_thread(router.command, step.subject_id)
                _RECEIPTS[state](command)
                return command, state


def _line(command: Command, words: str, at: datetime | None) -> None:
    began = command.created_at
    after = f"+{(at - began).total_seconds() * 1000:.0f} ms" if at and began else ""
    click.echo(f"  {clock(at)}  {words:<15} {after:>9}")


def _accepted(command: Command) -> None:
    click.echo(f"Reply: {command.text or command.key}")
    _line(command, "accepted", command.created_at)


def _ended(command: Command) -> None:
    if command.state is CommandState.DONE:
        _line(command, "typed in", command.typed_at)
        _line(command, "finished", command.ended_at)
    else:
        _line(command, f"{command.state.value} {command.reason} {command.detail}", command.ended_at)


_RECEIPTS: dict[CommandState, Callable[[Command], None]] = {
    CommandState.QUEUED: _accepted,
    CommandState.RECEIVED: lambda command: _line(command, "on the machine", command.received_at),
    **{state: _ended for state in CommandState if state.ended},
}


async def _until(condition: Callable[[], bool], trouble: str) -> None:
    """Look again and again. Raises Failure with `trouble` after the deadline."""

    def look() -> bool:
        deadline = time.monotonic() + _DEADLINE
        while not (true := condition()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return true

    if not await asyncio.to_thread(look):
        raise Failure(f"the demo failed: {trouble}")
