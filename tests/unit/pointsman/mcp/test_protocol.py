"""What our MCP server says to each message, in both ages of the protocol."""

import json
from importlib.metadata import version
from typing import Any

import pytest

from pointsman.mcp import tools
from pointsman.mcp.protocol import VERSION_KEY, Call, Cancelled, Server, line

NOW = {VERSION_KEY: "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


def request(method: str, request_id: Any = 1, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}


def ask(request_id: Any = 1, **more: Any) -> dict[str, Any]:
    return request("tools/call", request_id, name="ask_person", arguments={"question": "Which way?"}, **more)


def answer(server: Server, message: Any) -> dict[str, Any]:
    said = server.take(message)
    assert isinstance(said, dict)
    return said


def code(server: Server, message: Any) -> int:
    return int(answer(server, message)["error"]["code"])


@pytest.fixture
def server() -> Server:
    """After its handshake."""
    server = Server(tools.LOCAL)
    answer(server, request("initialize", protocolVersion="2025-11-25"))
    return server


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("2025-11-25", "2025-11-25"),
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ],
)
def test_a_handshake_takes_the_version_that_is_wanted_or_offers_the_newest(wanted: str, chosen: str) -> None:
    result = answer(Server(tools.LOCAL), request("initialize", protocolVersion=wanted))["result"]

    assert result["protocolVersion"] == chosen
    assert result["capabilities"] == {"tools": {}}
    assert result["serverInfo"]["version"] == version("pointsman")


def test_who_says_neither_hello_nor_what_it_speaks_is_told_to() -> None:
    said = answer(Server(tools.LOCAL), request("tools/list"))["error"]

    assert (said["code"], "initialize" in said["message"]) == (-32602, True)


def test_a_request_that_says_what_it_speaks_needs_no_handshake() -> None:
    server = Server(tools.LOCAL)
    found = answer(server, request("server/discover", _meta=NOW))["result"]
    listed = answer(server, request("tools/list", _meta=NOW))["result"]

    assert found["supportedVersions"] == ["2026-07-28"]
    assert {found["resultType"], listed["resultType"]} == {"complete"}
    assert (listed["cacheScope"], listed["ttlMs"] >= 0) == ("public", True)
    assert listed["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "pointsman"


@pytest.mark.parametrize(
    ("meta", "no"),
    [
        (NOW | {VERSION_KEY: "1999-01-01"}, -32022),
        (NOW | {VERSION_KEY: "2025-11-25"}, -32022),
        (NOW | {VERSION_KEY: 7}, -32602),
        ({VERSION_KEY: "2026-07-28"}, -32602),
    ],
)
def test_what_is_not_spoken_here_is_refused_with_what_is(meta: dict[str, Any], no: int) -> None:
    said = answer(Server(tools.LOCAL), request("tools/list", _meta=meta))["error"]

    assert said["code"] == no
    assert no != -32022 or said["data"]["supported"] == ["2026-07-28"]


@pytest.mark.parametrize("bytes_of_a_line", [b"{", b"\xff\xfe{}", b"nonsense", b"[" * 100_000], ids=repr)
def test_what_is_no_json_is_told_of(bytes_of_a_line: bytes) -> None:
    said = Server(tools.LOCAL).receive(bytes_of_a_line[:100_000])

    assert isinstance(said, dict)
    assert (said["id"], said["error"]["code"]) == (None, -32700)  # type: ignore[index]


@pytest.mark.parametrize(
    ("message", "no"),
    [
        ([], -32600),
        ("hello", -32600),
        (request("ping", None), -32600),
        (request("ping", 1.5), -32600),
        (request("ping", True), -32600),
        ({"id": 1, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": 7}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}, -32602),
        (request("resources/list"), -32601),
        (request("x" * 10_000), -32601),
        (request("tools/list", cursor="more"), -32602),
        (request("tools/call", name="rm"), -32602),
        (request("tools/call", name=["ask_person"]), -32602),
        (request("tools/call", name="ask_person", arguments=[]), -32602),
        (request("initialize", protocolVersion=1), -32602),
    ],
)
def test_a_bad_request_gets_the_error_that_it_is(server: Server, message: Any, no: int) -> None:
    assert code(server, message) == no
    assert server.take(request("ping", "after"))["result"] == {}  # type: ignore[index, call-overload]


@pytest.mark.parametrize(
    "message",
    [
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "method": "notifications/of/tomorrow", "params": []},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": [7]}},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": 7},
        {"jsonrpc": "2.0", "id": 9, "result": {}},
        {"jsonrpc": "2.0", "id": 9, "error": {"code": 1, "message": "no"}},
    ],
)
def test_what_wants_no_answer_gets_none(server: Server, message: Any) -> None:
    assert server.take(message) is None


def test_what_a_model_got_wrong_it_reads_as_the_tools_words(server: Server) -> None:
    said = answer(server, request("tools/call", name="ask_person", arguments={"questions": "?"}))["result"]

    assert (said["isError"], said["content"][0]["text"]) == (True, "question is missing.")


def test_a_call_is_answered_once(server: Server) -> None:
    call = server.take(ask("a"))
    assert isinstance(call, Call)
    again = code(server, ask("a"))
    done = server.finished(call, "left\nright")

    assert again == -32600
    assert done == {
        "jsonrpc": "2.0", "id": "a", "result": {"content": [{"type": "text", "text": "left\nright"}], "isError": False},
    }  # fmt: skip
    assert server.finished(call, "once more") is None
    assert isinstance(server.take(ask("a")), Call)


def test_of_a_call_that_was_cancelled_not_another_word_is_said(server: Server) -> None:
    call = server.take(ask(3, _meta={"progressToken": "t"}))
    assert isinstance(call, Call)
    cancelled = server.take({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 3}})

    assert isinstance(cancelled, Cancelled)
    assert cancelled.call is call
    assert (server.progress(call, "…"), server.finished(call, "left")) == (None, None)


def test_progress_grows_and_names_its_token(server: Server) -> None:
    call = server.take(ask(3, _meta={"progressToken": 0}))
    assert isinstance(call, Call)
    told = [server.progress(call, "Waiting.") for _ in range(3)]

    assert [one["params"] for one in told if one] == [
        {"progressToken": 0, "progress": step, "message": "Waiting."} for step in (1, 2, 3)
    ]


@pytest.mark.parametrize("token", [None, True, 1.5, [], {}])
def test_nobody_is_told_of_progress_who_does_not_want_it(server: Server, token: Any) -> None:
    call = server.take(ask(3, _meta={"progressToken": token}))

    assert isinstance(call, Call)
    assert server.progress(call, "Waiting.") is None


def test_only_so_many_wait_at_once(server: Server) -> None:
    calls = [server.take(ask(number)) for number in range(65)]
    refused = calls.pop()

    assert all(isinstance(call, Call) for call in calls)
    assert isinstance(refused, dict)
    assert refused["result"]["isError"]  # type: ignore[index, call-overload]


def test_a_message_is_one_line_whatever_it_holds() -> None:
    said = line({"text": "a\nb\u2028c\ud800"})

    assert (said.count(b"\n"), json.loads(said)) == (1, {"text": "a\nb\u2028c\ud800"})
