"""The real agent gives its machine another key: whatever dies or is lost meanwhile, it goes on, and so do its texts."""

import asyncio
import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from click.testing import CliRunner, Result

from agent.app import Agent
from agent.config import Config
from agent.link import identity
from agent.link.channel import Endpoint
from agent.link.client import Client
from agent.link.enrol import enrol
from agent.link.identity import FORMER_KEY, KEY, NEXT_KEY, public_bytes
from agent.link.machine_key import Unanswered
from agent.local import client
from pointsman.group import pointsman
from router.domain.audit import AuditEvent
from router.domain.gates import Requirements
from router.domain.machine import Machine
from router.store import audit, machines
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.agent_rig import ROOT, backends
from tests.rigs.dying_agent import POINTS
from tests.rigs.recording_backend import typed
from tests.waiting import wait_until

DAY = 24 * 3600.0


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir / "router", requirements=Requirements(credential_days=30))) as router:
        yield router


@pytest.fixture
def home(router: RouterUnderTest, data_dir: Path) -> Path:
    """The data directory of an enrolled machine."""
    enrol(Endpoint(router.address), router.join_token(), "devbox", data_dir)
    return data_dir


@contextmanager
def running(home: Path, router: RouterUnderTest) -> Iterator[Agent]:
    """The agent of this folder, on a loop of its own, with a link."""
    made: list[Agent] = []
    stop, loop = asyncio.Event(), asyncio.new_event_loop()

    async def run() -> None:
        made.append(Agent(Config(home, router=router.address), backends()))
        await made[0].run(stop, lambda _: None)

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        agent = wait_until(lambda: made and made[0])
        assert isinstance(agent, Agent)
        wait_until(lambda: agent.client.status.connected)
        yield agent
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def known(router: RouterUnderTest) -> Machine:
    found = router.read(lambda connection: machines.find(connection, "devbox"))
    assert found is not None
    return found


def on_disk(home: Path) -> bytes:
    return public_bytes(identity.load(home / "agent").key)


def change(home: Path) -> Result:
    """What the owner of the machine types there."""
    return CliRunner().invoke(pointsman, ["machine", "rotate"], env={"POINTSMAN_DATA_DIR": str(home)})


def wait_until_changed(router: RouterUnderTest, home: Path, before: bytes) -> None:
    """The router takes the new key before the agent puts it in its place."""
    wait_until(lambda: known(router).public_key != before and not (home / "agent" / NEXT_KEY).exists())


def ask(router: RouterUnderTest) -> None:
    router.control.RotateMachineKey(pb.RotateMachineKeyRequest(machine_id="devbox"))


def test_its_owner_changes_it_with_one_command(router: RouterUnderTest, home: Path) -> None:
    before = on_disk(home)
    with running(home, router) as agent:
        done = change(home)
        wait_until(lambda: agent.client.status.connected)

        assert (done.exit_code, done.output) == (0, "devbox has a new key, and the old one is over\n")
    now = on_disk(home)
    assert before != now == known(router).public_key
    assert known(router).former_key == before
    assert not (home / "agent" / NEXT_KEY).exists()
    for name in (KEY, FORMER_KEY):
        assert (home / "agent" / name).stat().st_mode & 0o777 == 0o600


def test_without_a_link_nothing_is_changed(router: RouterUnderTest, home: Path) -> None:
    before = on_disk(home)
    with running(home, router) as agent:
        router.stop()
        wait_until(lambda: not agent.client.status.connected)
        done = change(home)
        router.start()

    assert done.exit_code == 1
    assert "There is no link to the router now, so the key stays." in done.stderr
    assert on_disk(home) == before


def test_an_admin_has_it_changed_from_afar(router: RouterUnderTest, home: Path, data_dir: Path) -> None:
    before = on_disk(home)
    environ = {"POINTSMAN_DATA_DIR": str(data_dir / "client"), "POINTSMAN_API_KEY": API_KEY}
    with running(home, router):
        asked = CliRunner().invoke(
            pointsman, ["machine", "rotate", "devbox"], env=environ | {"POINTSMAN_ROUTER": router.address}
        )
        wait_until_changed(router, home, before)

    assert asked.stdout == "devbox is asked for a new key\n"
    assert on_disk(home) == known(router).public_key


