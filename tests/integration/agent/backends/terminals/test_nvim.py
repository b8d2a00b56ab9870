"""Terminals in nvim: found by the program in them, checked before every write, typed into in whatever mode it is."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from agent import processes
from agent.backends.terminals import nvim, nvim_socket
from agent.backends.terminals.keyboard import Refused, Silent
from agent.backends.terminals.nvim import NvimBackend
from agent.domain.command import Action, Ending, Input, Outcome, Reason
from agent.domain.errors import Refusal
from agent.domain.session import Process, Session
from tests.integration.agent.backends.stages import QUICK, NvimFixture
from tests.waiting import wait_until


@pytest.fixture
def got(data_dir: Path) -> Path:
    return data_dir / "got"


@pytest.fixture
def editor(data_dir: Path, got: Path) -> Iterator[NvimFixture]:
    with closing(NvimFixture(data_dir, ["sh", "-c", f"cat > {got}; exit"])) as made:
        wait_until(got.exists)
        yield made


def deliver(session: Session, action: Action, limit: float = 20.0) -> Outcome:
    return asyncio.run(NvimBackend(QUICK, limit).deliver(session, action))


def alive(session: Session) -> bool:
    return asyncio.run(NvimBackend(QUICK).alive(session))


def child_of(parent: Process) -> Process:
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    found = processes.identify(int(wait_until(lambda: children.read_text().split())[0]))
    assert found is not None
    return found


@pytest.mark.parametrize("mode", ["startinsert", "stopinsert", "enew", "vsplit | enew", "tabnew"])
def test_the_editor_s_mode_and_what_it_shows_do_not_matter(editor: NvimFixture, got: Path, mode: str) -> None:
    session = editor.session()
    editor.ask(f"execute('{mode}')")

    assert deliver(session, Input("hello")) == Outcome.done()
    wait_until(lambda: got.read_text() == "hello\n")


def test_the_registered_program_may_be_inside_of_another(editor: NvimFixture, got: Path) -> None:
    shell = editor.session()
    assert shell.process is not None

    outcome = deliver(replace(shell, process=child_of(shell.process)), Input("hello"))

    assert outcome == Outcome.done()
    wait_until(lambda: got.read_text() == "hello\n")


def test_each_of_several_terminals_gets_its_own(editor: NvimFixture, got: Path, data_dir: Path) -> None:
    first = editor.session()
    editor.ask("execute('enew')")
    editor.ask(f"termopen(['sh', '-c', 'cat > {data_dir / 'other'}; exit'])")
    wait_until((data_dir / "other").exists)
    second = editor.session()  # the one in front

    deliver(second, Input("two"))
    deliver(first, Input("one"))

    wait_until(lambda: got.read_text() == "one\n")
    wait_until(lambda: (data_dir / "other").read_text() == "two\n")


def test_an_editor_that_is_gone_fails(editor: NvimFixture) -> None:
    session = editor.session()
    editor.close()

    outcome = deliver(session, Input("hello"))

    assert (outcome.ending, outcome.reason) == (Ending.FAILED, Reason.TARGET_GONE)


def test_an_editor_that_hangs_fails_before_anything_is_typed(editor: NvimFixture, got: Path) -> None:
    session = editor.session()
    pid = int(editor.ask("getpid()"))
    os.kill(pid, signal.SIGSTOP)

    outcome = deliver(session, Input("hello"), limit=0.3)
    os.kill(pid, signal.SIGCONT)

    assert (outcome.ending, outcome.reason) == (Ending.FAILED, Reason.BACKEND_ERROR)
    assert got.read_bytes() == b""


def test_an_editor_without_a_terminal_in_front_is_refused(editor: NvimFixture) -> None:
    editor.ask("execute('enew')")
    editor.ask("termopen(['cat'])")
    editor.ask("execute('tabnew')")

    with pytest.raises(Refusal, match="2 terminals"):
        nvim.resolve(editor.socket)


def test_no_program_is_started_for_a_text(editor: NvimFixture, got: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = editor.session()
    with monkeypatch.context() as without:
        without.setenv("PATH", "/nonexistent")
        outcome = deliver(session, Input('it\'s "one"\nand two'))

    assert outcome == Outcome.done()
    wait_until(lambda: got.read_text() == 'it\'s "one"\nand two\n')


ODD = {
    "nothing": b"",
    "no MessagePack": b"\xc1",
    "half an answer": b"\x94\x01",
    "another's answer": b"\x94\x01\x07\xc0\xc0",
}


@pytest.mark.parametrize("words", ODD.values(), ids=ODD)
async def test_what_else_listens_there_is_in_doubt(data_dir: Path, words: bytes) -> None:
    async def listen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        writer.close()

    async with await asyncio.start_unix_server(listen, data_dir / "other"):
        with pytest.raises(Silent, match="nvim"):
            await nvim_socket.ask(str(data_dir / "other"), "1", 10.0)


async def test_what_nvim_says_of_a_mistake_comes_back(editor: NvimFixture) -> None:
    with pytest.raises(Refused, match="nosuch"):
        await nvim_socket.ask(editor.socket, "nosuch()", 20.0)
