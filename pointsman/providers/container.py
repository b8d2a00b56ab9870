"""Machines that are containers of this one, run by docker or podman."""

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pointsman.providers.orphans import Left
from pointsman.providers.program import Result, Run, run
from pointsman.providers.provider import (
    BOOT,
    DISK,
    PREFIX,
    TOKEN_FILE,
    Provided,
    ProviderError,
    State,
    Wanted,
    checked_key,
    name_of,
)

PROGRAMS = ("docker", "podman")
LABEL = "pointsman.machine"
OWNER = "pointsman.router"  # the fingerprint of the router for which it was made
_GRACE = 30  # seconds that an agent has to leave
_PATIENCE = 60.0  # seconds of a call
_PULL = 900.0  # of one that may have to get the image first
_LIMITS = (
    "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit", "512", "--memory", "4g", "--init",
)  # fmt: skip
_FORMAT = '{{.Name}}\t{{index .Config.Labels "' + LABEL + '"}}\t{{.State.Status}}'
_LEFT = "\t".join((
    "{{.Id}}", '{{index .Config.Labels "' + LABEL + '"}}', '{{index .Config.Labels "' + OWNER + '"}}',
    "{{.State.Status}}", "{{.State.StartedAt}}", "{{.Created}}",
))  # fmt: skip
_MADE = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z| \+0000 UTC)")
_NEVER = "0001-01-01"  # when one was started that was not
# Of both programs; a word that is in neither list is a broken one's.
_STATES = {
    "running": State.RUNNING, "paused": State.STOPPED, "exited": State.STOPPED, "stopped": State.STOPPED,
    "created": State.STOPPED, "configured": State.STOPPED, "initialized": State.STARTING, "restarting": State.STARTING,
    "stopping": State.STOPPING, "removing": State.STOPPING,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ContainerProvider:
    """`program` is one of PROGRAMS; in `folder` join tokens lie until their machine is gone."""

    program: str
    folder: Path
    run: Run = run

    def ensure(self, wanted: Wanted) -> Provided:
        found = self._find(wanted.key)
        if found is not None and found.state in (State.RUNNING, State.STARTING):
            return found
        if wanted.join_token:  # also for one that is there: it may never have enrolled, and its token be over
            self._write_token(name_of(wanted.key), wanted.join_token)
        if found is not None:
            return self.start(wanted.key)
        if not wanted.join_token:
            raise ProviderError("A machine that is made needs a join token to enrol with.")
        result = self._call(self._made(wanted), _PULL)
        # Another call was faster, or an earlier one was heard after all: then there is the one that is wanted.
        if (made := self._find(wanted.key)) is not None:
            return made
        raise ProviderError(_why(result) if result.code else "it was begun, and is gone")

    def start(self, key: str) -> Provided:
        self._done(self._call(["start", name_of(key)]), key)
        return self._get(key)

    def stop(self, key: str) -> Provided:
        self._done(self._call(["stop", "-t", str(_GRACE), name_of(key)], _PATIENCE + _GRACE), key)
        return self._get(key)

    def destroy(self, key: str) -> None:
        name = name_of(key)
        if self._find(key) is not None:
            self._call(["rm", "--force", name], _PATIENCE + _GRACE)
            if self._find(key) is not None:
                raise ProviderError(f"{name} is still there")
        result = self._call(["volume", "rm", name])
        if result.code and name in self._call(["volume", "ls", "--quiet"]).out.split():
            raise ProviderError(_why(result))
        self._token_file(name).unlink(missing_ok=True)

    def listed(self) -> list[Provided]:
        names = self._asked(["ps", "--all", "--filter", f"label={LABEL}", "--format", "{{.Names}}"]).split()
        # One by one: of several, one that is gone since would be an error of all.
        return [found for name in names if (found := self._look(name)) is not None]

    def left(self) -> list[Left]:
        names = self._asked(["ps", "--all", "--no-trunc", "--filter", f"label={LABEL}", "--format", "{{.ID}}"]).split()
        containers = [found for name in names if (found := self._left(name)) is not None]
        machines = set(self._asked(["ps", "--all", "--filter", f"label={LABEL}", "--format", "{{.Names}}"]).split())
        # Of a disk alone nobody can say what is on it.
        disks = [each for each in self._asked(["volume", "ls", "--quiet"]).split() if each.startswith(PREFIX)]
        return containers + [Left("", each) for each in disks if each not in machines]

    def discard(self, one: Left) -> None:
        # By its id, and without force: another one of its name, and one that runs after all, are left alone.
        result = self._call(["rm", one.reference])
        if result.code and "no such" not in result.error.lower():
            raise ProviderError(_why(result))

    def _left(self, name: str) -> Left | None:
        result = self._call(["inspect", "--type", "container", "--format", _LEFT, name])
        if result.code:
            if "no such" in result.error.lower():
                return None
            raise ProviderError(_why(result))
        said = result.out.rstrip("\n").split("\t")
        if len(said) != 6 or not said[0]:
            raise ProviderError(f"{self.program} answered with something that is no container")
        reference, key, owner, status, started, made = said
        is_new = status in ("created", "configured") and started.startswith(_NEVER)
        return Left(key, reference, owner, _time(made), is_new)

    def _made(self, wanted: Wanted) -> list[str]:
        name, token = name_of(wanted.key), self._token_file(name_of(wanted.key))
        given = {**wanted.environ, "POINTSMAN_DATA_DIR": DISK}
        return [
            "run", "--detach", "--name", name, "--label", f"{LABEL}={wanted.key}", *_owner(wanted), *_LIMITS,
            "--volume", f"{name}:{DISK}", "--mount", f"type=bind,source={token},target={TOKEN_FILE},readonly",
            *(f"--env={each}={value}" for each, value in sorted(given.items())), "--entrypoint", "sh",
            wanted.image, "-c", BOOT,
        ]  # fmt: skip

    def _write_token(self, name: str, token: str) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        beside = self._token_file(name).with_suffix(".new")
        beside.unlink(missing_ok=True)
        # Whoever is root inside may be nobody here: the folder keeps others out, not the file.
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
        with os.fdopen(file, "w") as out:
            out.write(token)
        beside.replace(self._token_file(name))

    def _token_file(self, name: str) -> Path:
        return self.folder / name

    def _get(self, key: str) -> Provided:
        if (found := self._find(key)) is None:
            raise ProviderError(f"There is no container of {key}.")
        return found

    def _find(self, key: str) -> Provided | None:
        found = self._look(name_of(checked_key(key)))
        if found is not None and found.key != key:
            raise ProviderError(f"The container {found.reference} is not of {key}: it was not made here.")
        return found

    def _look(self, name: str) -> Provided | None:
        result = self._call(["inspect", "--type", "container", "--format", _FORMAT, name])
        if result.code:
            if "no such" in result.error.lower():
                return None
            raise ProviderError(_why(result))  # not known is not gone
        named, key, status = (*result.out.rstrip("\n").split("\t"), "", "")[:3]
        return Provided(key, _STATES.get(status, State.BROKEN), named.removeprefix("/"))

    def _asked(self, words: Sequence[str]) -> str:
        result = self._call(words)
        if result.code:
            raise ProviderError(_why(result))
        return result.out

    def _done(self, result: Result, key: str) -> None:
        if result.code:
            self._get(key)  # says where there is none
            raise ProviderError(_why(result))

    def _call(self, words: Sequence[str], patience: float = _PATIENCE) -> Result:
        return self.run([self.program, *words], patience)


def found(path: str | None) -> str | None:
    """What runs containers here, the first of PROGRAMS; None where nothing does."""
    return next((each for each in PROGRAMS if shutil.which(each, path=path)), None)


def _owner(wanted: Wanted) -> list[str]:
    return ["--label", f"{OWNER}={wanted.owner}"] if wanted.owner else []


def _time(said: str) -> float | None:
    """Seconds since the epoch; None where it is none, or of another zone."""
    if (found := _MADE.fullmatch(said)) is None:
        return None
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}+00:00").timestamp()
    except ValueError:
        return None


def _why(result: Result) -> str:
    words = " ".join("".join(one if one.isprintable() else " " for one in result.error).split())[-300:]
    return words or f"it ended with {result.code}"