@pytest.mark.parametrize("days", [21, 31], ids=["soon too old", "too old for a link"])
def test_it_changes_it_by_itself_before_it_is_too_old_and_behind_that(
    router: RouterUnderTest, home: Path, days: int
) -> None:
    before = on_disk(home)
    router.advance(days * DAY)

    with running(home, router) as agent:
        wait_until_changed(router, home, before)
        wait_until(lambda: agent.client.status.connected)

    assert on_disk(home) == known(router).public_key
    assert known(router).key_made_at > router.time.now() - DAY


def test_an_answer_that_is_lost_costs_nothing(
    router: RouterUnderTest, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer, lost = Client._offer, list[str]()

    async def unheard(*arguments: object) -> str:
        why = await offer(*arguments)  # type: ignore[arg-type]
        if not lost:
            lost.append(why)
            raise Unanswered("the answer was lost")
        return why

    monkeypatch.setattr(Client, "_offer", unheard)
    with running(home, router):
        done = change(home)
        wait_until(lambda: not (home / "agent" / NEXT_KEY).exists())

    assert lost == [""]
    assert "The key was not changed: the answer was lost. Nothing is lost;" in done.stderr
    assert on_disk(home) == known(router).public_key
    entries = router.read(lambda connection: audit.after(connection, 0, 0.0, 1000))
    assert AuditEvent.REFUSED.value not in [each.event for each in entries]  # an old key that is shown looks stolen


@pytest.mark.parametrize("name", [NEXT_KEY, FORMER_KEY])
def test_a_full_disk_leaves_one_of_its_keys_good(
    router: RouterUnderTest, home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write = identity.write_durably

    def full(path: Path, content: bytes) -> None:
        if path.name == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, content)

    with running(home, router) as agent:
        monkeypatch.setattr(identity, "write_durably", full)
        done = change(home)
        wait_until(lambda: agent.client.status.connected)
        monkeypatch.undo()

        assert (done.exit_code == 0) is (name == FORMER_KEY)
    with running(home, router):
        assert on_disk(home) == known(router).public_key


def test_a_router_that_is_put_back_from_before_learns_the_new_key_again(router: RouterUnderTest, home: Path) -> None:
    copy, before = router.config.data_dir / "copy.db", on_disk(home)
    router.control.Backup(pb.BackupRequest(path=str(copy)))
    with running(home, router):
        assert change(home).exit_code == 0
    router.stop()
    for file in router.config.data_dir.glob("router.db*"):
        file.unlink()
    copy.rename(router.config.database_path)
    router.start()
    assert known(router).public_key == before

    with running(home, router):
        pass

    assert on_disk(home) == known(router).public_key != before


@contextmanager
def process(home: Path, point: str, address: str) -> Iterator["subprocess.Popen[str]"]:
    """An agent of its own that dies there."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.rigs.dying_agent", str(home / "typed"), point],
        env=os.environ | {"POINTSMAN_DATA_DIR": str(home), "POINTSMAN_ROUTER": address},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as agent:
        try:
            assert agent.stdout is not None
            assert agent.stdout.readline() == "ready agent devbox\n"
            yield agent
        finally:
            agent.kill()


@pytest.mark.parametrize("point", POINTS)
def test_wherever_it_dies_it_goes_on_and_types_each_text_once(router: RouterUnderTest, home: Path, point: str) -> None:
    before = on_disk(home)
    texts = [f"text {number}" for number in range(6)]
    with process(home, point, router.address) as agent:
        registered = client.request(
            client.socket_path(home), {"op": "register", "backend": "command", "target": {"command": "cat"}}
        )
        session_id = str(registered["session_id"])
        wait_until(lambda: session_id in [each.session_id for each in sessions(router)])
        for text in texts[:3]:
            router.send(session_id, text)
        ask(router)
        agent.wait(timeout=30)
    for text in texts[3:]:
        router.send(session_id, text)

    with process(home, "", router.address):
        wait_until(lambda: len(typed(home / "typed")) == len(texts))
        wait_until_changed(router, home, before)

    assert typed(home / "typed") == texts
    assert known(router).former_key == before


def sessions(router: RouterUnderTest) -> list[types.Session]:
    return list(router.control.ListSessions(pb.ListSessionsRequest()).sessions)
