"""The router's Unix socket: no other account gets in by it, and none that takes its place is told anything."""

import json
import logging
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.domain.errors import EnrolRefused
from agent.link import identity, router_socket
from agent.link.channel import Endpoint
from agent.link.enrol import enrol
from pointsman.client import router_socket as clients_socket
from pointsman.client.channel import open_channel
from pointsman.client.control import Control
from pointsman.client.errors import NOT_PROVEN, RouterError
from pointsman.client.records import Chat
from pointsman.errors import ExitCode
from router.config import SettingsError
from router.local_socket import socket_path
from tests.folders import short_folder
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.agent_thread import running
from tests.rigs.other_account import OtherAccount, other_account
from tests.waiting import wait_until
from webhook_adapter.config import AdapterConfig
from webhook_adapter.model import Submission
from webhook_adapter.router.client import RouterClient

COMMAND = (sys.executable, "-I", "-m", "pointsman", "sessions")
OUTPUT: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 60, "check": False}
SECRET = "the password is swordfish"

CONNECT = """
import socket
client = socket.socket(socket.AF_UNIX)
client.settimeout(10)
try:
    client.connect(arguments["path"])
    print(json.dumps("connected"))
except OSError as error:
    print(json.dumps(type(error).__name__))
"""
# As a router begins: a client that heard this would go on with its call.
IMPOSTOR = """
import socket, threading
os.umask(0)
for folder in arguments["folders"]:
    os.mkdir(folder)
for name, to in arguments["links"].items():
    os.symlink(to, name)
heard = []
def listen(connection):
    try:
        connection.sendall(bytes((0, 0, 0, 4, 0, 0, 0, 0, 0)))
        while data := connection.recv(65536):
            heard.append(data.decode(errors="replace"))
    except OSError:
        pass
server = socket.socket(socket.AF_UNIX)
server.bind(arguments["path"])
server.listen()
def accept():
    while True:
        threading.Thread(target=listen, args=(server.accept()[0],), daemon=True).start()
threading.Thread(target=accept, daemon=True).start()
print("listening", flush=True)
sys.stdin.read()
print(json.dumps(heard))
"""


@pytest.fixture(scope="module")
def other() -> Iterator[OtherAccount]:
    with other_account() as account:
        yield account


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A folder like /tmp."""
    with short_folder() as folder:
        folder.chmod(0o1777)
        yield folder


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir / "router")) as router:
        yield router


@pytest.fixture
def path(router: RouterUnderTest) -> Path:
    return socket_path(router.config.data_dir)


# --- whoever connects ---


@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_another_account_cannot_connect(path: Path, data_dir: Path, other: OtherAccount, mode: int) -> None:
    """Not even where its owner lets everybody look into the data directory."""
    data_dir.chmod(0o755)
    path.parent.chmod(mode)

    assert other.tries(CONNECT, path=str(path)) == "PermissionError"


def test_it_is_its_owners_alone_whatever_the_umask_is(data_dir: Path) -> None:
    before = os.umask(0)
    try:
        with serving(config(data_dir)):
            assert socket_path(data_dir).lstat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


def test_who_takes_its_place_below_a_client_that_goes_on_is_told_nothing(data_dir: Path, other: OtherAccount) -> None:
    """As when a folder below /tmp was cleaned away."""
    folder = data_dir / ("d" * 90)
    path = socket_path(folder)
    with serving(config(folder)):
        client = Control(open_channel(f"unix:{path}", is_local=True), API_KEY)
        assert client.sessions() == []
    shutil.rmtree(path.parent)
    with client, planted(other, path, folders=[str(path.parent)]) as heard:
        with pytest.raises(RouterError) as refused:
            client.sessions()
        said = heard()
    shutil.rmtree(path.parent)

    assert refused.value.code == NOT_PROVEN
    assert "".join(said) == ""


def test_who_connects_needs_a_key_as_everybody_does(path: Path) -> None:
    with Control(open_channel(f"unix:{path}", is_local=True), "pmk_wrong") as client, pytest.raises(RouterError) as no:
        client.sessions()

    assert no.value.status == "UNAUTHENTICATED"


# --- whoever takes its place ---


@contextmanager
def planted(other: OtherAccount, path: Path, **plan: Any) -> Iterator[Callable[[], list[str]]]:
    """Another account's program that listens there; ended, it gives what it was told."""
    arguments = {"path": str(path), "folders": [], "links": {}} | plan
    program = other.starts(IMPOSTOR, stdin=subprocess.PIPE, **arguments)
    assert program.stdout
    assert program.stdout.readline().strip() == "listening"

    def heard() -> list[str]:
        told: list[str] = json.loads(program.communicate(timeout=60)[0])
        return told

    try:
        yield heard
    finally:
        program.kill()
        program.communicate()


