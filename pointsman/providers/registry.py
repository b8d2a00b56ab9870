"""Which provider brings a machine of the pool."""

import sys
import time
from pathlib import Path

from pointsman.providers.container import ContainerProvider
from pointsman.providers.fly import FlyProvider
from pointsman.providers.fly_api import FlyApi
from pointsman.providers.pool import Entry
from pointsman.providers.process import ProcessProvider, known_hosts_line, over_ssh
from pointsman.providers.provider import Provider, name_of

HERE = (sys.executable, "-I", "-m", "pointsman")


def provider(entry: Entry, folder: Path, router: str, fly_token: str, fly: str) -> Provider:
    """`folder` is ours, for what has to stay. Raises ValueError."""
    more = entry.more
    environ = entry.told(router)
    match entry.kind:
        case "local":
            return ProcessProvider(HERE, str(more["folder"]), environ)
        case "ssh":
            known = folder / f"{name_of(entry.key)}.known_hosts"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            known.write_text(known_hosts_line(more["host_key"]), encoding="ascii")
            carrier = over_ssh(
                more["host"], str(known), more.get("program", "pointsman"), more.get("port", 22),
                more.get("identity", ""),
            )  # fmt: skip
            return ProcessProvider(carrier, str(more["folder"]), environ)
        case "docker" | "podman":
            return ContainerProvider(entry.kind, folder / "tokens")
    api = FlyApi(fly, more["app"], fly_token, time.monotonic, time.sleep)
    return FlyProvider(api, tuple(more["regions"]), more.get("disk_gb", 3), more.get("memory_mb", 1024))
