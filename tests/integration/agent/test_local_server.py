"""The Unix socket: who is heard, what can be asked, and that nothing said there hurts the agent."""

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agent.domain.command import Command, Ending, Input, Lane
from agent.domain.frames import Button, CommandResult, Notify
from agent.local import client
from tests.rigs.agent_rig import Rig, Rigs, eventually

NOBODY = "127.0.0.1:1"
COMMAND = {"backend": "command", "target": {"command": "cat"}}


class Terminal:
    """What `pointsman run` is to the agent: a connection that stays."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def attached(cls, rig: Rig, **fields: object) -> tuple["Terminal", dict[str, Any]]:
        terminal = cls(*await asyncio.open_unix_connection(client.socket_path(rig.data_dir)))
        await terminal.say(op="attach_pty", cwd="/srv", pid=os.getpid(), **fields)
        return terminal, await terminal.hear()

    async def say(self, **message: object) -> None:
        self._writer.write(json.dumps(message).encode() + b"\n")
        await self._writer.drain()

    async def hear(self) -> dict[str, Any]:
        line = await asyncio.wait_for(self._reader.readline(), 10)
        return dict(json.loads(line))

    async def leave(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def results(rig: Rig) -> list[CommandResult]:
    async def some() -> list[CommandResult]:
        rows = await rig.agent.outbox.after(0, 100)
        return [row.item for row in rows if isinstance(row.item, CommandResult)]

    found: list[CommandResult] = await eventually(some)
    return found


async def raw(rig: Rig, line: bytes) -> dict[str, Any]:
    """The answer to bytes that need not be a request."""
    reader, writer = await asyncio.open_unix_connection(client.socket_path(rig.data_dir), limit=1 << 22)
    writer.write(line)
    answer = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    with suppress(ConnectionError):  # of a line that is too long not all has been read
        await writer.wait_closed()
    return dict(json.loads(answer))


async def test_the_socket_is_for_this_user_alone(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        path = Path(client.socket_path(rig.data_dir))

        assert [mode_of(path), mode_of(path.parent)] == [0o600, 0o700]
    assert not exists(path)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become someone else")
async def test_another_user_is_not_heard_even_where_the_modes_would_allow_it(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        path = Path(client.socket_path(rig.data_dir))
        open_to_all(path)

        asked = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", ASK_AS_NOBODY, str(path)], capture_output=True, text=True
        )

    assert (asked.stdout, asked.stderr) == ("hung up\n", "")


ASK_AS_NOBODY = """if True:
    import os, socket, sys
    os.setuid(65534)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(sys.argv[1])
    try:
        connection.sendall(b'{"op": "status"}\\n')
        print("answered" if connection.recv(1) else "hung up")
    except (BrokenPipeError, ConnectionResetError):
        print("hung up")
