"""Tools over HTTP, for the program of a session that is somewhere else: by the official client, and by rude ones."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from agentlink.v1 import types_pb2 as types
from flask import Flask
from flask.testing import FlaskClient
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from werkzeug.serving import make_server

from pointsman.client import notifications
from pointsman.mcp.protocol import VERSION_KEY
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.rigs.adapter import environment
from tests.rigs.session_program import Program, running
from webhook_adapter.config import AdapterConfig
from webhook_adapter.http.app import create_app
from webhook_adapter.router.client import RouterClient

CHAT = types.ChatRef(transport="test", chat_id="1")
NOW = {VERSION_KEY: "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def program(router: RouterUnderTest) -> Iterator[Program]:
    with running(router) as program:
        yield program


@pytest.fixture
def app(router: RouterUnderTest) -> Iterator[Flask]:
    settings = AdapterConfig.from_environ(environment(router.address))
    client = RouterClient(settings)
    yield create_app(settings, client)
    client.close()


@pytest.fixture
def token(program: Program) -> str:
    return program.machine.worker_token(program.own)


@contextmanager
def served(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/mcp"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def user(url: str, token: str, mode: str) -> Client:
    shown = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60)
    return Client(streamable_http_client(url, http_client=shown), mode=mode)


def post(http: FlaskClient, token: str, message: Any, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return http.post("/mcp", data=body, headers={"Authorization": f"Bearer {token}", **named})


def request(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}


@pytest.mark.parametrize("mode", ["legacy", "auto", "2026-07-28"])
def test_a_person_is_asked_and_told_by_the_official_client(
    app: Flask, router: RouterUnderTest, program: Program, token: str, mode: str
) -> None:
    async def talk(url: str) -> tuple[Any, Any, Any]:
        async with user(url, token, mode) as one:
            asking = one.call_tool("ask_person", {"question": "Which way?", "options": ["Rebase", "Merge"]})
            answer = asyncio.create_task(asking)
            await asyncio.to_thread(press)
            told = await one.call_tool("notify", {"text": "Merged."})
            return await answer, told, await one.call_tool("sessions", {})

    def press() -> None:
        asked = courier.brought("100").notification
        router.submit(CHAT, button={"data": f"cmd:{asked.token}:{asked.buttons[1].action}"}, actor="Ada")

    with served(app) as url, router.courier("test", "1") as courier:
        answer, told, sessions = asyncio.run(talk(url))

    assert (answer.content[0].text, answer.is_error, told.is_error) == ("Merge", False, False)
    listed = {one["session_id"]: one["is_yours"] for one in json.loads(sessions.content[0].text)}
    assert listed == {program.own: True, program.sibling: False}  # the other one it may send to


def test_who_waits_long_gets_a_ticket_and_goes_on_with_it(
    app: Flask, router: RouterUnderTest, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "LONGEST_WAIT", notifications.LONGEST_WAIT / 100)
    http, asked = app.test_client(), {"question": "Which way?"}
    with router.courier("test", "1") as courier:
        first = words(post(http, token, request("tools/call", name="ask_person", arguments=asked)))
        ticket = first.split("ticket ")[1].split()[0]
        courier.delivered(shown := courier.take(), "100")
        router.reported(shown)  # else nobody knows yet what it is a reply to
        router.submit(CHAT, "left", reply_to_message_id="100")
        again = request("tools/call", name="ask_person", arguments=asked | {"ticket": ticket})
        second = words(post(http, token, again))

    assert second == "left"


def test_it_remembers_recalls_and_forgets(app: Flask, token: str) -> None:
    def use(name: str, **arguments: Any) -> str:
        return words(post(app.test_client(), token, request("tools/call", name=name, arguments=arguments)))

    kept = use("remember", text="The tests need a database of their own.", scope="session")
    number = int("".join(filter(str.isdigit, kept.split(",")[0])))
    found, gone = use("recall", query="database"), use("forget", number=number)

    assert f"Note {number}, by session" in found
    assert "The tests need a database of their own." in found
    assert (gone, use("recall", query="database")) == (f"Note {number} is gone.", "No note has these words.")


def words(answer: Any) -> str:
    return str(answer.json["result"]["content"][0]["text"])


def test_a_page_of_a_browser_is_refused_whatever_it_shows(app: Flask, token: str) -> None:
    http = app.test_client()
    origins = ["https://evil.example", "null", "http://127.0.0.1:8080", "http://localhost"]

    assert {post(http, token, request("ping"), Origin=one).status_code for one in origins} == {403}
    assert post(http, token, request("ping")).status_code == 200


def test_who_shows_no_token_of_a_session_is_told_what_to_show(app: Flask, program: Program, token: str) -> None:
    http = app.test_client()
    over = program.machine.worker_token(program.own, generation=7)
    answers = [post(http, shown, request("tools/list")) for shown in ("", "x.y.z", token[:-4] + "AAAA", over)]

    assert {one.status_code for one in answers} == {401}
    assert {one.headers["WWW-Authenticate"] for one in answers} == {"Bearer"}


def test_what_is_no_post_is_refused(app: Flask, token: str) -> None:
    http = app.test_client()
    shown = {"Authorization": f"Bearer {token}"}

    assert {http.open("/mcp", method=method, headers=shown).status_code for method in ("GET", "DELETE", "PUT")} == {405}


@pytest.mark.parametrize(
    ("message", "headers", "status", "code"),
    [
        (b"{", {}, 400, -32700),
        (request("ping"), {"MCP_Protocol_Version": "1999-01-01"}, 400, -32022),
        (request("ping"), {"MCP_Protocol_Version": "2025-06-18"}, 200, None),
        (request("nothing"), {}, 200, -32601),
        ([request("ping")], {}, 200, -32600),
        (request("tools/list", _meta=NOW), {}, 400, -32020),
        (request("tools/list", _meta=NOW), {"MCP_Protocol_Version": "2026-07-28"}, 400, -32020),
        (
            request("tools/list", _meta=NOW),
            {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tools/list"}, 200, None,
        ),
        (
            request("nothing", _meta=NOW),
            {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "nothing"}, 404, -32601,
        ),
        (
            request("tools/call", _meta=NOW, name="sessions"),
            {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tools/call", "Mcp_Name": "notify"}, 400, -32020,
        ),
        (
            request("tools/call", _meta=NOW, name="sessions"),
            {
                "MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tools/call",
                "Mcp_Name": "=?base64?c2Vzc2lvbnM=?=",
            }, 200, None,
        ),
    ],
)  # fmt: skip
def test_each_message_is_answered_as_the_specification_says(
    app: Flask, token: str, message: Any, headers: dict[str, str], status: int, code: int | None
) -> None:
    answer = post(app.test_client(), token, message, **headers)

    assert (answer.status_code, answer.json.get("error", {}).get("code")) == (status, code)


def test_a_notification_is_taken_without_a_word(app: Flask, token: str) -> None:
    answer = post(app.test_client(), token, {"jsonrpc": "2.0", "method": "notifications/initialized"})

    assert (answer.status_code, answer.data) == (202, b"")


def test_a_message_that_is_too_long_is_refused(app: Flask, token: str) -> None:
    assert post(app.test_client(), token, b"[" + b" " * 600_000 + b"]").status_code == 413
