"""Machines of Fly.io. Each has a disk of its own, which is in one region and stays where the machine only stops."""

import base64
import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from pointsman.providers.fly_api import FlyApi, Json, Missing, TimedOut
from pointsman.providers.orphans import Left
from pointsman.providers.provider import (
    BOOT,
    DISK,
    TOKEN_FILE,
    Full,
    Provided,
    ProviderError,
    State,
    Unsure,
    Wanted,
    checked_key,
    name_of,
)
from pointsman.providers.rate_limit import READS

METADATA, OWNER = "pointsman", "pointsman_router"
_GONE = ("destroyed", "destroying")
_STATES = {
    "created": State.STARTING, "starting": State.STARTING, "started": State.RUNNING, "stopping": State.STOPPING,
    "stopped": State.STOPPED, "suspending": State.STOPPING, "suspended": State.STOPPED, "replacing": State.STARTING,
}  # fmt: skip
_DISK = re.compile(r"pm_[0-9a-f]{20}")
_GRACE = "30s"  # that an agent has to leave
_LETTING_GO = 10  # looks at a disk that its machine has not let go yet, a second apart


@dataclass(frozen=True, slots=True)
class FlyProvider:
    """In these `regions`, the first that has room."""

    api: FlyApi
    regions: tuple[str, ...]
    disk_gb: int = 3
    memory_mb: int = 1024

    def ensure(self, wanted: Wanted) -> Provided:
        found = self._find(wanted.key)
        if found is not None:
            return self.start(wanted.key)
        if not wanted.join_token:
            raise ProviderError("A machine that is made needs a join token to enrol with.")
        try:
            return self._made(wanted)
        # Another call was faster, or an earlier one was heard after all: then there is the one that is wanted.
        except ProviderError:
            if (made := self._find(wanted.key)) is not None:
                return made
            raise

    def start(self, key: str) -> Provided:
        machine = self._get(key)
        if machine.state in (State.STARTING, State.RUNNING):
            return machine
        self._act("start", machine.reference)
        return self._get(key)

    def stop(self, key: str) -> Provided:
        machine = self._get(key)
        if machine.state is not State.STOPPED:
            self._act("stop", machine.reference, {"timeout": _GRACE})
            self._wait(machine.reference, "stopped")
        return self._get(key)

    def destroy(self, key: str) -> None:
        if (machine := self._find(key)) is not None:
            path = f"/machines/{machine.reference}"
            with suppress(Missing):
                self.api.ask("destroy", "DELETE", path, thing=machine.reference, query={"force": "true"})
        if self._find(key) is not None:
            raise Unsure("Fly has not destroyed it yet")
        for disk in self._disks(key):
            self._let_go(str(disk["id"]))

    def listed(self) -> list[Provided]:
        return list(self._machines({}))

    def left(self) -> list[Left]:
        """Fly does not say of anything that it never ran."""
        there = self._listed({})
        machines = [Left(one.key, one.reference, one.owner) for each in there if (one := _provided(each))]
        ours = {_disk_name(one.key) for one in machines}
        volumes = self.api.ask("list volumes", "GET", "/volumes")
        if not isinstance(volumes, list):
            raise ProviderError("Fly answered with something that is no list")
        disks = [each for each in volumes if isinstance(each, dict) and _DISK.fullmatch(str(each.get("name")))]
        alone = [each for each in disks if each["name"] not in ours and not each.get("attached_machine_id")]
        return machines + [Left("", str(each.get("id"))) for each in alone]

    def discard(self, one: Left) -> None:
        raise ProviderError(f"{one.reference} is left to a person")

    def _made(self, wanted: Wanted) -> Provided:
        """Where there is room. A disk of an earlier attempt is used, in its region: it may be another call's."""
        if there := next(iter(self._disks(wanted.key)), None):
            return self._begun(wanted, str(there["region"]), str(there["id"]))
        why = "no region is named"
        for region in self.regions:
            try:
                disk = self._disk(wanted.key, region)
            except Full as full:
                why = str(full)
                continue
            try:
                return self._begun(wanted, region, disk)
            except Unsure:
                raise
            except ProviderError as error:
                self._let_go_unused(wanted.key, disk)
                if not isinstance(error, Full):
                    raise
                why = str(error)
        raise Full(f"There is no room in {', '.join(self.regions) or 'any region'}: {why}")

    def _begun(self, wanted: Wanted, region: str, disk: str) -> Provided:
        token = base64.b64encode(wanted.join_token.encode()).decode()
        config: Json = {
            "image": wanted.image,
            "env": {**wanted.environ, "POINTSMAN_DATA_DIR": DISK},
            "metadata": {METADATA: wanted.key} | ({OWNER: wanted.owner} if wanted.owner else {}),
            "mounts": [{"volume": disk, "path": DISK}],
            "files": [{"guest_path": TOKEN_FILE, "raw_value": token}],
            "init": {"exec": ["sh", "-c", BOOT]},
            "guest": {"cpu_kind": "shared", "cpus": 1, "memory_mb": self.memory_mb},
            "restart": {"policy": "on-failure", "max_retries": 3},
            "auto_destroy": False,
        }
        asked: Json = {"name": name_of(wanted.key), "region": region, "config": config}
        made = self.api.ask("create", "POST", "/machines", asked)
        if (found := _provided(made)) is None:
            raise Unsure("Fly answered with something that is no machine")
        return found

    def _disk(self, key: str, region: str) -> str:
        asked: Json = {"name": _disk_name(key), "region": region, "size_gb": self.disk_gb, "encrypted": True}
        made = self.api.ask("create a volume", "POST", "/volumes", asked)
        if not isinstance(made, dict) or not isinstance(made.get("id"), str):
            raise Unsure("Fly answered with something that is no volume")
        return str(made["id"])

    def _disks(self, key: str) -> list[Json]:
        """Those of a machine that are there."""
        there = self.api.ask("list volumes", "GET", "/volumes")
        every = [each for each in there if isinstance(each, dict)] if isinstance(there, list) else []
        ours = [each for each in every if each.get("name") == _disk_name(key) and "id" in each and "region" in each]
        return [each for each in ours if "destroy" not in str(each.get("state"))]

    def _let_go_unused(self, key: str, disk: str) -> None:
        """Delete a disk that was made in this call, on which nothing ever was; unless another call has taken it."""
        if any(each["id"] == disk and not each.get("attached_machine_id") for each in self._disks(key)):
            self._let_go(disk)

    def _let_go(self, disk: str) -> None:
        """Delete a disk, once no machine has it any more."""
        for left in range(_LETTING_GO, -1, -1):
            try:
                self.api.ask("destroy a volume", "DELETE", f"/volumes/{disk}", thing=disk)
                return
            except Missing:
                return
            except ProviderError as error:
                if isinstance(error, Unsure) or not left:
                    raise
                self.api.sleep(1.0)

    def _act(self, action: str, machine: str, body: Json | None = None) -> None:
        self.api.ask(action, "POST", f"/machines/{machine}/{action}", body or {}, thing=machine)

    def _wait(self, machine: str, state: str) -> None:
        query = {"state": state, "timeout": "60"}
        try:
            self.api.ask("wait", "GET", f"/machines/{machine}/wait", thing=machine, rate=READS, query=query)
        except TimedOut:
            return  # its state says how far it is

    def _get(self, key: str) -> Provided:
        if (found := self._find(key)) is None:
            raise ProviderError(f"There is no machine of {key}.")
        return found

    def _find(self, key: str) -> Provided | None:
        named = self._machines({f"metadata.{METADATA}": checked_key(key)})
        return next((each for each in named if each.key == key), None)

    def _machines(self, query: dict[str, str]) -> Iterator[Provided]:
        return (one for each in self._listed(query) if (one := _provided(each)) is not None)

    def _listed(self, query: dict[str, str]) -> list[object]:
        there = self.api.ask("list", "GET", "/machines", query=query)
        if not isinstance(there, list):
            raise ProviderError("Fly answered with something that is no list")  # what is not known is not gone
        return there


def _provided(said: object) -> Provided | None:
    """A machine of ours; None for what is none, or gone."""
    config = said.get("config") if isinstance(said, dict) else None
    metadata = config.get("metadata") if isinstance(config, dict) else None
    key = metadata.get(METADATA) if isinstance(metadata, dict) else None
    if not isinstance(said, dict) or not isinstance(key, str) or not isinstance(said.get("id"), str):
        return None
    if said.get("state") in _GONE:
        return None
    owner = str(metadata.get(OWNER, "")) if isinstance(metadata, dict) else ""
    return Provided(key, _STATES.get(str(said.get("state")), State.BROKEN), str(said["id"]), owner)


def _disk_name(key: str) -> str:
    """At most 30 of a to z, 0 to 9 and _."""
    return f"pm_{hashlib.sha256(key.encode()).hexdigest()[:20]}"
