"""What is understood of models' answers, and what is asked."""

import json

import pytest

from agent.backends.model.dialect import (
    MOST_EVENT,
    Api,
    Counted,
    Events,
    Odd,
    OfAnthropic,
    OfOpenAi,
    Over,
    Turn,
    Wants,
    Words,
    error_of,
    merged,
    request,
)

STREAM = b': a comment\r\nevent: x\r\ndata: {"a":\r\ndata: "\xe6\x97\xa5"}\r\n\r\nid: 7\n\ndata: two\n\n'


@pytest.mark.parametrize("size", [1, 2, 3, 5, len(STREAM)])
def test_events_are_found_however_they_are_cut(size: int) -> None:
    events = Events()
    found = [one for at in range(0, len(STREAM), size) for one in events.feed(STREAM[at : at + size])]

    assert found == ['{"a":\n"日"}', "two"]


def test_an_event_without_an_end_is_not_kept_for_ever() -> None:
    with pytest.raises(Odd, match="no end"):
        list(Events().feed(b"data: " + b"x" * MOST_EVENT))


def test_many_lines_of_one_event_count_together() -> None:
    lines = (b"data: " + b"x" * 1000 + b"\n") * (MOST_EVENT // 1000 + 2)
    events = Events()
    list(events.feed(lines[: MOST_EVENT // 2]))

    with pytest.raises(Odd, match="no end"):
        list(events.feed(lines[MOST_EVENT // 2 :]))


ODD = ["", "null", "[]", "7", '"x"', "{", "[" * 100_000]
HARMLESS = [
    {},
    {"type": 7},
    {"type": "content_block_delta", "delta": []},
    {"type": "content_block_delta", "delta": {"text": 7}},
    {"type": "content_block_start", "content_block": "x"},
    {"type": "message_delta", "usage": {"output_tokens": -1}, "delta": None},
    {"type": "message_start", "message": {"usage": {"input_tokens": True}}},
    {"choices": "x"},
    {"choices": [None]},
    {"choices": [{"delta": {"content": None, "tool_calls": "x"}}]},
    {"choices": [{"delta": {"tool_calls": [None, {"index": "x", "function": 7}]}}]},
    {"usage": {"completion_tokens": 1e300}},
]


@pytest.mark.parametrize("answer", [OfAnthropic, OfOpenAi])
@pytest.mark.parametrize("data", ODD, ids=range(len(ODD)))
def test_what_is_no_object_is_odd(answer: type[OfAnthropic | OfOpenAi], data: str) -> None:
    with pytest.raises(Odd):
        list(answer().hear(data))


@pytest.mark.parametrize("answer", [OfAnthropic, OfOpenAi])
@pytest.mark.parametrize("said", HARMLESS, ids=range(len(HARMLESS)))
def test_what_is_shaped_otherwise_says_nothing(answer: type[OfAnthropic | OfOpenAi], said: dict[str, object]) -> None:
    assert list(answer().hear(json.dumps(said))) == []


def test_a_tool_of_chat_completions_comes_in_pieces() -> None:
    def chunk(**delta: object) -> str:
        return json.dumps({"choices": [{"delta": delta}]})

    answer = OfOpenAi()
    begun = chunk(tool_calls=[{"index": 0, "function": {"name": "hand_over", "arguments": ""}}])
    more = chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"a": 1}'}}])
    pieces = [one for data in (begun, more, "[DONE]") for one in answer.hear(data)]

    assert pieces == [Wants("hand_over", '{"a": 1}'), Over("")]


def test_one_that_says_why_it_stops_and_no_done_is_whole() -> None:
    answer = OfOpenAi()
    said = {"choices": [{"delta": {"content": "hi"}, "finish_reason": "stop"}], "usage": {"completion_tokens": 3}}
    pieces = list(answer.hear(json.dumps(said)))

    assert [*pieces, *answer.left()] == [Counted(0, 3), Words("hi"), Over("stop")]
    assert list(OfOpenAi().left()) == []


def test_what_is_said_stands_in_turns_and_begins_with_a_person() -> None:
    turns = [Turn(False, "lost"), Turn(True, "a"), Turn(True, "b"), Turn(False, "c"), Turn(True, "d")]

    assert merged(turns) == [Turn(True, "a\n\nb"), Turn(False, "c"), Turn(True, "d")]


def test_the_key_stands_in_a_header_alone_and_none_where_there_is_none() -> None:
    asked = [request(api, "m", "k-1", "s", [Turn(True, "x")]) for api in Api]
    bare = [request(api, "m", "", "s", [Turn(True, "x")]) for api in Api]

    assert all(b"k-1" not in one.body for one in asked)
    assert [one.headers.get("x-api-key", one.headers.get("authorization")) for one in asked] == ["k-1", "Bearer k-1"]
    assert all({"x-api-key", "authorization"}.isdisjoint(one.headers) for one in bare)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ('{"error": {"message": "no\\nway"}}', "no way"),
        ('{"error": "plain"}', "plain"),
        ('{"message": "m"}', "m"),
        ("<html>", ""),
        ('{"error": {"message": "' + "x" * 500 + '"}}', "x" * 300),
    ],
)
def test_what_went_wrong_is_told_in_its_own_words_on_one_line(data: str, words: str) -> None:
    assert error_of(data) == words


def test_without_instructions_there_are_no_empty_words() -> None:
    asked = [json.loads(request(api, "m", "", "", [Turn(True, "x")]).body) for api in Api]

    assert ["system" in one for one in asked] == [False, False]
    assert [len(one["messages"]) for one in asked] == [1, 1]
