"""Secrets that nobody gave: made once, kept in the data directory for their owner alone."""

import os
import secrets
from pathlib import Path

from pointsman.config import Settings
from pointsman.data_folder import trouble_with
from pointsman.errors import ExitCode, Failure
from pointsman.settings import BY_NAME, Setting

_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600

KEYS = ("POINTSMAN_API_KEY", "POINTSMAN_ADAPTER_KEY")
ADAPTER_SECRETS = ("TELEGRAM_WEBHOOK_SECRET", "TELEGRAM_WEBHOOK_PATH_SECRET")


def make_data_dir(settings: Settings) -> Path:
    """The data directory, made if needed. Raises Failure."""
    folder = settings.data_dir
    try:
        # One that is there keeps its mode: it is a person's, and `doctor` tells who may look in.
        folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    except OSError as error:
        cure = "Set POINTSMAN_DATA_DIR to a folder that you can write."
        raise Failure(f"cannot make {folder}: {error.strerror}", cure) from None
    if trouble := trouble_with(folder):  # somebody may have been faster
        raise Failure(trouble, code=ExitCode.USAGE)
    return folder


def make_missing(settings: Settings, *names: str) -> None:
    """Generate those secrets that no source gives."""
    folder = make_data_dir(settings)
    for name in names:
        if not settings[name]:
            _keep(folder / BY_NAME[name].file, _new(BY_NAME[name]))


def _new(setting: Setting) -> str:
    prefix = "pmk_" if setting.name in KEYS else ""
    return prefix + secrets.token_urlsafe(32)


def _keep(path: Path, secret: str) -> None:
    """Write it whole or not at all; where another process was faster, its secret stays."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")  # one for each process: two may be at it
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE_FILE)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())  # Telegram may be told it next: no power cut may take it from us alone
        _link(draft, path)
        draft.unlink()
    except OSError as error:
        cure = "POINTSMAN_DATA_DIR must be a folder that you can write."
        raise Failure(f"cannot write {path}: {error.strerror}", cure, ExitCode.FAILED) from None


def _link(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)  # unlike a rename, it fails where there is one
    except FileExistsError:
        if not path.read_text(encoding="ascii").strip():  # an empty file is no secret: somebody's disk was full
            draft.replace(path)
            draft.touch()  # for the unlink that follows
