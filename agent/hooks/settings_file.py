"""A file that belongs to somebody else: read and replaced as a whole, or left as it is."""

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from agent.domain.errors import AgentError
from agent.hooks.json_text import NotEditable

T = TypeVar("T")

_BOM = "\ufeff"
_LONGEST = 16 * 1024 * 1024  # bytes; settings have a few thousand


class SettingsRefused(AgentError):
    """The file is not one that we can edit without harm; it was left as it is."""


def read(path: Path, view: Callable[[str | None], T]) -> T:
    """What `view` makes of the text, which is None where there is no file. Raises SettingsRefused."""
    return _viewed(path, _bytes(path), view)


def change(path: Path, edit: Callable[[str | None], str | None]) -> bool:
    """Put in place what `edit` makes of the text; None stands for no file. Whether that is a change.

    Raises SettingsRefused, and then nothing was changed.
    """
    before = _bytes(path)
    edited = _viewed(path, before, edit)
    bom = _BOM if before is not None and before.startswith(_BOM.encode()) else ""
    after = None if edited is None else f"{bom}{edited}".encode()
    if after == before:
        return False
    try:
        _replace(Path(os.path.realpath(path)), before, after)
    except OSError as error:
        raise SettingsRefused(f"{path} cannot be written ({error.strerror}); nothing was changed.") from error
    return True


def _viewed(path: Path, content: bytes | None, view: Callable[[str | None], T]) -> T:
    try:
        return view(None if content is None else content.decode().removeprefix(_BOM))
    except UnicodeDecodeError:
        raise SettingsRefused(f"{path} is not UTF-8; nothing was changed.") from None
    except NotEditable as error:
        text = f"{path} cannot be edited safely: {error}. Nothing was changed; correct it and try again."
        raise SettingsRefused(text) from None


def _bytes(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsRefused(f"{path} cannot be read ({error.strerror}); nothing was changed.") from error


def _replace(target: Path, before: bytes | None, after: bytes | None) -> None:
    """All or nothing, also in a power cut. Raises SettingsRefused when somebody else was quicker."""
    if after is None:
        _check_unchanged(target, before)
        target.unlink()
        return
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".pointsman-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(after)
            file.flush()
            _take_after(file.fileno(), target)
            os.fsync(file.fileno())  # before the rename: a power cut must not leave an empty file
        _check_unchanged(target, before)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _settle(target.parent)


def _check_unchanged(target: Path, before: bytes | None) -> None:
    if _bytes(target) != before:
        raise SettingsRefused(f"{target} was changed by another program just now. Try again.")


def _take_after(descriptor: int, target: Path) -> None:
    """The mode and owner of the file that is replaced."""
    try:
        known = target.stat()
    except FileNotFoundError:
        return  # mkstemp's 0600 is right: settings may hold keys
    os.fchmod(descriptor, known.st_mode & 0o7777)
    with suppress(PermissionError):
        os.fchown(descriptor, known.st_uid, known.st_gid)


def _settle(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
