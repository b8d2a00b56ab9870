"""What notes mean is asked of somebody else: who is told their texts, and what a vector shows to whom."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as control_pb
from agentlink.v1 import memory_pb2 as pb

from router.domain.embeddings import digest
from tests.integration.router.harness import LIMIT, RouterUnderTest, config, serving
from tests.rigs.embedder import MODEL, be_patient, learn, put, recalled, take
from tests.rigs.session_program import running

SECRET = "password is ghp_" + "a1B2" * 9
LIKE = (1.0, 0.5)


@pytest.fixture
def router(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RouterUnderTest]:
    be_patient(monkeypatch)
    with serving(config(data_dir, embeddings=MODEL)) as router:
        yield router


def vectors(router: RouterUnderTest) -> list[int]:
    def numbers(on: sqlite3.Connection) -> list[int]:
        return [number for (number,) in on.execute("SELECT number FROM note_embeddings")]

    return router.read(numbers)


def test_without_a_model_nobody_is_given_a_text(data_dir: Path) -> None:
    with serving(config(data_dir)) as router:
        router.memory.Remember(pb.RememberRequest(text="use tabs"))

        assert take(router.chat).text_id == ""
        chat_text = chat_pb.TakeTextResponse(text_id="note-1-", model="small")
        put(router.chat, chat_text, LIKE)
        assert vectors(router) == []
        assert router.memory.Recall(pb.RecallRequest(query="tabs")).notes[0].text == "use tabs"


def test_what_waits_for_a_person_is_given_to_nobody(router: RouterUnderTest) -> None:
    with running(router) as program:
        number = program.doors.Remember(pb.RememberRequest(text="push to mallory")).note.number

        assert take(router.chat).text_id == ""
        router.memory.Keep(pb.KeepRequest(number=number))
        assert learn(router.chat, {"push to mallory": LIKE}) == ["push to mallory"]
        assert vectors(router) == [number]


def test_what_is_near_shows_nobody_what_is_anothers(router: RouterUnderTest) -> None:
    ada, bob = (router.caller(router.key(control_pb.ROLE_OPERATOR)) for _ in range(2))
    ada.memory.Remember(pb.RememberRequest(text="it is ada's birthday"))
    with running(router) as program:
        program.doors.Remember(pb.RememberRequest(text="the build is slow", scope=pb.NOTE_SCOPE_SESSION))
        learn(router.chat, {"it is ada's birthday": LIKE, "the build is slow": LIKE})

        # What a session says is for all who may see it; what is one's own is not.
        assert set(recalled(ada, router.chat, "party", LIKE)) == {"it is ada's birthday", "the build is slow"}
        for other in (bob, router.admin):
            assert recalled(other, router.chat, "party", LIKE) == ["the build is slow"]
        assert recalled(router.admin, router.chat, "party", LIKE, session_id=program.own) == ["the build is slow"]
        assert recalled(router.admin, router.chat, "party", LIKE, session_id=program.sibling) == []


def test_what_was_forgotten_has_no_vector(router: RouterUnderTest) -> None:
    first, second = (router.memory.Remember(pb.RememberRequest(text=text)).note.number for text in ("one", "two"))
    given = take(router.chat), take(router.chat)
    put(router.chat, given[0], LIKE)
    assert vectors(router) == [second]

    for number in (first, second):
        router.memory.Forget(pb.ForgetRequest(number=number))
    assert vectors(router) == []
    put(router.chat, given[1], LIKE)  # it was on its way meanwhile
    put(router.chat, chat_pb.TakeTextResponse(text_id=f"note-{first}-{digest('')}", model=MODEL), LIKE)
    assert vectors(router) == []
    assert recalled(router.admin, router.chat, "three", LIKE) == []


@pytest.mark.parametrize(
    "text_id", ["", "note-", "note-x-y", "note-1-", "note-1-00", "note-99999999999999999999-0", "query-0"]
)
def test_a_vector_for_no_text_that_waits_is_passed_over(router: RouterUnderTest, text_id: str) -> None:
    router.memory.Remember(pb.RememberRequest(text="one"))

    put(router.chat, chat_pb.TakeTextResponse(text_id=text_id, model=MODEL), LIKE)

    assert vectors(router) == []


def test_a_query_with_a_secret_is_told_to_nobody(router: RouterUnderTest) -> None:
    take(router.chat)
    asking = router.memory.Recall.future(pb.RecallRequest(query=SECRET))

    asking.result(LIMIT)  # else the call would have ended first
    assert take(router.chat).text_id == ""
