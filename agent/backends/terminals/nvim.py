"""Sessions in terminals inside of nvim: text goes to the terminal's channel, whatever mode the editor is in."""

import json
import subprocess
from collections.abc import Awaitable, Callable, Mapping

from agent import processes
from agent.backends.claude import registry_file
from agent.backends.spawning import unavailable
from agent.backends.terminals import nvim_socket
from agent.backends.terminals.keyboard import Front, Gone, Guard, Refused
from agent.backends.terminals.terminal import TerminalBackend
from agent.backends.terminals.typing_rules import EDITING, ENTER, KEYS, Pace
from agent.domain.command import Reason
from agent.domain.errors import Refusal
from agent.domain.session import Process, Session

TIMEOUT = 10.0
"""Seconds for one question, which takes less than 1 ms: an editor that needs longer hangs, or waits at a prompt."""

# Number of the buffer, its channel, the process in it, whether it is the one in front.
_TERMINALS = (
    "json_encode(map(filter(getbufinfo(), {_, b -> has_key(b.variables, 'terminal_job_pid')}), {_, b ->"
    " [b.bufnr, b.variables.terminal_job_id, b.variables.terminal_job_pid, b.bufnr == bufnr('')]}))"
)
_SCREEN = "json_encode(getbufline({buffer}, max([1, getbufinfo({buffer})[0].linecount - 100]), '$'))"
_SEND = "chansend({channel}, {data})"
# Asked and pressed in one step of the editor: we may be slow, and a dialog quick.
_GUARDED = "json_encode(filereadable({file}) && join(readfile({file})) =~# {allows} && chansend({channel}, {data}) > 0)"
_PASTE = (
    "luaeval('vim.api.nvim_buf_call(_A[1], function() vim.api.nvim_put(_A[2], \"c\", false, true) end)',"
    " [{buffer}, {lines}])"
)


class Editor:
    """One nvim, by the path of its socket."""

    def __init__(self, socket: str, limit: float = TIMEOUT) -> None:
        self._socket = socket
        self._limit = limit

    async def ask(self, expression: str, **words: object) -> str:
        """What the expression gives, with words in the places that it names in braces.

        Raises Refused, or Silent when there is doubt about its effect.
        """
        told = "json_decode('" + json.dumps(words).replace("'", "''") + "')"
        whole = expression.format(**{word: f"{told}['{word}']" for word in words}) if words else expression
        try:
            return await nvim_socket.ask(self._socket, whole, self._limit)
        except Refused as error:
            raise Refused(f"nvim at {self._socket}: {error}") from error


class Terminal:
    """One terminal buffer and the process that must be in it: a keyboard."""

    left = False

    def __init__(self, session: Session, limit: float = TIMEOUT) -> None:
        self._editor = Editor(session.target["socket"], limit)
        self._process = session.process
        self._buffer = self._channel = 0

    async def check(self) -> Front:
        try:
            terminals = json.loads(await self._editor.ask(_TERMINALS))
        except (Refused, ValueError) as error:
            raise Gone(str(error)) from error
        if self._process is None or not processes.is_running(self._process):
            raise Gone("the program that was registered has ended")
        job = 0
        for self._buffer, self._channel, job, _ in terminals:
            if processes.is_within(self._process, job):  # one editor has several terminals, and closes them
                break
        else:
            raise Gone("no terminal of this nvim has the program that was registered")
        if not processes.is_in_front(self._process):
            raise Refused("the program in this nvim terminal is suspended; bring it back with fg")
        return Front(job, registry_file.name(processes.front(job) or job))

    async def ready(self) -> Front:
        return await self.check()

    async def in_turn(self, work: Callable[[], Awaitable[None]], *, own_line: bool = True) -> None:  # noqa: ARG002
        """Whenever: nvim cannot keep a person's keys back."""
        await work()

    async def type(self, text: str) -> None:
        await self._send(text)

    async def paste(self, text: str) -> None:
        await self._editor.ask(_PASTE, buffer=self._buffer, lines=text.split("\n"))

    async def press(self, *names: str) -> None:
        keys = {**KEYS, **EDITING}
        await self._send(b"".join(keys[name].sequence for name in names).decode())

    async def enter(self, guard: Guard) -> bool:
        words = {"file": str(guard.file), "allows": f"\\v{guard.allows}", "data": ENTER.decode()}
        answer = await self._editor.ask(_GUARDED, channel=self._channel, **words)
        return answer in ("1", "true", "v:true")

    async def screen(self) -> str:
        return "\n".join(json.loads(await self._editor.ask(_SCREEN, buffer=self._buffer))).rstrip("\n")

    def answered(self) -> bool:
        return True

    async def _send(self, text: str) -> None:
        sent = await self._editor.ask(_SEND, channel=self._channel, data=text)
        if sent in ("", "0"):
            raise Refused("nvim took nothing: the terminal is closed")


class NvimBackend(TerminalBackend):
    """Types into terminals of nvim. `limit` is how many seconds one question may take."""

    def __init__(self, pace: Pace | None = None, limit: float = TIMEOUT) -> None:
        super().__init__(lambda session: Terminal(session, limit), pace)


def command(socket: str, expression: str) -> list[str]:
    """How nvim is asked; without the person's own settings."""
    return ["nvim", "--clean", "--headless", "--server", socket, "--remote-expr", expression]


def resolve(socket: str) -> tuple[Mapping[str, str], Process, str]:
    """The terminal of an nvim as a session's target, its process and that one's folder.

    The target names the process, too: one editor may have several terminals, and then it is the one in front. Raises
    Refusal when there is none, or none of several is in front.
    """
    try:
        asked = subprocess.run(command(socket, _TERMINALS), capture_output=True, timeout=TIMEOUT)
        terminals = json.loads(asked.stdout or asked.stderr) if asked.returncode == 0 else None
    except OSError as error:
        raise Refusal(Reason.BACKEND_ERROR, unavailable("nvim", "neovim", error)) from error
    except (ValueError, subprocess.TimeoutExpired) as error:
        raise Refusal(Reason.BACKEND_ERROR, f"nvim does not answer: {error}") from error
    if terminals is None:
        raise Refusal(Reason.TARGET_GONE, f"no nvim listens on {socket}; inside of it, $NVIM names the socket")
    chosen = terminals if len(terminals) == 1 else [one for one in terminals if one[3]]  # never a guess
    if not chosen:
        text = "this nvim has no terminal" if not terminals else f"this nvim has {len(terminals)} terminals"
        raise Refusal(Reason.TARGET_GONE, f"{text}; go to the one that you mean, or open one with :terminal")
    found = processes.identify(int(chosen[0][2]))
    if found is None:
        raise Refusal(Reason.TARGET_GONE, "nothing runs in the terminal of this nvim")
    return {"socket": socket, "job": str(found.pid)}, found, processes.folder(found.pid)
