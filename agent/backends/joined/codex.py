"""Codex in a terminal: which thread each of its windows shows, and the way in, its shared background server."""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from agent.backends.acp.process import Refused
from agent.backends.acp.shapes import Json, number, part, text
from agent.backends.child import Ended
from agent.backends.joined.codex_server import CodexServer, socket_of
from agent.backends.joined.codex_talk import CodexTalk
from agent.backends.joined.programs import Found
from agent.backends.joined.talk import Ears, Place
from agent.domain.codex_hook import is_by_itself
from agent.domain.session import Process
from agent.processes import lineage

logger = logging.getLogger(__name__)

BEGINS = 60.0  # seconds from the start of a program in which its thread begins
_SLACK = 2.0  # seconds: threads tell theirs in whole ones
SETTLED = 8.0  # seconds from the start of a program in which it shows a thread of its own, if it will
_AGAIN = 10.0  # seconds until a server that did not answer is tried again
_NO_WINDOW = frozenset(
    ["app-server", "exec", "e", "mcp-server", "mcp", "login", "logout", "exec-server", "queue", "sandbox", "completion"]
)


@dataclass(frozen=True, slots=True)
class Thread:
    """One that the server has open."""

    thread_id: str
    cwd: str
    created: float
    title: str = ""


@dataclass(eq=False, slots=True)
class _Home:
    """What is known of one Codex home."""

    server: CodexServer | None = None
    again: float = 0.0  # monotonic
    shown: dict[int, str] | None = None  # by window: its thread
    read: dict[str, Thread | None] | None = None  # None for one that is no window's


class Codex:
    """Of one machine; several homes may be in use."""

    title = "Codex"
    names = frozenset({"codex"})

    def __init__(self) -> None:
        self._homes: dict[Path, _Home] = {}

    async def places(self, found: Sequence[Found]) -> Sequence[Place]:
        places: list[Place] = []
        windows: dict[Path, list[Found]] = {}
        for one in found:
            if not _NO_WINDOW & set(one.argv[1:2]) and not is_by_itself(one.argv):
                windows.setdefault(home_of(one), []).append(one)
        for home, theirs in windows.items():
            places += await self._at(self._homes.setdefault(home, _Home()), home, theirs)
        return places

    async def join(self, place: Place, ears: Ears) -> CodexTalk:
        server = self._homes[home_of(place.program)].server
        if server is None:
            raise Ended("Codex's background server ended")
        talk = CodexTalk(server, place.conversation_id, ears)
        try:
            await talk.begin()
        except BaseException:
            server.leave(place.conversation_id)
            raise
        return talk

    async def close(self) -> None:
        for home in self._homes.values():
            if home.server is not None:
                await home.server.close()
        self._homes.clear()

    async def _at(self, home: _Home, folder: Path, windows: Sequence[Found]) -> list[Place]:
        try:
            server = await self._reached(home, folder)
            threads = await _threads(server, home) if server else []
        except (OSError, Refused, Ended, TimeoutError) as error:
            logger.info("codex server not reached home=%s: %s", folder, error)
            home.again = time.monotonic() + _AGAIN
            return []
        home.shown = paired(windows, threads, home.shown or {}, time.time())
        by_id = {one.thread_id: one for one in threads}
        return [
            Place(one, thread.thread_id, thread.title, thread.cwd)
            for one in windows
            if (thread := by_id.get(home.shown.get(one.process.pid, "")))
        ]

    async def _reached(self, home: _Home, folder: Path) -> CodexServer | None:
        if home.server is not None and home.server.ended.done():
            await home.server.close()
            home.server, home.read = None, None
        if home.server is None and time.monotonic() >= home.again and (socket := socket_of(folder)):
            home.server = await CodexServer.connect(socket)
        return home.server


def window_by_itself(pid: int) -> int:
    """The process of the window without a server that ran this one, or is it; 0 where there is none."""
    for one, name in lineage(Process(pid, 0.0)):
        if name in Codex.names:
            with suppress(psutil.Error):
                return one if is_by_itself(psutil.Process(one).cmdline()) else 0
    return 0


def home_of(one: Found) -> Path:
    """Where it keeps its files."""
    return Path(one.environ.get("CODEX_HOME") or f"{one.environ.get('HOME', '')}/.codex")


async def _threads(server: CodexServer, home: _Home) -> list[Thread]:
    """Those that a person may have on a screen. Each is asked about once. Raises as `CodexServer.call`."""
    listed = (await server.call("thread/loaded/list", {})).get("data")
    loaded = [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    known = home.read or {}
    home.read = {name: known[name] for name in loaded if name in known}
    for name in loaded:
        if name not in home.read:
            try:
                answer = await server.call("thread/read", {"threadId": name})
            except Refused:  # it was there for a moment only
                continue
            home.read[name] = thread_of(part(answer, "thread"))
    return [one for one in home.read.values() if one is not None]


def thread_of(fields: Json) -> Thread | None:
    """None for what no window shows: titles are asked for in threads, too, and subagents have theirs."""
    if fields.get("ephemeral") is True or fields.get("parentThreadId") or not text(fields, "id", 200):
        return None
    if fields.get("threadSource") not in (None, "user"):
        return None
    name = text(fields, "name", 200)
    return Thread(text(fields, "id", 200), text(fields, "cwd"), float(number(fields, "createdAt")), name)


def paired(
    windows: Sequence[Found], threads: Sequence[Thread], before: Mapping[int, str], now: float
) -> dict[int, str]:
    """Which thread each window shows, by its process: nothing tells that but where and when each began.

    What could be two ways is left out: a text must not go where nobody looks. A thread may be open still whose window
    is gone, so one that began before its window counts only where that took it up (`codex resume`), or has been there
    for a while. A window that begins another thread (`/new`) shows the newest one of its folder, where it is the only
    window there. `now` is in seconds since the epoch.
    """
    there = {one.thread_id: one for one in threads}
    pids = {one.process.pid for one in windows}
    shown = {pid: name for pid, name in before.items() if pid in pids and name in there}
    for thread in threads:
        free = [one for one in windows if one.process.pid not in shown and one.cwd == thread.cwd]
        began = [one for one in free if -_SLACK <= thread.created - one.process.started <= BEGINS]
        if thread.thread_id not in shown.values() and len(began) == 1:
            shown[began[0].process.pid] = thread.thread_id
    for window in windows:
        if window.process.pid not in shown and (name := _taken_up(window, windows, threads, shown, now)):
            shown[window.process.pid] = name
    for thread in threads:
        same = [one.process.pid for one in windows if one.cwd == thread.cwd]
        if len(same) == 1 and same[0] in shown and thread.created > there[shown[same[0]]].created:
            shown[same[0]] = thread.thread_id
    return shown


def _taken_up(
    window: Found, windows: Sequence[Found], threads: Sequence[Thread], shown: Mapping[int, str], now: float
) -> str:
    """The only thread that this window, and no other, can have taken up; empty where there is none."""
    if "resume" not in window.argv and now - window.process.started < SETTLED:
        return ""
    free = [one for one in threads if one.thread_id not in shown.values()]
    others = [one for one in windows if one.process.pid not in shown]
    here = [one for one in free if one.cwd == window.cwd]
    beside = [one for one in others if one.cwd == window.cwd]
    if not here:  # it may have been told to work in another folder
        here, beside = free, others
    return here[0].thread_id if len(here) == len(beside) == 1 else ""
