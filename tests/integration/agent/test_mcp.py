"""`pointsman mcp`, between the official client of the protocol and an agent, which may be started anew meanwhile."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from agentlink.v1 import agent_link_pb2 as pb
from agentlink.v1 import types_pb2 as types
from mcp import Client, StdioServerParameters

from agent.domain.session import Session
from agent.local.client import socket_path
from agent.processes import identify
from pointsman.mcp import SERVER
from tests.integration.agent.test_questions import decision
from tests.rigs.agent_rig import Rig, Rigs, eventually
from tests.rigs.scripted_link import Link, running_router
from tests.waiting import PATIENCE

NOBODY = "127.0.0.1:1"
AGES = ("legacy", "auto", "2026-07-28")


def argv(data_dir: Path) -> list[str]:
    return [sys.executable, "-I", "-S", SERVER, socket_path(data_dir)]


def client(data_dir: Path, mode: str = "auto", **environ: str) -> Client:
    command, *arguments = argv(data_dir)
    return Client(StdioServerParameters(command=command, args=arguments, env=environ), mode=mode)


async def own_session(rig: Rig, **more: Any) -> Session:
    """The session that this process, and so whatever it starts, is in."""
    here = Session("own", "command", target={"command": "cat"}, process=identify(os.getpid()), **more)
    return await rig.agent.sessions.register(here)


def words(result: Any) -> str:
    return str(result.content[0].text)


class Scene:
    def __init__(self, rig: Rig, link: Link) -> None:
        self.rig, self.link = rig, link

    async def asked(self) -> pb.PermissionRequest:
        asked: pb.PermissionRequest = await self.link.next("permission_request")
        return asked

    async def answer(self, asked: pb.PermissionRequest, option: str, text: str = "") -> None:
        await self.link.commands([decision(asked, option, text)])


@asynccontextmanager
async def scene(rigs: Rigs, **more: Any) -> AsyncIterator[Scene]:
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await router.welcomed()
        await own_session(rig, **more)
        yield Scene(rig, link)


@pytest.mark.parametrize("mode", AGES)
async def test_what_is_offered_the_official_client_takes(rigs: Rigs, mode: str) -> None:
    async with client(rigs.data_dir, mode) as user:
        tools = (await user.list_tools()).tools

    assert {tool.name for tool in tools} >= {"ask_person", "notify", "sessions"}
    assert all(tool.description and tool.annotations for tool in tools)


@pytest.mark.parametrize("mode", AGES)
async def test_a_person_is_asked_and_their_choice_comes_back(rigs: Rigs, mode: str) -> None:
    async with scene(rigs) as here, client(rigs.data_dir, mode) as user:
        asking = asyncio.create_task(
            user.call_tool("ask_person", {"question": "Which way?", "options": ["Rebase", "Merge"]})
        )
        asked = await here.asked()
        await here.answer(asked, "option-2")
        result = await asking

    assert (asked.session_id, asked.input) == ("own", "Which way?")
    assert [option.label for option in asked.options] == ["Rebase", "Merge", "", "❌ Don't answer"]
    assert (words(result), result.is_error) == ("Merge", False)


ANSWERS = [
    ({"question": "Why?"}, ("text", "Because.\nOf that."), "Because.\nOf that."),
    ({"question": "Which?", "options": ["a", "b", "c"], "several": True}, ("text", "a, C"), "a\nc"),
    ({"question": "Which?", "options": ["a", "b"]}, ("text", "neither"), "neither"),
    ({"question": "Which?", "options": [f"n{n}" for n in range(9)]}, ("text", "N8"), "n8"),
    ({"question": "Which?", "options": ["a"]}, ("deny", ""), "They declined to answer."),
]


@pytest.mark.parametrize(("arguments", "given", "heard"), ANSWERS)
async def test_all_ways_to_answer(rigs: Rigs, arguments: dict[str, Any], given: tuple[str, str], heard: str) -> None:
    async with scene(rigs) as here, client(rigs.data_dir) as user:
        asking = asyncio.create_task(user.call_tool("ask_person", arguments))
        await here.answer(await here.asked(), *given)
        result = await asking

    assert (words(result), result.is_error) == (heard, False)


async def test_what_is_none_of_the_options_is_asked_back(rigs: Rigs) -> None:
    async with scene(rigs) as here, client(rigs.data_dir) as user:
        wanted = {"question": "Which?", "options": ["a", "b"], "several": True, "own_words": False}
        asking = asyncio.create_task(user.call_tool("ask_person", wanted))
        await here.answer(await here.asked(), "text", "c")
        again = await here.asked()
        await here.answer(again, "text", "b, a")
        result = await asking

    assert "“c” is none" in again.input
    assert words(result) == "b\na"


async def test_nobody_answers_in_time(rigs: Rigs) -> None:
    async with scene(rigs) as here, client(rigs.data_dir) as user:
        result = await user.call_tool("ask_person", {"question": "Quick?", "timeout_seconds": 1})
        over = await here.link.next("permission_withdrawn")

    assert (result.is_error, "Nobody answered" in words(result)) == (True, True)
    assert over.state == types.PERMISSION_STATE_EXPIRED


@pytest.mark.parametrize("mode", AGES)
async def test_a_call_that_is_cancelled_is_asked_no_more(rigs: Rigs, mode: str) -> None:
    async with scene(rigs) as here, client(rigs.data_dir, mode) as user:
        asking = asyncio.create_task(user.call_tool("ask_person", {"question": "Which way?"}))
        asked = await here.asked()
        asking.cancel()
        over = await here.link.next("permission_withdrawn")
        still = (await user.list_tools()).tools

    assert (over.permission_id, over.state) == (asked.permission_id, types.PERMISSION_STATE_WITHDRAWN)
    assert still


async def test_who_hangs_up_is_asked_for_no_more(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        async with client(rigs.data_dir) as user:
            asking = asyncio.create_task(user.call_tool("ask_person", {"question": "Which way?"}))
            asked = await here.asked()
        over = await here.link.next("permission_withdrawn")
        await asyncio.gather(asking, return_exceptions=True)

    assert (over.permission_id, over.state) == (asked.permission_id, types.PERMISSION_STATE_WITHDRAWN)


async def test_a_question_waits_over_a_restart_of_agent_and_router_and_is_one_question(rigs: Rigs) -> None:
    async with client(rigs.data_dir) as user:
        async with running_router() as router, rigs.running(router.address) as rig:
            link = await router.welcomed()
            await own_session(rig)
            asking = asyncio.create_task(user.call_tool("ask_person", {"question": "Which way?"}))
            asked = await link.next("permission_request")
        async with running_router() as router, rigs.running(router.address) as rig:
            link = await router.welcomed()
            await link.commands([decision(asked, "text", "left")])
            result = await asking
            once_more = link.came("permission_withdrawn")
            rows = await eventually(lambda: _rows(rig))

    assert (words(result), result.is_error) == ("left", False)
    assert (once_more, rows) == (0, [(0,)])


async def _rows(rig: Rig) -> Any:
    rows = await rig.sql("SELECT count(*) FROM questions")
    return [tuple(row) for row in rows] if rows[0][0] == 0 else None


async def test_a_message_goes_with_files_of_its_folder_alone(rigs: Rigs, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "plot.txt").write_text("plot")
    (tmp_path / "id_ed25519").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "id_ed25519")
    async with scene(rigs, cwd=str(folder)) as here, client(rigs.data_dir) as user:
        sent = await user.call_tool("notify", {"text": "Look.", "files": ["plot.txt"]})
        refused = [
            await user.call_tool("notify", {"text": "Look.", "files": [path]})
            for path in ("../id_ed25519", "link", str(tmp_path / "id_ed25519"), "plot.txt/../../id_ed25519")
        ]
        held = await eventually(here.rig.agent.outbox.held)

    assert (sent.is_error, held.notification.text) == (False, "Look.")
    assert [file.name for file in held.notification.files] == ["plot.txt"]
    assert all(result.is_error and "folder" in words(result) for result in refused)


async def test_the_sessions_are_listed_and_which_is_its_own(rigs: Rigs) -> None:
    async with scene(rigs, label="api") as here:
        await here.rig.session("other")
        async with client(rigs.data_dir) as user:
            listed = json.loads(words(await user.call_tool("sessions", {})))

    assert {one["session_id"]: one["is_yours"] for one in listed} == {"own": True, "other": False}


async def test_whose_it_is_says_the_process_before_the_environment(rigs: Rigs) -> None:
    async with scene(rigs) as here:
        await here.rig.session("other")
        async with client(rigs.data_dir, POINTSMAN_SESSION_ID="other") as user:
            await user.call_tool("notify", {"text": "Hello."})
        said = await here.link.next("notify")

    assert said.session_id == "own"


async def test_what_was_started_apart_from_its_terminal_is_known_by_its_environment(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await router.welcomed()
        await rig.session("named")
        async with client(rigs.data_dir, POINTSMAN_SESSION_ID="named") as user:
            await user.call_tool("notify", {"text": "Hello."})
        said = await link.next("notify")

    assert said.session_id == "named"


async def test_a_program_that_is_no_session_reaches_nobody(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("other")
        async with client(rigs.data_dir, POINTSMAN_SESSION_ID="unheard-of") as user:
            results = [await user.call_tool(name, {"text": "x"}) for name in ("notify",)]
            results.append(await user.call_tool("ask_person", {"question": "x"}))
        forged = await rig.ask(op="tool", name="sessions", call="c", arguments={}, peer=1, environ={})

    assert all(result.is_error and "no session of Pointsman" in words(result) for result in results)
    assert forged["reason"] == "SESSION_UNKNOWN"


async def test_a_line_that_is_too_long_is_passed_over(rigs: Rigs) -> None:
    process = await asyncio.create_subprocess_exec(
        *argv(rigs.data_dir), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    lines = [b'{"x": "' + b"y" * 3_000_000 + b'"}', b"", b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}', b"{}}"]
    process.stdin.write(b"\n".join([*lines, b""]))
    told = [json.loads(await asyncio.wait_for(process.stdout.readline(), PATIENCE)) for _ in range(3)]
    process.stdin.close()
    code = await asyncio.wait_for(process.wait(), PATIENCE)

    assert [one.get("error", {}).get("code") for one in told] == [-32600, None, -32700]
    assert (told[1]["id"], code) == (1, 0)


ALLOWED = {
    *("json", "json.decoder", "json.encoder", "json.scanner", "_json", "select", "time", "_socket"),
    *("re", "re._casefix", "re._compiler", "re._constants", "re._parser", "_sre", "enum", "types", "functools"),
    *(
        "collections",
        "_collections",
        "keyword",
        "reprlib",
        "operator",
        "_operator",
        "itertools",
        "copyreg",
        "_functools",
    ),
    *("pointsman", "pointsman.mcp", "pointsman.mcp.protocol", "pointsman.mcp.tools"),
}


def test_it_loads_nothing_that_takes_time() -> None:
    """`make bench` says what that comes to."""
    told = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "importtime", SERVER, "/nonexistent"], input=b"", capture_output=True
    )
    bare = subprocess.run([sys.executable, "-I", "-S", "-X", "importtime", "-c", "import os"], capture_output=True)
    loaded, usual = (set(re.findall(r"\| +(\S+)$", one.stderr.decode(), re.MULTILINE)) for one in (told, bare))

    assert told.returncode == 0
    assert loaded - usual - {"package"} <= ALLOWED


async def test_it_takes_little_memory(rigs: Rigs) -> None:
    async with scene(rigs) as here, client(rigs.data_dir) as user:
        asking = asyncio.create_task(user.call_tool("ask_person", {"question": "Which way?"}))
        asked = await here.asked()
        [peak] = [_peak(child.pid) for child in psutil.Process().children() if SERVER in _command(child)]
        await here.answer(asked, "text", "left")
        await asking

    assert peak <= 20 * 1024


def _command(child: psutil.Process) -> list[str]:
    """Of one of another test, which has ended or is about to, nothing."""
    try:
        return child.cmdline()
    except psutil.NoSuchProcess:
        return []


def _peak(pid: int) -> int:
    """The most memory that it has had, in KiB."""
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[0])
