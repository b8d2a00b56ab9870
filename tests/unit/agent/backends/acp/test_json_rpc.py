"""JSON-RPC a line: what is read of it, and that names are echoed as they are."""

import json

import pytest

from agent.backends.acp.json_rpc import Answers, Asks, Message, Tells, parse, refusal, request, response


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id":1,"result":{"a":2}}', Answers(1, {"a": 2})),
        ('{"id":1,"result":null}', Answers(1, {})),
        ('{"id":1}', Answers(1, {})),
        ('{"id":1,"error":{"code":-32000,"message":"Log in"}}', Answers(1, {}, "Log in", -32000)),
        ('{"id":1,"error":{"message":"No","data":{"details":"why"}}}', Answers(1, {}, "No: why")),
        ('{"id":1,"error":{}}', Answers(1, {}, "an error without words")),
        ('{"id":1,"error":"odd"}', Answers(1, {}, "odd")),
        ('{"id":"q","method":"m","params":{"a":1}}', Asks("q", "m", {"a": 1})),
        ('{"id":0,"method":"m"}', Asks(0, "m", {})),
        ('{"method":"m","params":[1]}', Tells("m", {})),
        ('{"id":null,"error":{"code":-32700}}', None),
        ('{"id":true,"method":"m"}', None),
        ('{"id":1.5,"result":{}}', None),
        ("[]", None),
        ("x", None),
    ],
)
def test_a_line_is_read(line: str, message: Message | None) -> None:
    assert parse(line.encode()) == message


@pytest.mark.parametrize("name", [0, 7, "q", "1d3c-uuid"])
def test_names_are_echoed_as_they_are(name: int | str) -> None:
    assert json.loads(response(name, {"a": 1})) == {"jsonrpc": "2.0", "id": name, "result": {"a": 1}}
    assert json.loads(refusal(name, -32601, "no"))["id"] == name


def test_what_is_said_is_one_line_whatever_is_in_it() -> None:
    said = request(1, "session/prompt", {"text": "two\nlines \u2028 \ud83d 日本"})

    assert said.count(b"\n") == 1
    assert said.endswith(b"\n")
    assert json.loads(said)["method"] == "session/prompt"