"""


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def exists(path: Path) -> bool:
    return path.exists()


def open_to_all(path: Path) -> None:
    for folder in (path.parent, path.parent.parent):
        folder.chmod(0o755)
    path.chmod(0o666)


async def test_a_socket_left_by_a_killed_agent_is_replaced(rigs: Rigs) -> None:
    leave_socket(Path(client.socket_path(rigs.data_dir)))
    async with rigs.running(NOBODY) as rig:
        assert (await rig.ask(op="status"))["ok"] is True


def leave_socket(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))


async def test_a_long_data_directory_gets_a_short_socket(data_dir: Path) -> None:
    deep = data_dir / ("d" * 90)
    deep.mkdir()
    async with Rigs(deep).running(NOBODY) as rig:
        path = Path(client.socket_path(deep))
        answer = await rig.ask(op="status")

        assert len(str(path)) <= 100
        assert answer["ok"] is True
        assert mode_of(path.parent) == 0o700
    path.parent.rmdir()


async def test_registering_gives_an_id_and_the_same_program_keeps_its_generation(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        made = await rig.ask(op="register", label="api", cwd="/srv", **COMMAND)
        again = await rig.ask(op="register", session_id=made["session_id"], **COMMAND)
        other = await rig.ask(op="register", session_id=made["session_id"], backend="command", target={"command": "x"})
        listed = await rig.ask(op="sessions")

    assert made["ok"] is True
    assert made["session_id"].startswith("session_")
    assert [made["generation"], again["generation"], other["generation"]] == [1, 1, 2]
    assert listed["sessions"] == [
        {
            "session_id": made["session_id"],
            "label": "",
            "backend": "command",
            "cwd": "",
            "state": "unknown",
            "generation": 2,
        }
    ]


async def test_an_unregistered_session_is_gone_and_comes_back_as_the_next_generation(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.ask(op="register", session_id="s1", **COMMAND)
        gone = await rig.ask(op="unregister", session_id="s1")
        listed = await rig.ask(op="sessions")
        back = await rig.ask(op="register", session_id="s1", **COMMAND)

    assert gone == {"ok": True}
    assert listed["sessions"] == []
    assert back["generation"] == 2


async def test_status_says_who_and_how_much_waits(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.ask(op="register", session_id="s1", **COMMAND)
        status = await rig.ask(op="status")

    assert status == {
        "ok": True,
        "machine_id": "devbox",
        "router": "127.0.0.1:1",
        "connected": False,
        "epoch": 0,
        "inbox_depth": 0,
        "outbox_depth": 1,
    }


async def test_a_notice_is_on_disk_when_it_is_answered(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.ask(op="register", session_id="s1", **COMMAND)
        buttons = [{"label": "Yes", "action": "yes"}]
        answer = await rig.ask(op="notify", session_id="s1", text="done", buttons=buttons, notification_id="n1")
        rows = await rig.agent.outbox.after(1, 10)

    assert answer == {"ok": True, "notification_id": "n1"}
    assert [row.item for row in rows] == [Notify("n1", "s1", "done", (Button("Yes", "yes"),))]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"op": "sing"}, "INVALID_ARGUMENT"),
        ({}, "INVALID_ARGUMENT"),
        ({"op": 5}, "INVALID_ARGUMENT"),
        ({"op": "register", "backend": "telepathy", "target": {}}, "UNSUPPORTED"),
        ({"op": "register", "backend": "command", "target": {}}, "INVALID_ARGUMENT"),
        ({"op": "register", "backend": "command", "target": "x"}, "INVALID_ARGUMENT"),
        ({"op": "register", "backend": "pty", "target": {}}, "INVALID_ARGUMENT"),
        ({"op": "register", **COMMAND, "session_id": "a b"}, "INVALID_ARGUMENT"),
        ({"op": "register", **COMMAND, "label": "x" * 201}, "TOO_LARGE"),
        ({"op": "register", **COMMAND, "pid": "7"}, "INVALID_ARGUMENT"),
        ({"op": "register", **COMMAND, "pid": 2**22 + 1}, "TARGET_GONE"),
        ({"op": "unregister", "session_id": "nobody"}, "SESSION_UNKNOWN"),
        ({"op": "notify", "session_id": "nobody", "text": "x"}, "SESSION_UNKNOWN"),
        ({"op": "notify", "session_id": "s1", "text": ""}, "INVALID_ARGUMENT"),
        ({"op": "notify", "session_id": "s1", "text": "x" * 65537}, "TOO_LARGE"),
        ({"op": "notify", "session_id": "s1", "text": "x", "buttons": ["yes"]}, "INVALID_ARGUMENT"),
        ({"op": "notify", "session_id": "s1", "text": "x", "buttons": [{"label": "a"}]}, "INVALID_ARGUMENT"),
        (
            {"op": "notify", "session_id": "s1", "text": "x", "buttons": [{"label": "a", "action": "b" * 44}]},
            "TOO_LARGE",
        ),
        ({"op": "notify", "session_id": "s1", "text": "x", "notification_id": "a b"}, "INVALID_ARGUMENT"),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else value,
)
async def test_a_request_that_cannot_be_carried_out_says_why(
    rigs: Rigs, message: dict[str, object], reason: str
) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")

        answer = await rig.ask(**message)

    assert (answer["ok"], answer["reason"]) == (False, reason)
    assert answer["error"]


@pytest.mark.parametrize(
    "line",
    [b"\n", b"not json\n", b"[1]\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n", b'"' + b"x" * (1 << 21) + b'"\n'],
    ids=["empty", "no json", "no object", "no utf-8", "deep", "2 MiB"],
)
async def test_a_malformed_line_gets_an_error_and_the_agent_lives_on(rigs: Rigs, line: bytes) -> None:
    async with rigs.running(NOBODY) as rig:
        answer = await raw(rig, line)
        status = await rig.ask(op="status")

    assert (answer["ok"], status["ok"]) == (False, True)


async def test_one_connection_may_ask_again_after_a_mistake(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        terminal = Terminal(*await asyncio.open_unix_connection(client.socket_path(rig.data_dir)))
        await terminal.say(op="sing")
        wrong = await terminal.hear()
        await terminal.say(op="status")
        right = await terminal.hear()
        await terminal.leave()

    assert (wrong["ok"], right["ok"]) == (False, True)


async def test_a_full_disk_is_told_to_who_asked(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        await rig.fill_disk()
        answer = await rig.ask(op="notify", session_id="s1", text="x" * 60_000)
        await rig.free_disk()

    assert (answer["ok"], answer["reason"]) == (False, "STORAGE_UNAVAILABLE")


async def test_an_attached_terminal_is_typed_into_and_its_exit_closes_the_session(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        terminal, hello = await Terminal.attached(rig, session_id="s1", label="api")
        await rig.agent.link_handler.store((Command("c1", "s1", 0, 1, Lane.NORMAL, Input("hello")),))
        delivery = await terminal.hear()
        await terminal.say(type="outcome", delivery=delivery["delivery"], ending="done")
        (result,) = await results(rig)
        await terminal.say(type="exit", code=3)
        await eventually(lambda: not rig.agent.sessions.live())
        await terminal.leave()

    assert hello == {"ok": True, "session_id": "s1", "generation": 1}
    assert (delivery["type"], delivery["text"], delivery["submit"]) == ("deliver", "hello", True)
    assert result.outcome.ending is Ending.DONE


async def test_a_terminal_that_loses_its_connection_may_come_back_to_the_same_session(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        first, hello = await Terminal.attached(rig)
        await first.leave()
        second, again = await Terminal.attached(rig, session_id=hello["session_id"])
        known = [session.session_id for session in rig.agent.sessions.live()]
        await second.leave()

    assert again == hello
    assert known == [hello["session_id"]]


async def test_a_terminal_is_refused_with_a_reason(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        terminal, answer = await Terminal.attached(rig, session_id="a b")
        await terminal.leave()

    assert (answer["ok"], answer["reason"]) == (False, "INVALID_ARGUMENT")


async def test_stopping_ends_the_connections_that_stay(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        terminal, _ = await Terminal.attached(rig)

    with pytest.raises(ValueError, match="Expecting value"):
        await terminal.hear()
    await terminal.leave()


async def test_a_mistake_of_the_agents_is_told_and_hurts_nobody_else(
    rigs: Rigs, caplog: pytest.LogCaptureFixture
) -> None:
    rule = "CREATE TRIGGER rule BEFORE INSERT ON outbox WHEN NEW.payload LIKE '%wrong%'"
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        await rig.sql(f"{rule} BEGIN SELECT RAISE(ABORT, 'against the rule'); END")
        asked = [rig.ask(op="notify", session_id="s1", text=text) for text in ("good", "wrong", "fine")]
        first, refused, last = await asyncio.gather(*asked)
        again = await rig.ask(op="notify", session_id="s1", text="after")

    assert [answer["ok"] for answer in (first, last, again)] == [True, True, True]
    assert (refused["ok"], refused["reason"]) == (False, "INTERNAL")
    assert "its log says more" in refused["error"]
    assert caplog.text.count("against the rule") == 1
    assert "store unavailable" not in caplog.text
