"""Search over what was said: by words, kept in step with the events, for whoever may see them."""

import sqlite3
from contextlib import closing
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import session_events_pb2 as events_pb
from agentlink.v1 import types_pb2 as types

from router.domain import session_event
from router.services import events as service
from router.store import events as store
from router.store import search
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.told_events import kept, tell
from tests.waiting import wait_until


def found(router: RouterUnderTest, query: str, session_id: str = "", **request: int) -> list[str]:
    """Numbers and snippets, with what was searched in brackets."""
    return [shown(hit) for hit in asked(router, query, session_id, **request).hits]


def asked(router: RouterUnderTest, query: str, session_id: str = "", **request: int) -> pb.SearchResponse:
    return router.control.Search(pb.SearchRequest(query=query, session_id=session_id, **request))  # type: ignore[arg-type]


def shown(hit: pb.SearchHit) -> str:
    return f"{hit.seq} " + "".join(f"[{part.text}]" if part.is_hit else part.text for part in hit.snippet)


def test_what_was_said_is_found_by_its_words_newest_first(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    other = router.session(agent)
    with agent.connected() as link:
        tell(link, session, 1, "Fix the flaky test, please.", "I fixed it.")
        tell(link, other, 1, "The TEST of the door is flaky")

    assert found(router, "test flaky") == ["1 The [TEST] of the door is [flaky]", "1 Fix the [flaky] [test], please."]
    assert found(router, "test", session) == ["1 Fix the flaky [test], please."]
    [hit] = asked(router, "fixed").hits
    assert (hit.session_id, hit.seq, hit.generation, hit.by) == (session, 2, 1, events_pb.SPEAKER_ASSISTANT)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("cafe", ["1"]),
        ("CAFÉ", ["1"]),
        ("tests/unit/test_words.py", ["2"]),
        ("ФУНКЦИЯ", ["3"]),
        ("caf", []),
        ("caf*", []),
        ("nothing café", []),
    ],
)
def test_words_are_whole_and_neither_case_nor_accents_count(
    router: RouterUnderTest, agent: ThinAgent, session: str, query: str, numbers: list[str]
) -> None:
    with agent.connected() as link:
        tell(link, session, 1, "the café", "look at tests/unit/test_words.py", "новая функция")

    assert [line.split()[0] for line in found(router, query)] == numbers


@pytest.mark.parametrize(
    "query",
    ["one OR two", "one NOT two", "NEAR(one two)", "text:one", "{text}: one", "-text: one", '"one', "one)", "rank:one"],
)
def test_what_means_something_to_the_index_is_a_word_like_others(
    router: RouterUnderTest, agent: ThinAgent, session: str, query: str
) -> None:
    with agent.connected() as link:
        tell(link, session, 1, f"somebody said {query}, no less", "one", "two")

    assert [line.split()[0] for line in found(router, query)][-1:] == ["1"]
    assert "2" not in {line.split()[0] for line in found(router, "one OR two")}


