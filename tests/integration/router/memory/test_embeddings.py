"""Notes found by what they mean: beside their words, never in place of them, and with nobody waiting who need not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import memory_pb2 as pb

from router.domain.embeddings import MOST_DIMENSIONS
from router.services.memory import embeddings as service
from tests.integration.router.harness import LIMIT, RouterUnderTest, config, serving
from tests.rigs.embedder import MODEL, be_patient, learn, put, recalled, take

DEPLOY, LUNCH, TABS = "deploy.sh brings it to production", "the canteen opens at noon", "indent with tabs"
MEANINGS = {DEPLOY: (0.9, 0.1, 0.0), LUNCH: (0.0, 1.0, 0.1), TABS: (0.0, 0.0, -2.0)}
SHIP = (1.0, 0.0, 0.0)


@pytest.fixture
def router(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RouterUnderTest]:
    be_patient(monkeypatch)
    with serving(config(data_dir, embeddings=MODEL)) as router:
        yield router


def remember(router: RouterUnderTest, *texts: str) -> list[int]:
    return [router.memory.Remember(pb.RememberRequest(text=text)).note.number for text in texts]


def by_words(router: RouterUnderTest, query: str) -> list[str]:
    return [note.text for note in router.memory.Recall(pb.RecallRequest(query=query)).notes]


def kept(router: RouterUnderTest) -> int:
    return int(router.read(lambda on: on.execute("SELECT count(*) FROM note_embeddings").fetchone()[0]))


def test_what_means_the_like_is_found_whatever_its_words(router: RouterUnderTest) -> None:
    remember(router, *MEANINGS)

    assert by_words(router, "ship a release") == []
    assert learn(router.chat, MEANINGS) == [TABS, LUNCH, DEPLOY]
    assert recalled(router.admin, router.chat, "ship a release", SHIP) == [DEPLOY]
    assert recalled(router.admin, router.chat, "noon", SHIP) == [LUNCH, DEPLOY]
    assert recalled(router.admin, router.chat, "noon", SHIP, limit=1) == [LUNCH]
    assert recalled(router.admin, router.chat, "production", SHIP) == [DEPLOY]


def test_a_note_is_given_as_soon_as_there_is_one(router: RouterUnderTest) -> None:
    waiting = router.chat.TakeText.future(chat_pb.TakeTextRequest(wait={"seconds": 20}))
    remember(router, DEPLOY)

    text = waiting.result(LIMIT)
    assert (text.text, text.model) == (DEPLOY, MODEL)


@pytest.mark.parametrize(
    "values",
    [(), (0.0, 0.0), (float("nan"), 1.0), (float("inf"), 1.0), (1.0,) * (MOST_DIMENSIONS + 1)],
    ids=["none", "all 0", "NaN", "infinite", "huge"],
)
def test_what_is_no_vector_is_none_and_is_asked_for_later(router: RouterUnderTest, values: tuple[float, ...]) -> None:
    remember(router, DEPLOY)
    put(router.chat, take(router.chat), values)

    assert (kept(router), take(router.chat).text_id) == (0, "")
    assert recalled(router.admin, router.chat, "production", values) == [DEPLOY]
    router.advance(service.AGAIN + 1)
    assert take(router.chat).text == DEPLOY
    router.advance(service.AGAIN + 1)
    assert take(router.chat).text_id == ""  # ever more rarely


def test_one_of_another_length_is_like_nothing(router: RouterUnderTest) -> None:
    remember(router, DEPLOY)
    learn(router.chat, {DEPLOY: (1.0, 0.0)})

    assert recalled(router.admin, router.chat, "ship", SHIP) == []
    assert recalled(router.admin, router.chat, "ship", (1.0, 0.0)) == [DEPLOY]


def test_a_recall_waits_a_moment_and_goes_by_words_then(router: RouterUnderTest) -> None:
    remember(router, DEPLOY)
    learn(router.chat, MEANINGS)
    asking = router.memory.Recall.future(pb.RecallRequest(query="production"))
    late = take(router.chat, 20)

    assert late.text == "production"
    assert not asking.done()
    router.advance(service.PATIENCE)
    assert [note.text for note in asking.result(LIMIT).notes] == [DEPLOY]
    put(router.chat, late, SHIP)  # is of no use any more


def test_nobody_waits_while_nobody_asks_a_model(router: RouterUnderTest) -> None:
    remember(router, DEPLOY)
    learn(router.chat, MEANINGS)
    router.advance(service.GONE + 1)

    assert by_words(router, "production") == [DEPLOY]  # else the call would have ended first


def test_with_another_model_all_are_asked_about_anew(router: RouterUnderTest, data_dir: Path) -> None:
    remember(router, DEPLOY)
    learn(router.chat, MEANINGS)
    router.stop()
    router.config = config(data_dir, embeddings="large")
    router.start()

    text = take(router.chat)
    assert text.model == "large"
    assert recalled(router.admin, router.chat, "ship", SHIP) == []
    put(router.chat, text, (0.0, 1.0), model=MODEL)  # of the one before: passed over
    assert recalled(router.admin, router.chat, "ship", (0.0, 1.0)) == []
    put(router.chat, text, (0.0, 1.0))
    assert recalled(router.admin, router.chat, "ship", (0.0, 1.0)) == [DEPLOY]
    assert kept(router) == 1
