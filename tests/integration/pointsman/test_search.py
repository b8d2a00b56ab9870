"""`pointsman search WORDS`: what was said, for people and for programs."""

import json

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import session_events_pb2 as events_pb

from tests.integration.pointsman.conftest import Run
from tests.rigs.scripted_control import FakeControl


def hit(seq: int, *parts: str, by: "events_pb.Speaker.ValueType" = events_pb.SPEAKER_USER) -> pb.SearchHit:
    """Every other part is a word that was searched."""
    snippet = [pb.SnippetPart(text=text, is_hit=at % 2 == 1) for at, text in enumerate(parts)]
    return pb.SearchHit(session_id="s-1", seq=seq, generation=1, by=by, snippet=snippet)


def test_people_see_where_it_was_said_and_the_words_marked(run: Run, control: FakeControl) -> None:
    control.add_session("s-1", "api")
    control.hits = [hit(7, "fix\nthe ", "test", "\x1b[31m now"), hit(3, "a ", "test", by=events_pb.SPEAKER_ASSISTANT)]

    done = run("search", "the", "test")

    assert done.stdout.splitlines() == ["api  7  -  > fix the *test* [31m now", "api  3  -  ● a *test*"]
    assert next(one for one in control.requests if isinstance(one, pb.SearchRequest)).query == "the test"


def test_programs_read_json_of_one_session(run: Run, control: FakeControl) -> None:
    control.add_session("s-1", "api")
    control.hits = [hit(7, "fix ", "it")]

    done = run("search", "--json", "--session", "api", "it")

    assert json.loads(done.stdout) == [
        {
            "sessionId": "s-1", "seq": 7, "generation": 1, "at": None, "by": "USER",
            "snippet": [{"text": "fix ", "isHit": False}, {"text": "it", "isHit": True}],
        }
    ]  # fmt: skip
    assert next(one for one in control.requests if isinstance(one, pb.SearchRequest)).session_id == "s-1"


def test_it_goes_on_until_there_are_enough(run: Run, control: FakeControl) -> None:
    control.hits = [hit(number, "", "it") for number in range(300, 0, -1)]

    done = run("search", "--json", "--limit", "250", "it")

    assert [one["seq"] for one in json.loads(done.stdout)] == list(range(300, 50, -1))


def test_nothing_is_said_in_words_and_not_in_a_row(run: Run) -> None:
    done = run("search", "nothing")

    assert (done.exit_code, done.stdout) == (0, "")
    assert "Nobody said that" in done.stderr