@pytest.mark.parametrize("query", ["", "  ", '"', "\n", "x" * 257, " ".join("abcdefghijklmnopq")])
def test_too_few_or_too_many_words_are_refused(router: RouterUnderTest, query: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        asked(router, query)

    assert reason_of(refused.value) == "INVALID_ARGUMENT"


def test_marks_cannot_be_written_by_whoever_is_quoted(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        tell(link, session, 1, f"a {session_event.BEGIN}spoofed{session_event.END} word")

    assert found(router, "word") == ["1 a  spoofed  [word]"]


def test_what_surrounds_a_word_is_bounded(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        tell(link, session, 1, f"{'x' * 20_000} needle {'y' * 20_000}")

    [line] = found(router, "needle")
    assert "[needle]" in line
    assert len(line) < 400


def test_pages_go_on_where_one_ended(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        tell(link, session, 1, *(f"word {number}" for number in range(1, 6)))

    first = asked(router, "word", limit=2)
    second = asked(router, "word", limit=2, before=first.before)
    last = asked(router, "word", limit=2, before=second.before)

    assert [hit.seq for page in (first, second, last) for hit in page.hits] == [5, 4, 3, 2, 1]
    assert last.before == 0


def test_a_part_is_looked_at_at_a_time(
    router: RouterUnderTest, agent: ThinAgent, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "LOOKED_AT", 2)
    with agent.connected() as link:
        tell(link, session, 1, "needle", "hay", "hay", "hay")

    first = asked(router, "needle")
    second = asked(router, "needle", before=first.before)

    assert (len(first.hits), first.before, len(second.hits), second.before) == (0, 3, 1, 0)
    assert asked(router, "needle", before=2**63).before == 3


def test_what_is_removed_is_found_no_more(
    router: RouterUnderTest, agent: ThinAgent, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_KEPT", 3)
    monkeypatch.setattr(store, "SLAB", 2)
    with agent.connected() as link:
        tell(link, session, 1, "word 1", "word 2", "word 3", "word 4")
        assert found(router, "word") == ["4 [word] 4", "3 [word] 3"]
        router.advance(session_event.KEPT + 2 * service.CLEAN_EVERY)
        wait_until(lambda: kept(router, session) == ["1-4 missing"])

    assert found(router, "word") == []
    assert indexed(router) == 0


def test_what_comes_again_is_found_once(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        tell(link, session, 1, "word 1", "word 2")
        tell(link, session, 2, "word 2", "word 3")

    assert found(router, "word") == ["3 [word] 3", "2 [word] 2", "1 [word] 1"]


def test_only_what_was_said_is_found(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    tool = events_pb.SessionEvent(tool=events_pb.ToolUse(id="t", name="Bash", title="grep needle"))
    with agent.connected() as link:
        link.frame(session_events=events_pb.SessionEvents(session_id=session, first_seq=1, events=[tool]))
        link.take("events_ack")

    assert found(router, "needle") == []
    assert indexed(router) == 0


HEAD = "UPDATE said_data SET block = zeroblob(40) WHERE id = 10"
DAMAGE = {
    "its head": HEAD,
    "its head is gone": "DELETE FROM said_data WHERE id = 10",
    "a page": "UPDATE said_data SET block = x'ffffffffffffffffffffffff' WHERE id > 10",
    "the lengths": "DELETE FROM said_docsize",
}


@pytest.mark.parametrize("damage", ["its head is gone", "a page", "the lengths"])
def test_a_damaged_index_is_made_anew_by_whoever_searches(
    router: RouterUnderTest, agent: ThinAgent, session: str, damage: str
) -> None:
    with agent.connected() as link:
        tell(link, session, 1, "word 1")
        change(router, DAMAGE[damage])

        with pytest.raises(grpc.RpcError) as refused:
            found(router, "word")
        assert reason_of(refused.value) == "STORAGE_UNAVAILABLE"
        wait_until(lambda: is_mended(router))


def is_mended(router: RouterUnderTest) -> bool:
    try:
        return found(router, "word") == ["1 [word] 1"]
    except grpc.RpcError:
        return False


@pytest.mark.parametrize("damage", ["its head", "its head is gone"])
def test_a_damaged_index_keeps_no_machine_from_telling(
    router: RouterUnderTest, agent: ThinAgent, session: str, damage: str
) -> None:
    with agent.connected() as link:
        tell(link, session, 1, "word 1")
        change(router, DAMAGE[damage])

        assert tell(link, session, 2, "word 2").reason == types.REASON_STORAGE_UNAVAILABLE
        wait_until(lambda: tell(link, session, 2, "word 2").acked_seq == 2)

    assert found(router, "word") == ["2 [word] 2", "1 [word] 1"]
    assert kept(router, session) == ["1 word 1", "2 word 2"]


def test_what_nobody_stumbles_over_is_found_by_a_look(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        tell(link, session, 1, "word 1")
        change(router, HEAD)
        assert found(router, "word") == []

        router.advance(service.CLEAN_EVERY + 1)
        wait_until(lambda: is_mended(router))


def test_a_file_that_cannot_be_made_is_told_of(data_dir: Path) -> None:
    settings = config(data_dir)
    settings.events_path.mkdir(parents=True)

    with serving(settings) as router, pytest.raises(grpc.RpcError) as refused:
        found(router, "word")

    assert reason_of(refused.value) == "STORAGE_UNAVAILABLE"


def change(router: RouterUnderTest, statement: str) -> None:
    """Damage the file behind the router's back."""
    with closing(sqlite3.connect(router.config.events_path)) as connection:
        connection.execute(statement)
        connection.commit()


def indexed(router: RouterUnderTest) -> int:
    """How many texts the index holds."""
    with closing(sqlite3.connect(router.config.events_path)) as connection:
        count: int = connection.execute("SELECT COUNT(*) FROM said").fetchone()[0]
    return count
