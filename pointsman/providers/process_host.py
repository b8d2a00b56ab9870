"""Agents as processes of this machine, each in a folder of its own: what `local` and `ssh` run where it is to be.

An agent holds its folder's lock as long as it lives, and gets it from whoever began it: so there are never two in one
folder, whoever calls at the same time, and no number of a process is taken for another's.

    FOLDER/NAME/  key  lock (whose number)  join-token  log  data/
"""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from pointsman.providers.provider import Provided, ProviderError, State, checked_key, name_of

GRACE, KILLED = 30.0, 30.0  # seconds that an agent has to leave, and to be gone after that
_LOOK, _TRIES = 0.05, 40  # seconds, and so often where somebody else has the lock
_BOOT = (
    'test -s "$POINTSMAN_DATA_DIR/agent/machine.json" || "$0" -I -m pointsman enroll "$POINTSMAN_ROUTER" -'
    ' <"$POINTSMAN_DATA_DIR/../join-token" && rm -f "$POINTSMAN_DATA_DIR/../join-token"'
    ' && exec "$0" -I -m pointsman agent'
)
_MOST_LOG = 4 * 1024 * 1024  # bytes, beyond which it begins anew with the agent


@dataclass(frozen=True, slots=True)
class ProcessHost:
    """`python` runs us; `base` is the environment that an agent gets beside what is given for it."""

    folder: Path
    python: str
    base: Mapping[str, str]
    grace: float = GRACE

    def ensure(self, key: str, join_token: str, environ: Mapping[str, str]) -> Provided:
        """It runs; made where it was not."""
        place = self.folder / name_of(key)
        if not join_token and not self._is_ours(place, key):
            raise ProviderError("A machine that is made needs a join token to enrol with.")
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        for _ in range(_TRIES):
            with self._held(place) as lock:
                if lock is not None:
                    self._begin(place, key, join_token, environ, lock)
                    break
            # Else somebody only looked whether it runs, or begins it now.
            if _lives(place):
                break
            time.sleep(_LOOK)
        return self._seen(place, key)

    def start(self, key: str, environ: Mapping[str, str]) -> Provided:
        """It runs again."""
        self._there(key)
        return self.ensure(key, "", environ)

    def stop(self, key: str) -> Provided:
        """It does not run."""
        place = self._there(key)
        for number, patience in ((signal.SIGTERM, self.grace), (signal.SIGKILL, KILLED)):
            if self._end(place, number, patience):
                return self._seen(place, key)
        raise ProviderError(f"The agent of {key} does not end.")

    def destroy(self, key: str) -> None:
        """It is gone with its folder, also where there was none."""
        place = self.folder / name_of(checked_key(key))
        if place.exists():
            self.stop(key)
            shutil.rmtree(place)

    def listed(self) -> list[Provided]:
        """All that there are."""
        there = sorted(self.folder.glob("*/key")) if self.folder.is_dir() else []
        keys = [(each.parent, each.read_text(encoding="utf-8")) for each in there]
        return [self._seen(place, key) for place, key in keys if place.name == name_of(key)]

    def _begin(self, place: Path, key: str, join_token: str, environ: Mapping[str, str], lock: int) -> None:
        # Before the key: a folder with a key is a machine, and may be begun without a token.
        data = place / "data"
        data.mkdir(mode=0o700, exist_ok=True)
        if join_token:
            _write(place / "join-token", join_token)
        _write(place / "key", key)
        # It may hold what a session said, and grows with every life.
        log = place / "log"
        mode = os.O_TRUNC if log.exists() and log.stat().st_size > _MOST_LOG else os.O_APPEND
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | mode, 0o600)
        try:
            begun = subprocess.Popen(
                ["sh", "-c", _BOOT, self.python], cwd=place, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env={**self.base, **environ, "POINTSMAN_DATA_DIR": str(data)}, pass_fds=(lock,), start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise ProviderError(f"its agent cannot be begun: {error.strerror}") from None
        finally:
            os.close(out)
        begun.returncode = 0  # it outlives us: nobody waits for it
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(begun.pid).encode(), 0)

    def _end(self, place: Path, number: signal.Signals, patience: float) -> bool:
        """Whether its lock is free within so many seconds after that signal."""
        for left in range(int(patience / _LOOK), -1, -1):
            with self._held(place) as lock:
                if lock is not None:
                    return True
            # Once, and only now that somebody is known to have the lock.
            if left == int(patience / _LOOK):
                _signal(place, number)
            time.sleep(_LOOK)
        return False

    @contextmanager
    def _held(self, place: Path, kind: int = fcntl.LOCK_EX) -> Iterator[int | None]:
        """The lock of a folder; None where an agent, or somebody who begins or ends one, has it."""
        lock = os.open(place / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            try:
                fcntl.flock(lock, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield lock
        finally:
            os.close(lock)

    def _seen(self, place: Path, key: str) -> Provided:
        # Shared: of two who look at once neither takes the other for an agent.
        with self._held(place, fcntl.LOCK_SH) as lock:
            return Provided(key, State.RUNNING if lock is None else State.STOPPED, place.name)

    def _there(self, key: str) -> Path:
        place = self.folder / name_of(checked_key(key))
        if not self._is_ours(place, key):
            raise ProviderError(f"There is no machine of {key}.")
        return place

    def _is_ours(self, place: Path, key: str) -> bool:
        with suppress(OSError):
            return (place / "key").read_text(encoding="utf-8") == key
        return False


def _lives(place: Path) -> bool:
    """Whether there is a process of the number that is noted."""
    text = (place / "lock").read_text(encoding="ascii")
    try:
        return text.isdigit() and psutil.Process(int(text)).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _signal(place: Path, number: signal.Signals) -> None:
    """To the agent that holds the lock, which therefore lives: its number is nobody else's."""
    text = (place / "lock").read_text(encoding="ascii")
    if text.isdigit() and int(text) > 1:
        with suppress(ProcessLookupError):
            os.killpg(int(text), number) if number is signal.SIGKILL else os.kill(int(text), number)


def _write(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as out:
        out.write(text)
    beside.replace(path)
