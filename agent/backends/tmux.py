"""Sessions in tmux panes: text goes in as keys, as if typed there."""

import asyncio
import subprocess
from collections.abc import Mapping
from contextlib import suppress

from agent.backends import process, typing_rules
from agent.backends.tmux_server import TIMEOUT, TmuxFailed, TmuxServer, TmuxTimeout, escaped, prefix
from agent.backends.typing_rules import KEYS, Pace
from agent.domain.command import Action, Input, KeyPress, Outcome, Reason
from agent.domain.errors import Refusal
from agent.domain.session import Process, Session

_MODES = 5
"""Modes that a pane can be in at once (copy mode over a tree over a clock): each is left on its own."""


class PaneGone(Exception):
    """The pane, or the program that was registered in it, is no longer there; the text is for people."""


class _Pane:
    """One pane and the process that must be in it."""

    def __init__(self, session: Session, limit: float) -> None:
        self._id = session.target["pane"]
        self._server = TmuxServer(session.target.get("server", ""), limit)
        self._process = session.process

    async def check(self) -> str:
        """The name of the program in front. Raises PaneGone."""
        program, _ = await self._look()
        return program

    async def ready(self) -> str:
        """Leaves every tmux mode, which would eat the keys, and gives the name of the program in front."""
        for _ in range(_MODES):
            program, in_mode = await self._look()
            if not in_mode:
                return program
            await self._leave_mode()
        raise TmuxFailed(f"pane {self._id} does not leave its tmux mode; press q in it, then send this again")

    async def _look(self) -> tuple[str, bool]:
        wanted = "#{pane_id} #{pane_pid} #{pane_dead} #{pane_in_mode} #{pane_current_command}"
        try:
            answer = await self._server.run("display-message", "-p", "-t", self._id, wanted)
        except TmuxFailed as error:
            raise PaneGone(f"tmux pane {self._id}: {error}") from error
        # For a pane that does not exist tmux answers with empty fields instead of an error.
        found, pid, dead, in_mode, program = (*answer.split(" ", 4), "", "", "", "", "")[:5]
        if found != self._id or dead == "1":
            raise PaneGone(f"tmux pane {self._id} is gone")
        if self._process is not None and not process.is_within(self._process, int(pid)):
            raise PaneGone(f"tmux pane {self._id} has another program in it than the one that was registered")
        return program, in_mode not in ("", "0")

    async def _leave_mode(self) -> None:
        try:
            await self._server.run("send-keys", "-t", self._id, "-X", "cancel")
        except TmuxFailed:  # not copy mode: a clock or a tree, which know no cancel
            await self._server.run("copy-mode", "-q", "-t", self._id)

    async def type(self, text: str) -> None:
        await self._server.run("send-keys", "-t", self._id, "-l", "--", text)

    async def paste(self, text: str) -> None:
        """Several lines as one: in brackets if the program asked for them, and with LF left as it is."""
        name = f"pointsman-{self._id.removeprefix('%')}"
        await self._server.run("load-buffer", "-b", name, "-", stdin=text.encode())
        await self._server.run("paste-buffer", "-d", "-p", "-r", "-b", name, "-t", self._id)

    async def press(self, key: str) -> None:
        await self._server.run("send-keys", "-t", self._id, key)


class TmuxBackend:
    """Types into panes. `limit` is how many seconds one tmux command may take."""

    name = "tmux"

    def __init__(self, pace: Pace | None = None, limit: float = TIMEOUT) -> None:
        self._pace = pace or Pace()
        self._limit = limit

    async def deliver(self, session: Session, action: Action) -> Outcome:
        if isinstance(action, KeyPress) and action.name not in KEYS:
            return Outcome.failed(Reason.UNSUPPORTED, typing_rules.refused_key(action.name))
        pane = _Pane(session, self._limit)
        try:
            program = await pane.ready()
        except PaneGone as error:
            return Outcome.failed(Reason.TARGET_GONE, str(error))
        except (TmuxFailed, TmuxTimeout) as error:
            return Outcome.failed(Reason.BACKEND_ERROR, str(error))
        if isinstance(action, KeyPress):
            return await _Typing(pane, self._pace).key(KEYS[action.name].tmux)
        return await _Typing(pane, self._pace).text(action, program)

    async def clear_line(self, session: Session) -> None:
        """Ctrl-U: kills the line in a plain terminal, in readline and in full-screen prompts alike."""
        pane = _Pane(session, self._limit)
        with suppress(PaneGone, TmuxFailed, TmuxTimeout):
            await pane.ready()
            await pane.press("C-u")

    async def alive(self, session: Session) -> bool:
        try:
            await _Pane(session, self._limit).check()
        except (PaneGone, TmuxFailed, TmuxTimeout):
            return False
        return True


class _Typing:
    """One action on its way into a pane; remembers whether anything may have arrived."""

    def __init__(self, pane: _Pane, pace: Pace) -> None:
        self._pane = pane
        self._pace = pace
        self._touched = False

    async def key(self, name: str) -> Outcome:
        try:
            await self._pane.press(name)
        except (TmuxFailed, TmuxTimeout) as error:
            return self._broken(error)
        return Outcome.done()

    async def text(self, action: Input, program: str) -> Outcome:
        text = typing_rules.clean(action.text)
        try:
            await (self._paste(text) if typing_rules.pastes(text, program) else self._type(text))
            if action.submit:
                await self._submit()
        except (TmuxFailed, TmuxTimeout, PaneGone) as error:
            return self._broken(error)
        return Outcome.done()

    async def _type(self, text: str) -> None:
        for burst in typing_rules.bursts(text):
            if self._touched:
                await asyncio.sleep(self._pace.between)
            await self._pane.type(burst)
            self._touched = True

    async def _paste(self, text: str) -> None:
        await self._pane.paste(text)
        self._touched = True

    async def _submit(self) -> None:
        await asyncio.sleep(self._pace.before_enter)
        await self._pane.ready()  # an Enter in another program, or in copy mode, would do something else
        await self._pane.press("Enter")

    def _broken(self, error: Exception) -> Outcome:
        reason = Reason.TARGET_GONE if isinstance(error, PaneGone) else Reason.BACKEND_ERROR
        if self._touched:
            return Outcome.uncertain(reason, f"{error}; the text, or a part of it, is in the pane but not submitted")
        if isinstance(error, TmuxTimeout):
            return Outcome.uncertain(reason, str(error))
        return Outcome.failed(reason, str(error))


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
    found = process.identify(int(pid)) if pid.isdigit() else None
    if found is None:
        raise Refusal(Reason.TARGET_GONE, f"nothing runs in the tmux pane {target}")
    return {"pane": pane, "server": server or socket}, found, cwd


def _ask(socket: str, *arguments: str) -> str:
    command = [*prefix(socket), *map(escaped, arguments)]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=TIMEOUT)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refusal(Reason.BACKEND_ERROR, f"tmux does not answer: {error}") from error
    if answer.returncode:
        text = answer.stderr.decode(errors="replace").strip()
        raise Refusal(Reason.TARGET_GONE, f"tmux: {text}; `tmux list-panes -a` lists the panes")
    return answer.stdout.decode(errors="replace").removesuffix("\n")
