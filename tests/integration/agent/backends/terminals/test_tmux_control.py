"""One client of a tmux server for all that is typed there: what it leaves alone, and what is done without it."""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.backends.terminals import tmux_control
from agent.backends.terminals.tmux import Pane, TmuxBackend
from agent.backends.terminals.tmux_control import Control
from agent.backends.terminals.tmux_server import prefix
from agent.domain.command import Ending, Input, Outcome, Reason
from tests.integration.agent.backends.stages import QUICK, TmuxStage
from tests.programs import needed
from tests.rigs.agent_rig import eventually


@pytest.fixture
def stage(data_dir: Path) -> Iterator[TmuxStage]:
    with closing(TmuxStage(data_dir)) as made:
        yield made


@pytest.fixture
def backend() -> TmuxBackend:
    return TmuxBackend(QUICK)


def clients(stage: TmuxStage) -> list[str]:
    return stage.server.run("list-clients", "-F", "#{client_flags}").splitlines()


async def arrived(stage: TmuxStage) -> list[bytes]:
    return await asyncio.to_thread(stage.submissions)


async def left(stage: TmuxStage) -> None:
    await eventually(lambda: not clients(stage))


async def test_behind_the_first_text_no_program_is_started(
    stage: TmuxStage, backend: TmuxBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await backend.deliver(stage.session, Input("first"))
    with monkeypatch.context() as without:
        without.setenv("PATH", "/nonexistent")
        second = await backend.deliver(stage.session, Input("second"))

    assert (first, second) == (Outcome.done(), Outcome.done())
    assert await arrived(stage) == [b"first", b"second"]


async def test_what_a_person_sees_stays_as_it_is(stage: TmuxStage, backend: TmuxBackend) -> None:
    stage.server.run("new-window", "-t", "main")
    seen = "#{window_id} #{window_width}x#{window_height} #{pane_id} #{session_windows}"
    before = stage.server.run("display-message", "-p", "-t", "main", seen)

    outcome = await backend.deliver(stage.session, Input("hello"))

    assert outcome == Outcome.done()
    assert stage.server.run("display-message", "-p", "-t", "main", seen) == before
    assert ["ignore-size" in flags and "no-output" in flags for flags in clients(stage)] == [True]


async def test_it_leaves_when_nothing_is_typed(
    stage: TmuxStage, backend: TmuxBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tmux_control, "LINGER", 0.0)
    await backend.deliver(stage.session, Input("hello"))

    await left(stage)


async def test_a_person_who_sends_it_away_is_no_hindrance(stage: TmuxStage, backend: TmuxBackend) -> None:
    await backend.deliver(stage.session, Input("first"))
    stage.server.run("detach-client", "-s", "main")
    await left(stage)

    assert await backend.deliver(stage.session, Input("second")) == Outcome.done()
    assert await arrived(stage) == [b"first", b"second"]


async def test_a_server_that_dies_takes_its_panes_along(stage: TmuxStage, backend: TmuxBackend) -> None:
    await backend.deliver(stage.session, Input("first"))
    os.kill(stage.server.pid, signal.SIGKILL)

    outcome = await backend.deliver(stage.session, Input("second"))

    assert (outcome.ending, outcome.reason) == (Ending.FAILED, Reason.TARGET_GONE)


async def test_a_server_that_hangs_later_types_nothing(stage: TmuxStage) -> None:
    backend = TmuxBackend(QUICK, limit=2.0)
    await backend.deliver(stage.session, Input("first"))
    os.kill(stage.server.pid, signal.SIGSTOP)
    outcome = await backend.deliver(stage.session, Input("second"))
    os.kill(stage.server.pid, signal.SIGCONT)
    await left(stage)

    assert (outcome.ending, outcome.reason) == (Ending.FAILED, Reason.BACKEND_ERROR)
    assert await TmuxBackend(QUICK).deliver(stage.session, Input("third")) == Outcome.done()
    assert await arrived(stage) == [b"first", b"third"]


ODD = ["%end 1 2 1", "%begin 1 2 1", "%error 1 2 1", "%exit", "%output %0 x"]


async def test_a_screen_that_looks_like_tmux_itself_is_shown_as_it_is(data_dir: Path, backend: TmuxBackend) -> None:
    words = "printf '%s\\n' " + " ".join(f"'{line}'" for line in ODD)
    with closing(TmuxStage(data_dir, command=["sh", "-c", f"{words}; cat > {data_dir / 'got'}"])) as stage:
        stage.shows("%output %0 x")
        pane = Pane(stage.session, 10.0, Control(prefix(stage.server.socket), 10.0))
        screen = await pane.screen()
        outcome = await backend.deliver(stage.session, Input("hello"))
        await eventually(lambda: (file := data_dir / "got").exists() and file.read_text() == "hello\n")

    assert screen.splitlines()[: len(ODD)] == ODD
    assert outcome == Outcome.done()


async def test_a_huge_pane_is_seen_as_by_a_process(data_dir: Path) -> None:
    fill = "i=0; while [ $i -lt 400 ]; do printf '\\033[3%dm%0900d' $((i % 8)) $i; i=$((i + 1)); done; cat"
    with closing(TmuxStage(data_dir, command=["sh", "-c", f"sleep 0; read x; {fill}"])) as stage:
        stage.server.run("resize-window", "-x", "900", "-y", "390")
        stage.server.run("send-keys", "-t", stage.server.pane, "Enter")
        stage.shows("399")
        by_client = await Pane(stage.session, 10.0, Control(prefix(stage.server.socket), 10.0)).screen()
        by_process = await Pane(stage.session).screen()

    assert len(by_client) > 900 * 300
    assert by_client == by_process


NONE = {
    "too old": 'echo "usage: tmux [-2CluvV]" >&2; exit 1',
    "silent": "exec sleep 60",
    "endless": "exec yes",
    "without a line's end": "exec tr '\\0' x < /dev/zero",
    "ends in the middle": "echo '%begin 1 1 0'; exit 0",
}


@pytest.mark.parametrize("does", NONE.values(), ids=NONE)
async def test_without_such_a_client_each_command_is_a_process(
    stage: TmuxStage, data_dir: Path, does: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    needed("tmux")
    programs = data_dir / "bin"
    programs.mkdir()
    other = programs / "tmux"
    other.write_text(
        f'#!/bin/sh\nfor word; do [ "$word" = -C ] && {{ {does}; }}; done\nexec {shutil.which("tmux")} "$@"\n'
    )
    other.chmod(0o700)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    backend = TmuxBackend(QUICK, limit=4.0)

    outcomes = [await backend.deliver(stage.session, Input(text)) for text in ("first", "second")]
    said = caplog.text

    assert outcomes == [Outcome.done(), Outcome.done()]
    assert await arrived(stage) == [b"first", b"second"]
    assert said.count("tmux is asked by a process for each command") == 1


async def test_a_persons_hook_on_clients_is_not_set_off(
    stage: TmuxStage, backend: TmuxBackend, data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stage.server.run("set-hook", "-g", "client-attached", f"run-shell 'touch {data_dir / 'came'}'")

    assert await backend.deliver(stage.session, Input("hello")) == Outcome.done()
    assert await arrived(stage) == [b"hello"]
    assert not (data_dir / "came").exists()
    assert "a hook of its person" in caplog.text


async def test_a_look_that_is_cut_off_is_taken_again(stage: TmuxStage) -> None:
    control = Control(prefix(stage.server.socket), 10.0)
    pane = Pane(stage.session, 10.0, control)
    await pane.check()
    asking = asyncio.create_task(pane.check())
    os.kill(stage.server.pid, signal.SIGSTOP)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for task in asyncio.all_tasks():
        if task.get_name() == "tmux client":
            task.cancel()
    os.kill(stage.server.pid, signal.SIGCONT)

    assert (await asking).program == (await pane.check()).program
