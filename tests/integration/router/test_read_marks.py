"""How far persons have read: the same on all pages of one, and nobody else's."""

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.subscribing import logs_in, person
from tests.rigs.rpc_errors import reason_of


@pytest.fixture
def session(router: RouterUnderTest) -> str:
    return router.session(router.machine("devbox"), "api")


@pytest.fixture
def said(router: RouterUnderTest, session: str) -> list[str]:
    """The ids of three messages, the oldest first."""
    with router.courier("telegram", "42"):
        return [router.notify(session, text=text)[0].notification_id for text in ("one", "two", "three")]


def marks(router: RouterUnderTest, login: str, session_id: str, notification_id: str) -> None:
    mark = chat_pb.ReadMark(session_id=session_id, notification_id=notification_id)
    router.chat.MarkRead(chat_pb.MarkReadRequest(login_id=login, mark=mark))


def read(router: RouterUnderTest, login: str) -> dict[str, str]:
    told = router.chat.ListRead(chat_pb.ListReadRequest(login_id=login))
    return {each.session_id: each.notification_id for each in told.marks}


def test_what_one_page_has_shown_is_read_on_all_pages_of_that_person_and_of_nobody_else(
    router: RouterUnderTest, session: str, said: list[str]
) -> None:
    desk, phone = (logs_in(router, person(router, "Ada")) for _ in range(2))
    bob, owner = logs_in(router, person(router, "Bob")), logs_in(router)

    marks(router, desk, session, said[1])

    assert read(router, phone) == read(router, desk) == {session: said[1]}
    assert read(router, bob) == read(router, owner) == {}


def test_a_page_that_is_behind_takes_nothing_back(router: RouterUnderTest, session: str, said: list[str]) -> None:
    page = logs_in(router)

    for number in (2, 0, 2, 1):
        marks(router, page, session, said[number])

    assert read(router, page) == {session: said[2]}


def test_what_is_no_word_of_that_session_is_not_kept(router: RouterUnderTest, session: str, said: list[str]) -> None:
    other, page = router.session(router.machine("farm"), "docs"), logs_in(router)

    marks(router, page, other, said[0])
    marks(router, page, session, "nobody said this")

    assert read(router, page) == {}


def test_it_is_there_after_a_restart_and_goes_with_its_person(
    router: RouterUnderTest, session: str, said: list[str]
) -> None:
    ada, owner = logs_in(router, person(router, "Ada")), logs_in(router)
    marks(router, ada, session, said[2])
    marks(router, owner, session, said[0])
    router.restart()
    kept = read(router, ada)

    [her] = [one.person_id for one in router.control.ListPeople(pb.ListPeopleRequest()).people if one.name == "Ada"]
    router.control.Unpair(pb.UnpairRequest(id=her))
    router.control.Cleanup(pb.CleanupRequest())

    assert kept == {session: said[2]}
    assert router.read(lambda c: c.execute("SELECT person_id FROM read_marks").fetchall()) == [("",)]


def test_a_browser_that_was_put_out_neither_reads_nor_marks(
    router: RouterUnderTest, session: str, said: list[str]
) -> None:
    page = logs_in(router)
    router.chat.CloseBrowser(chat_pb.CloseBrowserRequest(login_id=page))

    for call in (lambda: read(router, page), lambda: marks(router, page, session, said[0])):
        with pytest.raises(grpc.RpcError) as refused:
            call()
        assert reason_of(refused.value) == "ILLEGAL_STATE"


def test_who_becomes_one_person_has_read_what_either_had(
    router: RouterUnderTest, session: str, said: list[str]
) -> None:
    ada, twin = logs_in(router, person(router, "Ada")), logs_in(router, person(router, "Ada by mail"))
    other = router.session(router.machine("farm"), "docs")
    with router.courier("telegram", "42"):
        there = router.notify(other, text="four")[0].notification_id
    marks(router, ada, session, said[0])
    marks(router, twin, session, said[2])
    marks(router, twin, other, there)

    ids = {each.name: each.person_id for each in router.control.ListPeople(pb.ListPeopleRequest()).people}
    kept, gone = ids["Ada"], ids["Ada by mail"]
    router.control.JoinPeople(pb.JoinPeopleRequest(person_id=kept, other_person_id=gone))

    assert read(router, ada) == read(router, twin) == {session: said[2], other: there}
