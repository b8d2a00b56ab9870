"""Keys that people press in tmux and nvim are told of the sessions there; what is typed from here is not."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.backends.terminals.nvim import NvimBackend
from agent.backends.terminals.tmux import TmuxBackend
from agent.domain.command import Input, KeyPress, Outcome
from agent.domain.session import Session
from agent.services.desk import DeskWatch
from tests.integration.agent.backends.stages import QUICK, NvimFixture, TmuxServerFixture
from tests.integration.agent.backends.terminal import Terminal
from tests.rigs.agent_rig import Rig, Rigs, eventually
from tests.waiting import wait_until

UNKNOWN_ROUTER = "127.0.0.1:1"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TmuxServerFixture]:
    with closing(TmuxServerFixture(tmp_path, ["cat"])) as made:
        yield made


@pytest.fixture
def window(server: TmuxServerFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Where a person is attached."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("TMUX", raising=False)
    with closing(Terminal(["tmux", "-S", server.socket, "attach-session", "-t", "main"])) as made:
        wait_until(lambda: server.run("list-clients"))
        yield made


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[NvimFixture]:
    with closing(NvimFixture(tmp_path, ["cat"])) as made:
        yield made


async def watch(rig: Rig, session: Session) -> tuple[DeskWatch, list[str]]:
    """One that has had its first look, and what it told."""
    told: list[str] = []
    await rig.agent.sessions.register(session)
    desk = DeskWatch(rig.agent.sessions, told.append)
    await desk.look()
    return desk, told


def activity(server: TmuxServerFixture) -> list[str]:
    """When the people who are attached last did something."""
    clients = server.run("list-clients", "-F", "#{client_control_mode} #{client_activity}").splitlines()
    return [client for client in clients if client.startswith("0 ")]


def press(server: TmuxServerFixture, window: Terminal) -> None:
    """Until tmux, which counts in whole seconds, has another time for it."""
    before = activity(server)

    def pressed() -> bool:
        window.type(b"k")
        return activity(server) != before

    wait_until(pressed)


async def test_keys_in_tmux_are_told_and_what_is_typed_from_here_is_not(
    rigs: Rigs, server: TmuxServerFixture, window: Terminal
) -> None:
    session = server.session()
    async with rigs.running(UNKNOWN_ROUTER) as rig:
        await asyncio.to_thread(press, server, window)
        desk, told = await watch(rig, session)
        at_first = list(told)
        backend = TmuxBackend(QUICK)
        typed = [await backend.deliver(session, one) for one in (Input("one\ntwo"), KeyPress("enter"))]
        await desk.look()  # with the backend's own client still attached
        from_here = list(told)
        await asyncio.to_thread(press, server, window)
        await desk.look()
        by_hand = list(told)
        await desk.look()

    assert typed == [Outcome.done(), Outcome.done()]
    assert (at_first, from_here, by_hand, told) == ([], [], ["s1"], ["s1"])


async def test_keys_in_another_pane_are_none_of_the_session_s(
    rigs: Rigs, server: TmuxServerFixture, window: Terminal
) -> None:
    session = server.session()
    async with rigs.running(UNKNOWN_ROUTER) as rig:
        desk, told = await watch(rig, session)
        server.run("split-window", "cat")
        await asyncio.to_thread(press, server, window)
        await desk.look()
        elsewhere = list(told)
        server.run("select-pane", "-t", session.target["pane"])
        await asyncio.to_thread(press, server, window)
        await desk.look()

    assert (elsewhere, told) == ([], ["s1"])


async def test_who_attaches_sits_there_and_who_leaves_does_not(rigs: Rigs, server: TmuxServerFixture) -> None:
    async with rigs.running(UNKNOWN_ROUTER) as rig:
        desk, told = await watch(rig, server.session())
        with closing(Terminal(["env", "TERM=xterm", "tmux", "-S", server.socket, "attach-session", "-t", "main"])):
            await eventually(lambda: server.run("list-clients"))
            await desk.look()
            attached = list(told)
        await eventually(lambda: not server.run("list-clients"))
        await desk.look()

    assert (attached, told) == (["s1"], ["s1"])


async def test_a_server_that_hangs_or_is_gone_tells_nothing(
    rigs: Rigs, server: TmuxServerFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.backends.terminals.desk.LIMIT", 0.3)
    async with rigs.running(UNKNOWN_ROUTER) as rig:
        desk, told = await watch(rig, server.session())
        os.kill(server.pid, signal.SIGSTOP)
        await desk.look()
        os.kill(server.pid, signal.SIGCONT)
        server.close()
        await desk.look()

    assert told == []


async def test_one_question_is_for_all_panes_of_a_server(
    rigs: Rigs, server: TmuxServerFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    async def run(_: object, *words: str) -> str:
        asked.append(words)
        return ""

    async with rigs.running(UNKNOWN_ROUTER) as rig:
        first = server.session()
        await rig.agent.sessions.register(first)
        pane = server.run("split-window", "-P", "-F", "#{pane_id}", "cat")
        target = {"pane": pane, "server": server.socket}
        await rig.agent.sessions.register(Session("s2", "tmux", target=target, process=first.process))
        monkeypatch.setattr("agent.backends.terminals.desk.TmuxServer.run", run)
        await DeskWatch(rig.agent.sessions, asked.append).look()

    assert [words[0] for words in asked] == ["list-clients"]


@pytest.mark.parametrize("mode", ["startinsert", "stopinsert"])
async def test_keys_in_nvim_are_told_and_what_is_typed_from_here_is_not(
    rigs: Rigs, editor: NvimFixture, mode: str
) -> None:
    session = editor.session()
    editor.ask(f"execute('{mode}')")
    async with rigs.running(UNKNOWN_ROUTER) as rig:
        desk, told = await watch(rig, session)
        backend = NvimBackend(QUICK)
        typed = [await backend.deliver(session, one) for one in (Input("one\ntwo"), KeyPress("enter"))]
        await desk.look()
        from_here = list(told)
        editor.ask("nvim_input('j')")  # as each screen of an nvim passes a key on
        await eventually(lambda: _told(desk, told))
        by_hand = list(told)
        await desk.look()

    assert typed == [Outcome.done(), Outcome.done()]
    assert (from_here, by_hand, told) == ([], ["s1"], ["s1"])


async def test_keys_in_another_buffer_of_nvim_are_none_of_the_session_s(rigs: Rigs, editor: NvimFixture) -> None:
    session = editor.session()
    async with rigs.running(UNKNOWN_ROUTER) as rig:
        desk, told = await watch(rig, session)
        editor.ask("execute('enew')")
        editor.ask("nvim_input('ihello<Esc>')")
        await eventually(lambda: editor.ask("getline(1)") == "hello")
        await desk.look()

    assert told == []


async def _told(desk: DeskWatch, told: list[str]) -> bool:
    await desk.look()
    return bool(told)
