"""Machines that are processes: one for each folder, whoever begins it and whatever dies."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pointsman.providers.process_host import ProcessHost
from pointsman.providers.provider import ProviderError, State, name_of
from tests.integration.pointsman.providers.scenes import WANTED, ProcessScene
from tests.waiting import wait_until

KEY = WANTED.key


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[ProcessScene]:
    with closing(ProcessScene(tmp_path)) as scene:
        yield scene


def place(scene: ProcessScene, key: str = KEY) -> Path:
    return scene.folder / name_of(key)


def number(scene: ProcessScene) -> int:
    return int((place(scene) / "lock").read_text())


def lives(scene: ProcessScene) -> list[str]:
    """One line for each agent that ever began; at least one did."""
    return wait_until(lambda: _lines(place(scene) / "data" / "lives"), 30) or []


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def test_of_many_calls_at_once_one_begins_it(scene: ProcessScene) -> None:
    with ThreadPoolExecutor(8) as callers:
        made = list(callers.map(lambda _: scene.provider.ensure(WANTED), range(8)))

    assert {each.state for each in made} == {State.RUNNING}
    assert lives(scene) == ["router.example.org:7443"]


def test_who_only_looks_keeps_nobody_from_beginning_it(scene: ProcessScene) -> None:
    scene.provider.ensure(WANTED)
    lives(scene)
    scene.provider.stop(KEY)
    over, looked = threading.Event(), threading.Semaphore(0)

    def looks() -> set[State]:
        seen: set[State] = set()
        while not over.is_set():
            seen |= {each.state for each in scene.provider.listed()}
            looked.release()
        return seen

    with ThreadPoolExecutor(2) as lookers:
        both = [lookers.submit(looks) for _ in range(2)]
        assert all(looked.acquire(timeout=30) for _ in range(4))
        began = scene.provider.start(KEY)
        over.set()

    assert began.state is State.RUNNING
    assert all(each.result() <= {State.STOPPED, State.RUNNING} for each in both)


def test_it_enrols_once_and_its_token_is_gone(scene: ProcessScene) -> None:
    scene.provider.ensure(WANTED)
    lives(scene)
    enrolled = (place(scene) / "data" / "agent" / "machine.json").read_text()
    scene.provider.stop(KEY)
    scene.provider.ensure(replace(WANTED, join_token="pmj_again"))
    wait_until(lambda: len(lives(scene)) == 2, 30)

    assert enrolled == "-I -m pointsman enroll router.example.org:7443 - pmj_once\n"
    assert (place(scene) / "data" / "agent" / "machine.json").read_text() == enrolled


def test_one_that_died_is_stopped_and_is_begun_again(scene: ProcessScene) -> None:
    scene.provider.ensure(WANTED)
    lives(scene)
    os.kill(number(scene), signal.SIGKILL)
    stopped = wait_until(lambda: scene.provider.listed()[0].state is State.STOPPED, 30)
    began = scene.provider.start(KEY)

    assert stopped
    assert began.state is State.RUNNING


def test_one_that_does_not_leave_is_made_to(tmp_path: Path) -> None:
    stubborn = tmp_path / "stubborn"
    stubborn.write_text(
        "#!/bin/sh\ntrap '' TERM\nmkdir -p \"$POINTSMAN_DATA_DIR/agent\"\ntouch ../ready\nexec sleep 600\n"
    )
    stubborn.chmod(0o700)
    host = ProcessHost(tmp_path / "p", str(stubborn), {"PATH": os.environ["PATH"]}, grace=0.1)
    host.ensure(KEY, "pmj_once", {"POINTSMAN_ROUTER": "r:1"})
    wait_until((tmp_path / "p" / "ready").exists, 30)

    assert host.stop(KEY).state is State.STOPPED


def test_no_setting_of_ours_and_no_secret_reaches_it(scene: ProcessScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSMAN_API_KEY", "pmk_secret")
    scene.provider.ensure(WANTED)
    lives(scene)
    environ = Path(f"/proc/{number(scene)}/environ").read_bytes().split(b"\0")

    assert not any(b"secret" in each or WANTED.join_token.encode() in each for each in environ)
    assert b"POINTSMAN_ROUTER=router.example.org:7443" in environ


def test_what_others_made_is_not_listed_and_not_touched(scene: ProcessScene) -> None:
    (place(scene)).mkdir(parents=True)
    (place(scene) / "key").write_text("other")
    (scene.folder / "mine").mkdir()
    (scene.folder / "mine" / "key").write_text(KEY)

    assert scene.provider.listed() == []
    with pytest.raises(ProviderError, match="There is no"):
        scene.provider.destroy(KEY)
    assert (place(scene) / "key").exists()
