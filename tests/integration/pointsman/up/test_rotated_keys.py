"""`pointsman apikey rotate --own` beside a running `pointsman up`: nobody is shut out, before a restart and after."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.request import Request, urlopen

import psutil
import pytest

from tests.folders import short_folder
from tests.integration.pointsman.up.test_up import Up, running
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


def adapters(up: Up) -> set[int]:
    found = set()
    for child in up.children():
        with suppress(psutil.Error):  # one that was killed may be gone, or not waited for
            if "adapter-http" in child.cmdline():
                found.add(child.pid)
    return found


def sessions_over_http(up: Up, key: str) -> int:
    with urlopen(Request(f"{up.http}/sessions", headers={"X-API-Key": key}), timeout=10) as answer:
        return int(answer.status)


def keys_of(up: Up) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(up.run("apikey", "list", "--json").stdout)
    return found


def test_what_runs_goes_on_and_takes_the_new_ones_at_its_restart(folder: Path) -> None:
    with running(folder) as up:
        old = (folder / "api_key").read_text().strip()

        done = up.run("apikey", "rotate", "--own")
        http = up.child("adapter-http")
        http.kill()  # its supervisor starts it with the key that it was given
        wait_until(lambda: adapters(up) - {http.pid}, 30)
        wait_until(lambda: up.run("doctor").returncode == 0, 30)

        assert done.returncode == 0, done.stderr
        new = (folder / "api_key").read_text().strip()
        assert old != new
        assert [sessions_over_http(up, key) for key in (old, new)] == [200, 200]
        assert [key["oldSecretGood"] for key in keys_of(up)] == [True, True]

    with running(folder) as up:
        assert up.run("doctor").returncode == 0
        assert sessions_over_http(up, new) == 200
        assert len(keys_of(up)) == 2
        assert all(key["oldSecretUntil"] for key in keys_of(up))  # both new ones are in use
