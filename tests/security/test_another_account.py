"""Two accounts on one machine: the other one sees that Pointsman runs, and gets no text and no credential."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.system import Pane, System, running
from tests.folders import short_folder
from tests.rigs.other_account import OtherAccount, other_account

pytestmark = pytest.mark.e2e

WORD = "hunter2"

READ = """
found = []
for place in arguments["places"]:
    for folder, folders, files in os.walk(place, onerror=lambda error: None):
        found += [os.path.join(folder, name) for name in files + folders]
    for way in (os.listdir, lambda path: open(path, "rb").read()):
        try:
            way(place)
            found.append(place)
        except OSError:
            pass
print(json.dumps(found))
"""
PROCESSES = """
got = []
for pid in arguments["pids"]:
    for name in ("environ", "mem", "maps", "stack", "cwd", "root", "exe", "fd", "fdinfo", "io", "auxv", "map_files"):
        path = f"/proc/{pid}/{name}"
        for way in (os.listdir, os.readlink, lambda path: open(path, "rb").read(16)):
            try:
                if way(path):
                    got.append(path)
            except OSError:
                pass
print(json.dumps(got))
"""
WATCH = """
seen, over = set(), False
print("watching", flush=True)
while os.path.exists(arguments["until"]):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("cmdline", "comm", "environ"):
            try:
                seen.add(open(f"/proc/{pid}/{name}", "rb").read().replace(b"\\0", b" ").decode(errors="replace"))
            except OSError:
                pass
print(json.dumps(sorted(seen)))
"""
SOCKETS = """
import socket
heard = {}
for path in arguments["paths"]:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(5)
    try:
        client.connect(path)
        client.sendall(b'{"op": "sessions"}\\n')
        heard[path] = client.recv(65536).decode(errors="replace")
    except OSError as error:
        heard[path] = type(error).__name__
print(json.dumps(heard))
"""
PORTS = """
import urllib.request, urllib.error
told = {}
for path in arguments["paths"]:
    try:
        with urllib.request.urlopen(arguments["url"] + path, timeout=20) as answer:
            told[path] = answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        told[path] = error.code
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def other() -> Iterator[OtherAccount]:
    with other_account() as account:
        yield account


@pytest.fixture(scope="module")
def system(other: OtherAccount, folder: Path) -> Iterator[System]:
    assert other.uid != 0
    folder.chmod(0o755)  # all that protects anything is what Pointsman does itself
    with running(folder) as system:
        yield system


@pytest.fixture(scope="module")
def pane(system: System) -> Pane:
    return system.pane("work")


def pids(system: System) -> list[int]:
    names = ("router", "agent", "courier", "adapter-http")
    return [system.pid, *(program.pid for name in names for program in system.programs(name))]


def test_it_opens_no_file_and_no_folder(system: System, pane: Pane, other: OtherAccount) -> None:
    assert pane.session_id
    places = [str(system.data), *(str(path) for path in system.data.rglob("*"))]

    assert len(places) > 8
    assert other.tries(READ, places=places) == []


def test_it_reads_nothing_of_a_program(system: System, other: OtherAccount) -> None:
    running_now = pids(system)

    assert len(running_now) >= 5
    assert other.tries(PROCESSES, pids=running_now) == []


def test_it_is_heard_at_no_socket(system: System, pane: Pane, other: OtherAccount) -> None:
    assert pane.session_id
    paths = [str(path) for path in system.data.rglob("*") if path.is_socket()]

    heard = other.tries(SOCKETS, paths=paths)

    assert paths
    assert set(heard.values()) == {"PermissionError"}


def test_it_is_a_stranger_at_the_door(system: System, other: OtherAccount) -> None:
    told = other.tries(PORTS, url=system.console, paths=["/health", "/sessions", "/commands", "/console/api/overview"])

    assert told == {"/health": "ok", "/sessions": 401, "/commands": 401, "/console/api/overview": 401}


def test_what_it_may_see_of_others_tells_no_text_and_no_secret(
    system: System, pane: Pane, other: OtherAccount, folder: Path
) -> None:
    """Whatever stands in /proc while a text goes all the way."""
    until = folder / "until"
    until.touch()
    watcher = other.starts(WATCH, until=str(until))
    assert watcher.stdout
    assert watcher.stdout.readline().strip() == "watching"

    before = len(pane.typed())
    for number in range(5):
        body = {"sessionId": pane.session_id, "text": f"{WORD} {number}"}
        assert system.rest("POST", "/commands", body).status_code == 202
    assert pane.wait_for(before + 5)[-1] == f"{WORD} 4"
    until.unlink()
    seen, _ = watcher.communicate(timeout=60)

    secrets = [system.api_key, system.telegram.token, (system.data / "telegram_webhook_secret").read_text().strip()]
    assert "pointsman" in seen
    assert [word for word in (WORD, *secrets) if word in seen] == []
