"""What can be wrong with this machine: settings, files, disk, SQLite, where sessions may start."""

import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from pointsman.config import FILE_NAME, Settings, unknown_names
from pointsman.doctor.findings import Finding, fail, ok, warn
from pointsman.errors import CLAUDE
from pointsman.settings import SETTINGS, Source
from pointsman.spelling import meaningless

_MIN_FREE, _LOW_FREE = 200 * 1024**2, 1024**3  # bytes: the log alone may need the first between two checkpoints
_SOUND_SQLITE = (3, 51, 3)


def settings_are_known(settings: Settings) -> Iterator[Finding]:
    unknown = unknown_names(settings.environ)
    for name in unknown:
        yield warn("settings", meaningless(name), "Correct it, or unset it.")
    if not unknown:
        yield ok("settings", "all good")


def data_dir(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    if not folder.is_dir():
        yield warn(
            "data directory",
            f"{folder} does not exist yet",
            "`pointsman up` or `pointsman enroll` makes it.",
        )
        return
    if folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield warn("data directory", f"others may look into {folder}", f"chmod 700 {folder}")
    else:
        yield ok("data directory", str(folder))
    yield from _disk(folder)


def _disk(folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(folder).free
    found = f"{free / 1024**3:.1f} GiB free"
    if free < _MIN_FREE:
        yield fail("disk", found, "Make room: nothing is accepted once the database cannot be written.")
    elif free < _LOW_FREE:
        yield warn("disk", found, "Make room, or `pointsman cleanup`.")
    else:
        yield ok("disk", found)


def secrets(settings: Settings) -> Iterator[Finding]:
    names = [setting.file for setting in SETTINGS if setting.file] + ["router.db", "events.db"]
    names += [f"agent/machine.key{suffix}" for suffix in ("", ".next", ".former")]
    # The settings file may be open to others, until a secret stands in it.
    if any(setting.secret and settings.values[setting.name].source is Source.FILE for setting in SETTINGS):
        names.append(FILE_NAME)
    paths = [path for name in names if (path := settings.data_dir / name).is_file()]
    open_to_all = [path for path in paths if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]
    for path in open_to_all:
        yield fail("secrets", f"others may read {path}", f"chmod 600 {path}")
    if not open_to_all:
        yield ok("secrets", "for their owner alone")
    if not settings["POINTSMAN_API_KEY"] and not settings.router_is_elsewhere:
        yield fail("secrets", "there is no API key", "`pointsman up` makes one, or set POINTSMAN_API_KEY.")


def sqlite(settings: Settings) -> Iterator[Finding]:  # noqa: ARG001  # one signature for all checks
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < _SOUND_SQLITE:
        yield ok("sqlite", f"{version}; the WAL-reset bug before 3.51.3 needs two writers, and there is only one")
    else:
        yield ok("sqlite", version)


def _others(settings: Settings) -> bool:
    """Whether there is another coding agent to start."""
    from agent.backends.acp.table import table

    kinds, path = table(settings["POINTSMAN_AGENTS"]).values(), settings.environ.get("PATH", "")
    return any(shutil.which(kind.program, path=path) for kind in kinds)


def starting(settings: Settings) -> Iterator[Finding]:
    """Whether sessions can be started here from afar."""
    named = filter(None, map(str.strip, settings["POINTSMAN_START_FOLDERS"].split(",")))
    folders = [Path(name).expanduser() for name in named]
    if not folders:
        yield ok("starting", "no session can be started here from afar; POINTSMAN_START_FOLDERS says where it may")
        return
    gone = ", ".join(str(folder) for folder in folders if not folder.is_dir())
    if gone:
        yield warn("starting", f"no folder {gone}", "Make it, or take it out of POINTSMAN_START_FOLDERS.")
    elif shutil.which("claude", path=settings.environ.get("PATH")) is None and not _others(settings):
        yield warn("starting", "claude is not on PATH", f"{CLAUDE} The agent must have it on its own.")
    else:
        yield ok("starting", "in " + ", ".join(map(str, folders)))
