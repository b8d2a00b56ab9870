"""Secrets that nobody gave: made once, kept in the data directory for their owner alone."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pointsman.config import Settings
from pointsman.data_folder import trouble_with, trouble_with_database
from pointsman.errors import ExitCode, Failure
from pointsman.settings import BY_NAME, Setting

_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600

KEYS = ("POINTSMAN_API_KEY", "POINTSMAN_ADAPTER_KEY")
ADAPTER_SECRETS = ("TELEGRAM_WEBHOOK_SECRET", "TELEGRAM_WEBHOOK_PATH_SECRET", "POINTSMAN_MAIL_TOKEN_KEY")


def make_data_dir(settings: Settings) -> Path:
    """The data directory, made if needed. Raises Failure."""
    return make_folder(settings.data_dir)


def make_folder(folder: Path) -> Path:
    """That directory of data, made if needed. Raises Failure."""
    try:
        # One that is there keeps its mode: it is a person's, and `doctor` tells who may look in.
        for place in (*reversed(folder.parents), folder):  # those above get the same mode, whatever the umask is
            place.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
    except OSError as error:
        cure = "Set POINTSMAN_DATA_DIR to a folder that you can write."
        raise Failure(f"cannot make {folder}: {error.strerror}", cure) from None
    if trouble := trouble_with(folder):  # somebody may have been faster
        raise Failure(trouble, code=ExitCode.USAGE)
    return folder


def refuse_foreign_database(settings: Settings) -> None:
    """Raises Failure where the router's database lies elsewhere, and others may have put it there."""
    path = Path("/" + settings["POINTSMAN_DATABASE"].removeprefix("sqlite:///").lstrip("/"))
    if path.parent != settings.data_dir and (trouble := trouble_with_database(path)):
        raise Failure(trouble, "POINTSMAN_DATABASE says where it is.", ExitCode.USAGE)


def make_missing(settings: Settings, *names: str) -> None:
    """Generate those secrets that no source gives."""
    folder = make_data_dir(settings)
    for name in names:
        if not settings[name]:
            _keep(folder / BY_NAME[name].file, _new(BY_NAME[name]))


def _new(setting: Setting) -> str:
    prefix = "pmk_" if setting.name in KEYS else ""
    return prefix + secrets.token_urlsafe(32)


def replace(settings: Settings, name: str, secret: str) -> Path:
    """Put another secret into the file of a generated one; where that is. Raises Failure."""
    path = make_data_dir(settings) / BY_NAME[name].file
    _write(path, secret, only_if_missing=False)
    return path


def _keep(path: Path, secret: str) -> None:
    """Write it; where another process was faster, its secret stays."""
    _write(path, secret, only_if_missing=True)


def _write(path: Path, secret: str, *, only_if_missing: bool) -> None:
    """Whole, or not at all."""
    try:
        draft = write_draft(path, f"{secret}\n".encode("ascii"))
        with _alone_in(path.parent):
            # An empty file is no secret: somebody's disk was full.
            if not only_if_missing or not path.exists() or not path.read_bytes().strip():
                draft.replace(path)
        draft.unlink(missing_ok=True)
    except OSError as error:
        cure = "POINTSMAN_DATA_DIR must be a folder that you can write."
        raise Failure(f"cannot write {path}: {error.strerror}", cure, ExitCode.FAILED) from None


def write_draft(path: Path, content: bytes) -> Path:
    """What is to be in that place, whole and on disk, for its owner alone; whoever calls moves it there."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")  # one for each process: two may be at it
    draft.unlink(missing_ok=True)  # of a process that died while it wrote
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # others may be told of it next: no power cut may take it from us alone
    return draft


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Of all that keep a secret in it. A link made with a name that is taken would fail, too, but be a second name."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
