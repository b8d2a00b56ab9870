"""The whole of it, with a real router and a real agent: who writes wakes a machine, and one that rests leaves."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pointsman.client import connect
from pointsman.client.control import Control
from pointsman.client.records import Command, CommandState, SessionState
from pointsman.providers.loop import Loop
from pointsman.providers.pool import Pool, read
from pointsman.providers.provider import name_of
from pointsman.providers.registry import provider
from pointsman.providers.starts import Starts
from pointsman.providers.watch import look
from tests.fakes.model_endpoint import KEY, ModelEndpoint
from tests.faults.processes import Process
from tests.faults.programs import Life
from tests.integration.router.harness import API_KEY
from tests.waiting import wait_until

LONG = 60.0  # seconds, at most, for what starts programs on a machine that has other things to do
MACHINE = "builder"
COMMAND = (sys.executable, "-I", "-m", "pointsman")


@dataclass
class Scene:
    """A machine that is a process here, and who looks after it; the time that it rests is the test's."""

    folder: Path
    address: str
    control: Control
    pool: Pool
    now: float = 0.0
    verbs: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def __post_init__(self) -> None:
        entry = self.pool.machines[MACHINE]
        self.provider = provider(entry, self.folder / "providers", self.address, "", "")
        self.starts = Starts(self.folder / "starts.json")
        self.begin()

    def begin(self) -> None:
        """Also what comes after one that was killed."""
        keys = self.pool.machines
        self.loop = Loop(
            self.pool, {MACHINE: self.provider}, lambda: look(self.control, keys), self.starts, self.verbs,
            lambda: self.now,
        )  # fmt: skip

    @property
    def environ(self) -> dict[str, str]:
        data = {"POINTSMAN_DATA_DIR": str(self.folder / "data"), "POINTSMAN_ROUTER": self.address}
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "POINTSMAN_API_KEY": API_KEY, **data}

    def cli(self, *words: str, code: int = 0) -> str:
        argv = [*COMMAND, *words]
        done = subprocess.run(argv, env=self.environ, capture_output=True, text=True, timeout=LONG, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    @contextmanager
    def looked_after(self) -> Iterator["subprocess.Popen[str]"]:
        """By the program that does so, which is ready."""
        with subprocess.Popen(
            [*COMMAND, "providers", "run"], env=self.environ, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout
                assert process.stdout.readline() == "ready providers\n"
                yield process
            finally:
                process.terminate()

    def is_connected(self) -> bool:
        return any(each.connected for each in self.control.machines() if each.machine_id == MACHINE)

    def round(self) -> bool:
        self.loop.round()
        self.verbs.submit(int).result(LONG)  # what it began is done
        self.now += 2.0
        return True

    def until(self, *, connected: bool) -> None:
        wait_until(lambda: self.round() and self.is_connected() is connected, LONG)

    def rests(self) -> bool:
        seen = look(self.control, [MACHINE])[MACHINE]
        return seen.is_connected and not seen.waiting and not seen.works

    def lives(self) -> int:
        """How often its agent began."""
        return self.log().count("ready agent builder")

    def log(self) -> str:
        return (self.folder / "machines" / name_of(MACHINE) / "log").read_text()


@contextmanager
def scene_in(folder: Path, model: str) -> Iterator[Scene]:
    told = {"POINTSMAN_MODEL_URL": f"{model}/v1", "POINTSMAN_MODEL": "m", "POINTSMAN_MODEL_API": "openai"}
    told["POINTSMAN_MODEL_KEY"] = KEY
    environ = ", ".join(f"{name} = {json.dumps(value)}" for name, value in told.items())
    text = (
        f'[machines.{MACHINE}]\nprovider = "local"\nfolder = {json.dumps(str(folder / "machines"))}\n'
        f"environ = {{ {environ} }}\n"
    )
    (folder / "data").mkdir(mode=0o700)
    (folder / "data" / "providers.toml").write_text(text)
    with router_in(folder / "router") as address, connect(address, API_KEY) as control:
        scene = Scene(folder, address, control, read(text))
        try:
            yield scene
        finally:
            scene.verbs.shutdown()
            scene.provider.destroy(MACHINE)


@contextmanager
def router_in(folder: Path) -> Iterator[str]:
    """A real one, by real time: agents show it what is good by theirs."""
    folder.mkdir(mode=0o700)
    environ = {"POINTSMAN_DATA_DIR": str(folder), "POINTSMAN_API_KEY": API_KEY, "PATH": os.environ["PATH"]}
    environ |= {"POINTSMAN_ROUTER_LISTEN": "127.0.0.1:0"}
    process = Process(Life("router", environ, folder / "journal", folder / "log"))
    try:
        yield process.ready()
    finally:
        process.close()


@pytest.fixture
def model() -> Iterator[ModelEndpoint]:
    with ModelEndpoint() as endpoint:
        yield endpoint


def begun(control: Control) -> Command:
    command = ended(control, control.start("one", MACHINE, agent="model").command_id)
    assert command.state is CommandState.DONE, command.detail
    return command


def ended(control: Control, command_id: str) -> Command:
    wait_until(lambda: control.command(command_id).state.ended, LONG)
    return control.command(command_id)


def test_one_that_rests_leaves_and_who_writes_wakes_it_once(tmp_path: Path, model: ModelEndpoint) -> None:
    with scene_in(tmp_path, model.url) as scene:
        control = scene.control
        assert "builder is running" in scene.cli("providers", "bring", MACHINE)
        wait_until(scene.is_connected, LONG)
        first = begun(control)
        wait_until(scene.rests, LONG)
        scene.round()
        assert scene.lives() == 1

        scene.now += 15 * 60
        scene.until(connected=False)
        assert "stopped" in scene.cli("providers")
        texts = [control.send_text(first.session_id, f"text {number}") for number in range(3)]
        assert [each.state for each in texts] == [CommandState.QUEUED] * 3
        # Each round by another one, of whom nothing was kept, as if the one before had been killed.
        wait_until(lambda: (scene.begin(), scene.round(), scene.is_connected())[-1], LONG)
        done = [ended(control, each.command_id) for each in texts]
        [session] = wait_until(lambda: [s for s in control.sessions() if s.state is SessionState.IDLE], LONG)

        assert [each.state for each in done] == [CommandState.DONE] * 3
        assert session.session_id == first.session_id
        assert [each for each in model.prompts if each.startswith("text")] == ["text 0", "text 1", "text 2"]
        assert scene.lives() == 2
        assert len((tmp_path / "starts.json").read_text().split(",")) == 1
        assert KEY not in scene.log()

        with scene.looked_after() as process:
            assert "runs already" in scene.cli("providers", "run", code=1)
            process.terminate()
            assert process.wait(LONG) == 0
