"""Power cuts without cutting the power: SQLite's files as they would be found afterwards.

Inside a program every write of SQLite goes to the file as ever, and is remembered; every sync brings what was
remembered to a second copy. The second copy is the disk: kill the program, put the copy back, and what was never synced
is gone. This replaces methods of SQLite's own file layer in this process, in C structures that have not changed in
fifteen years (sqlite3.h: sqlite3_vfs, sqlite3_io_methods).
"""

import ctypes
import os
import shutil
import sqlite3  # noqa: F401 -- loads the library that is to be changed
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

_POINTER, _INT, _LONG = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
# Names are passed on as the pointers they came as: SQLite keeps them, and reads beyond their end.
_OPEN = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _POINTER, _INT, _POINTER)
_DELETE = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _INT)
_CLOSE = ctypes.CFUNCTYPE(_INT, _POINTER)
_WRITE = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _INT, _LONG)
_TRUNCATE = ctypes.CFUNCTYPE(_INT, _POINTER, _LONG)
_SYNC = ctypes.CFUNCTYPE(_INT, _POINTER, _INT)
_KEPT = 0x00000100 | 0x00080000  # SQLITE_OPEN_MAIN_DB, SQLITE_OPEN_WAL


class _Vfs(ctypes.Structure):
    """The head of sqlite3_vfs."""

    _fields_ = (
        *(("iVersion", _INT), ("szOsFile", _INT), ("mxPathname", _INT), ("pNext", _POINTER)),
        *(("zName", ctypes.c_char_p), ("pAppData", _POINTER), ("xOpen", _POINTER), ("xDelete", _POINTER)),
    )


class _Methods(ctypes.Structure):
    """sqlite3_io_methods, version 3."""

    _fields_ = (
        *(("iVersion", _INT), ("xClose", _POINTER), ("xRead", _POINTER), ("xWrite", _POINTER)),
        *(("xTruncate", _POINTER), ("xSync", _POINTER), ("rest", _POINTER * 13)),
    )


class NotPossible(Exception):
    """This Python's SQLite is not a library of its own, which could be reached."""


def begin(survivors: Path) -> None:
    """Before a program is started that keeps its disk there: forget that of an earlier life."""
    for left in survivors.iterdir():
        left.unlink()


def install(survivors: Path) -> None:
    """From now on keep in `survivors` what this process's databases would be after a power cut."""
    global _disk
    _disk = _Disk(_library(), survivors)


def cut(folder: Path, survivors: Path, name: str) -> None:
    """After the program is dead: leave in `folder` of a database what had been synced.

    A file that it never opened is as it was.
    """
    (folder / f"{name}-shm").unlink(missing_ok=True)
    for suffix in ("", "-wal"):
        if (survivors / f"{name}{suffix}").exists():
            shutil.copy(survivors / f"{name}{suffix}", folder)


def possible() -> bool:
    """Whether it can be done here."""
    try:
        _library()
    except NotPossible:
        return False
    return True


def _library() -> ctypes.CDLL:
    mapped = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "/libsqlite3" in line}
    if not mapped:
        raise NotPossible("SQLite is part of Python here, not a library of its own")
    return ctypes.CDLL(mapped.pop())


class _Disk:
    """The changed methods, and the second copies."""

    def __init__(self, library: ctypes.CDLL, survivors: Path) -> None:
        self._survivors = survivors
        self._paths: dict[int, Path] = {}  # by the address of the open file
        self._unsynced: dict[Path, list[Callable[[int], object]]] = defaultdict(list)
        self._changed: dict[int, tuple[_Methods, Any]] = {}  # by the address of the original methods
        self._keep: list[Any] = []
        library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        vfs = library.sqlite3_vfs_find(None).contents
        self._open, self._delete = _OPEN(vfs.xOpen), _DELETE(vfs.xDelete)
        vfs.xOpen, vfs.xDelete = self._pointer(_OPEN(self._on_open)), self._pointer(_DELETE(self._on_delete))

    def _on_open(self, vfs: int, name: int | None, file: int, flags: int, out: int | None) -> int:
        code: int = self._open(vfs, name, file, flags, out)
        if code == 0 and name is not None and flags & _KEPT:
            path = _path(name)
            if path not in self._unsynced:
                self._unsynced[path] = []
                # What is there at the start has long been synced. All of it or nothing: the program may die here.
                shutil.copy(path, half := self._survivors / f"{path.name}.half")
                half.rename(self._survivors / path.name)
            self._paths[file] = path
            methods = ctypes.cast(file, ctypes.POINTER(_POINTER))
            methods[0] = ctypes.addressof(self._with_ours(methods[0]))
        return code

    def _on_delete(self, vfs: int, name: int, sync: int) -> int:
        path = _path(name)
        if self._unsynced.pop(path, None) is not None:
            (self._survivors / path.name).unlink(missing_ok=True)
        code: int = self._delete(vfs, name, sync)
        return code

    def _with_ours(self, address: int) -> _Methods:
        """A copy of a file's methods, in which four are ours; one copy for all files of that kind."""
        if address in self._changed:
            return self._changed[address][0]
        theirs = _Methods.from_address(address)
        ours = _Methods.from_buffer_copy(theirs)
        close, write = _CLOSE(theirs.xClose), _WRITE(theirs.xWrite)
        truncate, sync = _TRUNCATE(theirs.xTruncate), _SYNC(theirs.xSync)

        def on_close(file: int) -> int:
            self._paths.pop(file, None)
            return int(close(file))

        def on_write(file: int, data: int, size: int, offset: int) -> int:
            written = ctypes.string_at(data, size)
            self._unsynced[self._paths[file]].append(lambda disk: os.pwrite(disk, written, offset))
            return int(write(file, data, size, offset))

        def on_truncate(file: int, size: int) -> int:
            self._unsynced[self._paths[file]].append(lambda disk: os.ftruncate(disk, size))
            return int(truncate(file, size))

        def on_sync(file: int, flags: int) -> int:
            code = int(sync(file, flags))
            self._bring_down(self._paths[file])
            return code

        ours.xClose, ours.xWrite = self._pointer(_CLOSE(on_close)), self._pointer(_WRITE(on_write))
        ours.xTruncate, ours.xSync = self._pointer(_TRUNCATE(on_truncate)), self._pointer(_SYNC(on_sync))
        self._changed[address] = (ours, theirs)
        return ours

    def _bring_down(self, path: Path) -> None:
        """What was written is on the disk now."""
        writes, self._unsynced[path] = self._unsynced[path], []
        disk = os.open(self._survivors / path.name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            for write in writes:
                write(disk)
        finally:
            os.close(disk)

    def _pointer(self, callback: Any) -> int:
        self._keep.append(callback)
        return ctypes.cast(callback, _POINTER).value or 0


def _path(name: int) -> Path:
    return Path(os.fsdecode(ctypes.string_at(name)))


_disk: _Disk | None = None
