"""Sessions in tmux panes: text goes in as keys, as if typed there."""

import shlex
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from agent import processes
from agent.backends.spawning import unavailable
from agent.backends.terminals.keyboard import Front, Gone, Guard, Refused, Silent
from agent.backends.terminals.terminal import TerminalBackend
from agent.backends.terminals.tmux_control import Control
from agent.backends.terminals.tmux_server import TIMEOUT, TmuxServer, escaped, prefix
from agent.backends.terminals.typing_rules import EDITING, KEYS, Pace
from agent.domain.command import Reason
from agent.domain.errors import Refusal
from agent.domain.session import Process, Session

_MODES = 5
"""Modes that a pane can be in at once (copy mode over a tree over a clock): each is left on its own."""

_KEYS = {name: key.tmux for name, key in {**KEYS, **EDITING}.items()}


class Pane:
    """One pane and the process that must be in it: a keyboard."""

    left = False

    def __init__(self, session: Session, limit: float = TIMEOUT, control: Control | None = None) -> None:
        self._id = session.target["pane"]
        self._server = TmuxServer(session.target.get("server", ""), limit, self._id, control)
        self._process = session.process

    async def check(self) -> Front:
        front, _ = await self._look()
        return front

    async def ready(self) -> Front:
        """Leaves every tmux mode, which would eat the keys."""
        for _ in range(_MODES):
            front, in_mode = await self._look()
            if not in_mode:  # in copy mode or a menu tmux would take the keys for itself
                return front
            await self._leave_mode()
        raise Refused(f"pane {self._id} does not leave its tmux mode; press q in it, then send this again")

    async def _look(self) -> tuple[Front, bool]:
        wanted = "#{pane_id} #{pane_pid} #{pane_dead} #{pane_in_mode} #{pane_current_command}"
        try:
            answer = await self._server.run("display-message", "-p", "-t", self._id, wanted)
        except Refused as error:
            raise Gone(f"tmux pane {self._id}: {error}") from error
        # For a pane that does not exist tmux answers with empty fields instead of an error.
        found, pid, dead, in_mode, program = (*answer.split(" ", 4), "", "", "", "", "")[:5]
        if found != self._id or dead == "1":
            raise Gone(f"tmux pane {self._id} is gone")
        if self._process is not None and not processes.is_within(self._process, int(pid)):
            raise Gone(f"tmux pane {self._id} has another program in it than the one that was registered")
        if self._process is not None and not processes.is_in_front(self._process):
            raise Refused(f"the program in tmux pane {self._id} is suspended; bring it back with fg")
        return Front(int(pid), program), in_mode not in ("", "0")

    async def _leave_mode(self) -> None:
        try:
            await self._server.run("send-keys", "-t", self._id, "-X", "cancel")
        except Refused:  # not copy mode: a clock or a tree, which know no cancel
            await self._server.run("copy-mode", "-q", "-t", self._id)

    async def in_turn(self, work: Callable[[], Awaitable[None]], *, own_line: bool = True) -> None:  # noqa: ARG002
        """Whenever: tmux cannot keep a person's keys back."""
        await work()

    async def type(self, text: str) -> None:
        await self._insert(text)

    async def paste(self, text: str) -> None:
        """Several lines as one: in brackets if the program asked for them."""
        await self._insert(text, "-p")

    async def _insert(self, text: str, *how: str) -> None:
        """By a buffer, as send-keys has the text in its command line. -r: with LF left as it is."""
        name = f"pointsman-{self._id.removeprefix('%')}"
        try:
            await self._server.paste(name, text, "-r", *how)
        except Refused:
            with suppress(Refused, Silent):  # the pane went meanwhile: what was for it lies about nowhere
                await self._server.run("delete-buffer", "-b", name)
            raise

    async def press(self, *names: str) -> None:
        await self._server.run("send-keys", "-t", self._id, *(_KEYS[name] for name in names))

    async def enter(self, guard: Guard, key: str = "Enter") -> bool:
        """The server itself asks the guard, and presses at once: we may be slow, and a dialog quick."""
        test = f"grep -qsE -e {shlex.quote(guard.allows)} -- {shlex.quote(str(guard.file))}"
        press = f"send-keys -t {self._id} {key} ; display-message -p pressed"
        # In the test, tmux would take # for the beginning of a format.
        test = test.replace("#", "##")
        return await self._server.run("if-shell", test, press, "display-message -p held") == "pressed"

    async def screen(self) -> str:
        return await self._server.run("capture-pane", "-p", "-e", "-t", self._id)

    def answered(self) -> bool:
        return True


class TmuxBackend(TerminalBackend):
    """Types into panes. `limit` is how many seconds one tmux command may take."""

    def __init__(self, pace: Pace | None = None, limit: float = TIMEOUT) -> None:
        self._limit = limit
        self._controls: dict[str, Control] = {}  # by the path of the server's socket
        super().__init__(self._pane, pace)

    def _pane(self, session: Session) -> Pane:
        socket = session.target.get("server", "")
        control = self._controls.setdefault(socket, Control(prefix(socket), self._limit))
        return Pane(session, self._limit, control)


def resolve(target: str, tmux_env: str) -> tuple[Mapping[str, str], Process, str]:
    """A pane as a session's target, its process and its folder.

    `target` is whatever tmux takes (name:1.0, %3), `tmux_env` the value of TMUX, which names the server; empty means
    the default server. Raises Refusal when there is no such pane.
    """
    if not target:
        raise Refusal(Reason.INVALID_ARGUMENT, "name a tmux pane; `tmux list-panes -a` lists them")
    socket = tmux_env.rsplit(",", 2)[0]
    # First something that fails for a pane that is not there: display-message takes the next best one.
    _ask(socket, "capture-pane", "-p", "-E", "0", "-t", target)
    wanted = "#{pane_id}\t#{pane_pid}\t#{socket_path}\t#{pane_current_path}"
    answer = _ask(socket, "display-message", "-p", "-t", target, wanted)
    pane, pid, server, cwd = (*answer.split("\t", 3), "", "", "")[:4]
    found = processes.identify(int(pid)) if pid.isdigit() else None
    if found is None:
        raise Refusal(Reason.TARGET_GONE, f"nothing runs in the tmux pane {target}")
    return {"pane": pane, "server": server or socket}, found, cwd


def _ask(socket: str, *arguments: str) -> str:
    command = [*prefix(socket), *map(escaped, arguments)]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=TIMEOUT)
    except OSError as error:
        raise Refusal(Reason.BACKEND_ERROR, unavailable("tmux", "tmux", error)) from error
    except subprocess.TimeoutExpired as error:
        raise Refusal(Reason.BACKEND_ERROR, f"tmux does not answer: {error}") from error
    if answer.returncode:
        text = answer.stderr.decode(errors="replace").strip()
        raise Refusal(Reason.TARGET_GONE, f"tmux: {text}; `tmux list-panes -a` lists the panes")
    return answer.stdout.decode(errors="replace").removesuffix("\n")