@pytest.fixture(
    params=["a folder of theirs", "a folder for everybody", "a link of theirs", "a folder that we left open"]
)
def impostor(
    request: pytest.FixtureRequest, other: OtherAccount, everybodys: Path
) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """The address that we were given, and what was said there."""
    theirs, link, open_ = everybodys / "theirs", everybodys / "link", everybodys / "open"
    open_.mkdir()
    open_.chmod(0o777)
    places: dict[str, tuple[Path, dict[str, Any]]] = {
        "a folder of theirs": (theirs, {"folders": [str(theirs)]}),
        "a folder for everybody": (everybodys, {}),
        "a link of theirs": (link, {"folders": [str(theirs)], "links": {str(link): str(theirs)}}),
        "a folder that we left open": (open_, {}),
    }
    folder, plan = places[request.param]
    with planted(other, folder / "router.sock", **plan) as heard:
        yield f"unix:{folder / 'router.sock'}", heard


def test_a_command_tells_it_no_key(impostor: tuple[str, Callable[[], list[str]]], data_dir: Path) -> None:
    address, heard = impostor
    settings = {"POINTSMAN_DATA_DIR": str(data_dir), "POINTSMAN_API_KEY": API_KEY, "POINTSMAN_ROUTER": address}

    done = subprocess.run(COMMAND, env=settings, **OUTPUT)

    assert done.returncode == ExitCode.NOT_REACHABLE
    assert "nothing was said there" in done.stderr
    assert "".join(heard()) == ""


def test_an_adapter_hands_it_no_message(impostor: tuple[str, Callable[[], list[str]]], data_dir: Path) -> None:
    address, heard = impostor
    environ = {"POINTSMAN_ROUTER": address, "POINTSMAN_API_KEY": API_KEY, "POINTSMAN_DATA_DIR": str(data_dir)}
    client = RouterClient(AdapterConfig.from_environ(environ))

    with pytest.raises(RouterError) as refused:
        client.submit(Submission("1", Chat("telegram", "5"), "ada", SECRET))
    client.close()

    assert refused.value.code == NOT_PROVEN
    assert refused.value.may_pass  # it comes again, and is not lost
    assert "".join(heard()) == ""


def test_a_machine_shows_it_no_join_token(impostor: tuple[str, Callable[[], list[str]]], data_dir: Path) -> None:
    address, heard = impostor

    with pytest.raises(EnrolRefused, match="the token was not told there"):
        enrol(Endpoint(address), "pmj_" + "t" * 43, "devbox", data_dir)

    assert "".join(heard()) == ""


