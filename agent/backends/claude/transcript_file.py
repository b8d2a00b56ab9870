"""Follows Claude Code's records on disk: which file, how far, and what became of the file meanwhile.

All that has to be remembered is a Cursor, which the router keeps with the events that were read before it. So the same
file read again from there gives the same events, whatever died in between.
"""

import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from agent.backends.claude import transcript
from agent.backends.claude.transcript import Known
from agent.domain.session_event import Described, Event, Missing, fit

HISTORY = 4 * 1024 * 1024  # bytes of a record that are told of what was before anybody followed it
MAX_LINE = 8 * 1024 * 1024  # bytes; pictures are in there, too
MAX_EVENTS = 128  # that are read at once
MAX_BYTES = 64 * 1024  # of their texts, about: one more event may come on top
MAX_READ = 4 * 1024 * 1024  # bytes: then others have their turn
_CHUNK = 256 * 1024
_EARLIER = "What was said before is in the program's own record."
_LONG = "A line of the program's record is longer than {most} MiB."
_REPLACED = "The program's record was cut or replaced, and what stood there last may be missing."


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where it is read on: the file, its bytes that were told whole, and how many events of the line behind them.

    `status` is what was told last of what the session does: of that the newest counts, and no file has it.
    """

    path: str = ""
    inode: int = 0
    offset: int = 0
    done: int = 0
    known: Known = field(default_factory=Known)
    status: tuple[str, str] = ("", "")

    def packed(self) -> bytes:
        """For the router, to which it means nothing."""
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def unpacked(cls, data: bytes) -> "Cursor":
        """The same again; a new one where it is not ours, as that of another machine or version."""
        try:
            given = json.loads(data)
            known = given.pop("known")
            described = Described(**known.pop("described"))
            state, waiting_for = given.pop("status")
            made = cls(**given, known=Known(**known, described=described), status=(str(state), str(waiting_for)))
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

    def read(self, cursor: Cursor, path: str) -> Read:
        """What follows behind a cursor. What is left of another file than `path` comes first."""
        while True:
            file = self._file(cursor, path)
            if file is None:
                return Read((), cursor)
            if self._at != (cursor.path, cursor.inode) or os.fstat(file.fileno()).st_size < cursor.offset:
                return self._begun(cursor, file)
            read = self._behind(cursor, file)
            if not self._is_left(path):
                return read
            if read.events or read.more:
                return replace(read, more=True)
            # Told to its end, and the program writes elsewhere now: the next look opens that.
            self.close()
            cursor = replace(read.cursor, path="")

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
                # Not to wait for whoever might write into what is no file.
                file = os.fdopen(os.open(one, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=0)
            except OSError:
                continue
            status = os.fstat(file.fileno())
            if stat.S_ISREG(status.st_mode):
                self._open, self._at = file, (one, status.st_ino)
                return self._open
            file.close()
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
        begun = replace(cursor, path=path, inode=inode, offset=0, done=0)
        size = os.fstat(file.fileno()).st_size
        if cursor.known.last:  # of another file that goes on with this one only what is newer is told
            lost = cursor.path == path
            begun = replace(begun, known=replace(cursor.known, since=cursor.known.last))
            return Read((Event(Missing(_REPLACED)),) if lost else (), begun, more=True)
        if size <= HISTORY:
            return Read((), begun, more=size > 0)
        start = size - HISTORY
        end = _end_of_line(file, start)
        return Read((Event(Missing(_EARLIER)),), replace(begun, offset=size if end is None else end), more=True)

    def _behind(self, cursor: Cursor, file: BinaryIO) -> Read:
        events: list[Event] = []
        size, begun = 0, cursor.offset
        for line, end in _lines(file, cursor.offset):
            told, known = self._told(line, cursor.known)
            for event in told[cursor.done :]:
                if events and (len(events) >= MAX_EVENTS or size >= MAX_BYTES):
                    return Read(tuple(events), cursor, more=True)
                events.append(fitting := fit(event, self._mask))
                size += len(str(fitting.what))
                cursor = replace(cursor, done=cursor.done + 1)
            cursor = replace(cursor, offset=end, done=0, known=known)
            if end - begun >= MAX_READ:
                return Read(tuple(events), cursor, more=True)
        return Read(tuple(events), cursor)

    @staticmethod
    def _told(line: bytes | None, known: Known) -> tuple[tuple[Event, ...], Known]:
        if line is None:
            return (Event(Missing(_LONG.format(most=MAX_LINE // 1024**2))),), known
        return transcript.parse(line, known)


def _lines(file: BinaryIO, offset: int) -> Iterator[tuple[bytes | None, int]]:
    """Whole lines behind a place, each with where it ends; None for one that is too long. The last one may be half."""
    rest = b""
    file.seek(offset)
    while chunk := file.read(_CHUNK):
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
            file.seek(offset)


def _end_of_line(file: BinaryIO, offset: int) -> int | None:
    """Behind the next end of a line; None where it has none yet."""
    file.seek(offset)
    while chunk := file.read(_CHUNK):
        if (at := chunk.find(b"\n")) >= 0:
            return offset + at + 1
        offset += len(chunk)
    return None


def path_of(folder: str, conversation_id: str) -> str:
    """Where the record of a conversation is, of a program that keeps its files there; empty where there is none."""
    found = sorted(Path(folder).glob(f"projects/*/{conversation_id}.jsonl"))
    return str(found[-1]) if found else ""
