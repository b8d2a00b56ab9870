"""Follows Claude Code's records on disk: which file, how far, and what became of the file meanwhile.

All that has to be remembered is a Cursor, which the router keeps with the events that were read before it. So the same
file read again from there gives the same events, whatever died in between.
"""

import json
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from agent.backends import record
from agent.backends.claude import plan, subagents, transcript
from agent.backends.claude.plan import Tasks
from agent.backends.claude.subagents import Subagent, Whereabouts
from agent.backends.claude.transcript import Known
from agent.domain.session_event import Described, Event, Missing, fit

HISTORY = 4 * 1024 * 1024  # bytes of a record that are told of what was before anybody followed it
MAX_LINE = 8 * 1024 * 1024  # bytes; pictures are in there, too
MOST_PACKED = 4096  # bytes that the router takes of a cursor
MAX_EVENTS = 128  # that are read at once
MAX_BYTES = 64 * 1024  # of their texts, about: one more event may come on top
MAX_READ = 4 * 1024 * 1024  # bytes: then others have their turn
MAX_REREAD = 64 * 1024 * 1024  # bytes of a record in which a list of tasks is looked for again
_CHUNK = 256 * 1024
_EARLIER = "What was said before is in the program's own record."
_LONG = "A line of the program's record is longer than {most} MiB."
_REPLACED = "The program's record was cut or replaced, and what stood there last may be missing."


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where it is read on: the file, its bytes that were told whole, and how many events of the line behind them.

    `status` is what was told last of what the session does: of that the newest counts, and no file has it. So with
    `offered`, which stands for the commands, and `context_size`.
    """

    path: str = ""
    inode: int = 0
    offset: int = 0
    done: int = 0
    known: Known = field(default_factory=Known)
    status: tuple[str, ...] = ("", "")
    offered: str = ""
    context_size: int = 0

    def packed(self) -> bytes:
        """For the router, to which it means nothing; without what there is no room for."""
        alone = replace(self.known, agents=())
        for known in (self.known, alone, replace(alone, described=Described())):
            given = asdict(replace(self, known=known))
            if len(data := json.dumps(given, separators=(",", ":")).encode()) <= MOST_PACKED:
                break
        return data

    @classmethod
    def unpacked(cls, data: bytes) -> "Cursor":
        """The same again; a new one where it is not ours, as that of another machine or version."""
        try:
            given = json.loads(data)
            known = given.pop("known")
            described = Described(**known.pop("described") | {"commands": ()})  # those are no row's
            agents = subagents.unpacked(known.pop("agents", ()))
            status = tuple(map(str, given.pop("status")))
            made = cls(**given, known=Known(**known, described=described, agents=agents), status=status)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return cls()
        numbers = (made.inode, made.offset, made.done)
        sound = isinstance(made.path, str) and all(type(one) is int and one >= 0 for one in numbers)
        return made if sound else cls()


@dataclass(frozen=True, slots=True)
class Read:
    """What was read, where that ends, and whether more is there already."""

    events: tuple[Event, ...]
    cursor: Cursor
    more: bool = False


class TranscriptFile:
    """The record of one session. It may be called from any thread, one at a time."""

    def __init__(self, mask: Callable[[str], str]) -> None:
        self._mask = mask
        self._open: BinaryIO | None = None
        self._at = ("", 0)  # of the open file: path and inode
        self._whereabouts = Whereabouts()
        self._tasks = Tasks()
        self._tasks_at = ("", 0, 0)  # behind which byte of which file that was the list

    def read(self, cursor: Cursor, path: str) -> Read:
        """What follows behind a cursor. What is left of another file than `path` comes first."""
        while True:
            file = self._file(cursor, path)
            if file is None:
                return Read((), cursor)
            if self._at != (cursor.path, cursor.inode) or os.fstat(file.fileno()).st_size < cursor.offset:
                return self._begun(cursor, file)
            read = self._subagents(self._behind(cursor, file))
            if not self._is_left(path):
                return read
            if read.events or read.more:
                return replace(read, more=True)
            # Told to its end, and the program writes elsewhere now: the next look opens that.
            self.close()
            cursor = replace(read.cursor, path="")

    def looks(self, cursor: Cursor, path: str) -> tuple[object, ...]:
        """What changes with the files that there are to read."""
        agents = cursor.known.agents
        files = [self._whereabouts.file(cursor.path, one) for one in agents] if cursor.path else []
        folder = [_look(subagents.folder_of(cursor.path))] if None in files else []  # where one is awaited
        return (_look(path) if path else (), *folder, *(_look(file) for file in files if file))

    def close(self) -> None:
        """Let the file go."""
        if self._open is not None:
            self._open.close()
        self._open, self._at = None, ("", 0)

    def _file(self, cursor: Cursor, path: str) -> BinaryIO | None:
        """The file to read: the one that is open, the cursor's, or the one of that path."""
        if self._open is not None:
            return self._open
        for one in filter(None, (cursor.path, path)):
            try:
                file = _opened(Path(one))
            except OSError:
                continue
            self._open, self._at = file, (one, os.fstat(file.fileno()).st_ino)
            return self._open
        return None

    def _is_left(self, path: str) -> bool:
        """Whether the open file is not the one of that path any more."""
        try:
            return bool(path) and self._at != (path, Path(path).stat().st_ino)
        except OSError:
            return False

    def _begun(self, cursor: Cursor, file: BinaryIO) -> Read:
        """A file that was not read yet, or is another one than it was."""
        path, inode = self._at
        begun = replace(cursor, path=path, inode=inode, offset=0, done=0, known=replace(cursor.known, agents=()))
        size = os.fstat(file.fileno()).st_size
        if cursor.known.last:  # of another file that goes on with this one only what is newer is told
            lost = cursor.path == path
            begun = replace(begun, known=replace(begun.known, since=cursor.known.last))
            return Read((Event(Missing(_REPLACED)),) if lost else (), begun, more=True)
        if size <= HISTORY:
            return Read((), begun, more=size > 0)
        start = size - HISTORY
        end = _end_of_line(file, start)
        return Read((Event(Missing(_EARLIER)),), replace(begun, offset=size if end is None else end), more=True)

    def _behind(self, cursor: Cursor, file: BinaryIO) -> Read:
        pages = _Pages(self._mask)
        begun = cursor.offset
        for line, end in _lines(file, cursor.offset):
            told, known = self._told(line, cursor.known)
            tasks = self._tasks_behind(line, cursor, file)
            if tasks and tasks[0].known != tasks[1].known and told:
                told = (*told, Event(tasks[1].planned(), told[-1].at))
            done = pages.take(told, cursor.done)
            if done < len(told):
                return Read(tuple(pages.events), replace(cursor, done=done), more=True)
            self._keep(tasks, cursor.offset, end)
            cursor = replace(cursor, offset=end, done=0, known=known)
            if end - begun >= MAX_READ:
                return Read(tuple(pages.events), cursor, more=True)
        return Read(tuple(pages.events), cursor)

    def _tasks_behind(self, line: bytes | None, cursor: Cursor, file: BinaryIO) -> tuple[Tasks, Tasks] | None:
        """The list of tasks before a line and behind it; None where the line has nothing to do with that.

        All of it stands in the record, so an agent that begins reads it again there, once somebody needs it.
        """
        *which, at = self._tasks_at
        is_here = tuple(which) == self._at and at == cursor.offset
        if line is None or not plan.is_touched(line):
            return None
        before = self._tasks if is_here else _tasks(file, cursor.offset)
        return before, plan.behind(before, line)

    def _keep(self, tasks: tuple[Tasks, Tasks] | None, begun: int, end: int) -> None:
        """Behind a line that was told whole."""
        if tasks:
            self._tasks = tasks[1]
        if tasks or self._tasks_at == (*self._at, begun):
            self._tasks_at = (*self._at, end)

    def _subagents(self, read: Read) -> Read:
        """With what subagents did, as far as there is room behind the conversation's own."""
        agents = read.cursor.known.agents
        if read.more or not agents:
            return read
        pages = _Pages(self._mask, list(read.events))
        cursor, more = read.cursor, False
        for one in agents:
            path = self._whereabouts.file(cursor.path, one)
            cursor, is_read = self._child(cursor, one, path, pages)
            more = more or not is_read
        return Read(tuple(pages.events), cursor, more)

    def _child(self, cursor: Cursor, one: Subagent, path: Path | None, pages: "_Pages") -> tuple[Cursor, bool]:
        """Behind what a subagent did; whether that was all there is now."""
        is_read = True
        try:
            file = _opened(path) if path else None
        except OSError:
            file = None
        if file:
            with file:
                known, one, is_read = self._of_child(cursor.known, one, file, pages)
                cursor = replace(cursor, known=known)
        # Its record comes into being a moment after its use: where it is not there one waits, until that is over.
        rest = [one] if not (one.is_over and is_read) else []
        known = cursor.known
        agents = tuple(each for old in known.agents for each in (rest if old.tool_id == one.tool_id else [old]))
        return replace(cursor, known=replace(known, agents=agents)), is_read

    def _of_child(self, known: Known, one: Subagent, file: BinaryIO, pages: "_Pages") -> tuple[Known, Subagent, bool]:
        begun = one.offset
        for line, end in _lines(file, one.offset):
            told, behind = transcript.parse_child(line, known, one.tool_id) if line else ((), known)
            done = pages.take(told, one.done)
            if done < len(told):
                return known, replace(one, done=done), False
            known, one = behind, replace(one, offset=end, done=0)
            if end - begun >= MAX_READ:
                return known, one, False
        return known, one, True

    @staticmethod
    def _told(line: bytes | None, known: Known) -> tuple[tuple[Event, ...], Known]:
        if line is None:
            return (Event(Missing(_LONG.format(most=MAX_LINE // 1024**2))),), known
        if record.is_row(line):
            events, at = record.parse(line, known.since)
            return events, replace(known, last=max(known.last, at))
        return transcript.parse(line, known)


class _Pages:
    """Events of one look, until there are enough of them."""

    def __init__(self, mask: Callable[[str], str], events: list[Event] | None = None) -> None:
        self.events = events or []
        self._mask = mask
        self._size = sum(len(str(event.what)) for event in self.events)

    def take(self, told: Sequence[Event], done: int) -> int:
        """Take those behind the first `done`, as far as there is room; how many of all are taken then."""
        for event in told[done:]:
            if self.events and (len(self.events) >= MAX_EVENTS or self._size >= MAX_BYTES):
                break
            self.events.append(fitting := fit(event, self._mask))
            self._size += len(str(fitting.what))
            done += 1
        return done


def _tasks(file: BinaryIO, end: int) -> Tasks:
    """The list of tasks before a place in a record."""
    tasks = Tasks()
    for line, behind in _lines(file, max(0, end - MAX_REREAD)):
        if behind > end:
            break
        if line is not None and plan.is_touched(line):
            tasks = plan.behind(tasks, line)
    return tasks


def _opened(path: Path) -> BinaryIO:
    """A file to read, and not to wait for whoever might write into what is no file. Raises OSError."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=0)
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise OSError(f"{path.name} is no file")


def _look(path: str | Path) -> tuple[int, ...]:
    """What changes with a file."""
    try:
        seen = Path(path).stat()
    except (OSError, ValueError):
        return ()
    return (seen.st_ino, seen.st_size, 0 if stat.S_ISREG(seen.st_mode) else seen.st_mtime_ns)


def _lines(file: BinaryIO, offset: int) -> Iterator[tuple[bytes | None, int]]:
    """Whole lines behind a place, each with where it ends; None for one that is too long. The last one may be half."""
    rest = b""
    while chunk := os.pread(file.fileno(), _CHUNK, offset + len(rest)):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            offset += len(line) + 1
            yield line, offset
        if len(rest) > MAX_LINE:
            end = _end_of_line(file, offset + len(rest))
            if end is None:
                return
            yield None, end
            offset, rest = end, b""


def _end_of_line(file: BinaryIO, offset: int) -> int | None:
    """Behind the next end of a line; None where it has none yet."""
    while chunk := os.pread(file.fileno(), _CHUNK, offset):
        if (at := chunk.find(b"\n")) >= 0:
            return offset + at + 1
        offset += len(chunk)
    return None


def path_of(folder: str, conversation_id: str) -> str:
    """Where the record of a conversation is, of a program that keeps its files there; empty where there is none."""
    found = sorted(Path(folder).glob(f"projects/*/{conversation_id}.jsonl"))
    return str(found[-1]) if found else ""