def test_an_agent_shows_it_no_credential(
    impostor: tuple[str, Callable[[], list[str]]], data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    address, heard = impostor
    identity.key_of(data_dir / "agent")
    identity.save(data_dir / "agent", "devbox", "r", address, "")  # it has no fingerprint to ask for

    with running(data_dir) as agent:
        wait_until(lambda: "end=refused" in caplog.text)
        assert not agent.client.status.connected

    assert "nothing was said there" in caplog.text
    assert "".join(heard()) == ""


@pytest.mark.parametrize("check", [router_socket.check, clients_socket.check])
def test_who_listens_is_asked_of_the_kernel(check: Callable[[str], None], data_dir: Path, other: OtherAccount) -> None:
    """A file of ours with another account's program behind it, as when that got hold of the socket itself."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(data_dir / "router.sock"))
        os.seteuid(other.uid)
        try:
            server.listen()
        finally:
            os.seteuid(0)

        with pytest.raises(PermissionError, match=f"a program of account {other.uid} listens"):
            check(f"unix:{data_dir / 'router.sock'}")


@pytest.mark.parametrize("check", [router_socket.check, clients_socket.check])
def test_a_link_in_place_of_the_socket_is_not_followed(check: Callable[[str], None], path: Path) -> None:
    link = path.with_name("link.sock")
    link.symlink_to(path)

    check(f"unix:{path}")
    with pytest.raises(PermissionError, match="no socket of this account"):
        check(f"unix:{link}")


@pytest.mark.parametrize("check", [router_socket.check, clients_socket.check])
def test_an_ordinary_folder_of_ours_above_it_will_do(check: Callable[[str], None], everybodys: Path) -> None:
    """Below a sticky folder for everybody, as /tmp, what is ours stays ours."""
    folder = everybodys / "data"
    with serving(config(folder)):
        check(f"unix:{socket_path(folder)}")
        everybodys.chmod(0o777)
        with pytest.raises(PermissionError, match="others than this account may put"):
            check(f"unix:{socket_path(folder)}")


@pytest.mark.parametrize("module", ["agent.link.router_socket", "pointsman.client.router_socket"])
def test_in_a_sandbox_that_shows_no_owners_the_folders_above_are_taken_for_roots(everybodys: Path, module: str) -> None:
    """As those do in which coding agents run: / and /home seem to be nobody's."""
    theirs = everybodys / "home"
    theirs.mkdir(mode=0o755)
    os.chown(theirs, 4711, 4711)
    with serving(config(theirs / "data")):
        script = f"from {module} import check; check('unix:{socket_path(theirs / 'data')}')"
        python = [sys.executable, "-I", "-c", script]
        inside = subprocess.run(["unshare", "--user", "--map-root-user", *python], **OUTPUT)
        outside = subprocess.run(python, **OUTPUT)
    if "unshare" in inside.stderr:
        pytest.skip("nobody may make a sandbox here")

    assert inside.returncode == 0, inside.stderr
    assert "others than this account may put a socket" in outside.stderr


# --- whoever takes the port, or was there first ---


def test_programs_of_its_account_find_it_and_do_not_care_who_has_its_port(router: RouterUnderTest) -> None:
    data_dir = router.config.data_dir
    settings = {"POINTSMAN_DATA_DIR": str(data_dir), "POINTSMAN_API_KEY": API_KEY}

    with socket.create_server(("127.0.0.1", 0)) as squatter:
        squatted = f"127.0.0.1:{squatter.getsockname()[1]}"
        done = subprocess.run(COMMAND, env={**settings, "POINTSMAN_ROUTER_LISTEN": squatted}, **OUTPUT)
        squatter.settimeout(0)
        with pytest.raises(BlockingIOError):
            squatter.accept()

    assert done.returncode == 0, done.stderr


def test_a_socket_at_which_somebody_listens_is_left_alone(data_dir: Path) -> None:
    with socket.socket(socket.AF_UNIX) as holder:
        holder.bind(str(socket_path(data_dir)))
        holder.listen()
        with pytest.raises(SettingsError, match="another program listens at"), serving(config(data_dir)):
            pass
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(socket_path(data_dir)))


def test_and_none_where_another_account_was_first(data_dir: Path, other: OtherAccount) -> None:
    path = socket_path(data_dir / ("d" * 90))
    settings = {"POINTSMAN_DATA_DIR": str(data_dir / ("d" * 90)), "POINTSMAN_API_KEY": API_KEY}
    with planted(other, path, folders=[str(path.parent)]) as heard:
        with pytest.raises(SettingsError, match="belongs to someone else"), serving(config(data_dir / ("d" * 90))):
            pass
        done = subprocess.run(COMMAND, env=settings, **OUTPUT)
        said = heard()
    shutil.rmtree(path.parent)

    assert done.returncode == ExitCode.NOT_REACHABLE
    assert "".join(said) == ""


def test_the_router_proves_its_key_there_too(router: RouterUnderTest, path: Path) -> None:
    pin = router.join_token().partition(".")[2]

    with Control(open_channel(f"unix:{path}", is_local=True, fingerprint=pin), API_KEY) as client:
        assert client.sessions() == []
    another = open_channel(f"unix:{path}", is_local=True, fingerprint="x" * 43)
    with Control(another, API_KEY) as client, pytest.raises(RouterError) as refused:
        client.sessions()

    assert refused.value.code == NOT_PROVEN
