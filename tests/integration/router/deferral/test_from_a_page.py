"""What pages need: the times of the days to come, a person's own wishes from their browser, going on after a limit."""

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.deferral.refusing import refusal
from tests.integration.router.deferral.test_carried_out import later, over, texts
from tests.integration.router.deferral.test_limits import GO_ON, Limited, limited, waiting
from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.subscribing import logs_in, person

__all__ = ["limited"]
DAY = 86400


def coming(router: RouterUnderTest, days: float, **asked: object) -> pb.ListOccurrencesResponse:
    until = {"seconds": int(router.time.now() + days * DAY)}
    return router.control.ListOccurrences(pb.ListOccurrencesRequest(until=until, **asked))


def test_the_times_of_the_days_to_come(router: RouterUnderTest, session: str) -> None:
    daily = later(router.admin, "every day 9:00", session)
    once = later(router.admin, "in 36h", session)
    paused = later(router.admin, "every 2h", session)
    change = pb.ChangeDeferredRequest(deferred_id=paused.deferred_id, change=pb.DEFERRED_CHANGE_PAUSE)
    router.control.ChangeDeferred(change)
    found = coming(router, 7).occurrences

    assert [each.deferred_id for each in found].count(daily.deferred_id) == 7
    assert next(each.at for each in found if each.deferred_id == daily.deferred_id) == daily.next_at
    [then] = [each for each in found if each.deferred_id == once.deferred_id]
    assert abs(then.at.seconds - once.next_at.seconds) <= 1
    assert {each.session_id for each in found} == {session}
    assert paused.deferred_id not in {each.deferred_id for each in found}
    assert coming(router, 7, session_id="another").occurrences == []


def test_they_are_the_times_at_which_it_is_done(router: RouterUnderTest, session: str) -> None:
    later(router.admin, "every 2h", session)
    [first, *_] = coming(router, 1).occurrences
    router.advance(first.at.seconds - router.time.now() + 2)
    router.settle()

    assert texts(router, session) == ["go"]


@pytest.mark.parametrize(
    "asked", [{"until": {"seconds": 1}}, {}, {"since": {"seconds": 1}, "until": {"seconds": 9**9}}]
)
def test_nobody_looks_further_than_two_months(router: RouterUnderTest, asked: dict[str, object]) -> None:
    with refusal("INVALID_ARGUMENT"):
        router.control.ListOccurrences(pb.ListOccurrencesRequest(**asked))


def test_what_is_wanted_at_a_browser_ends_with_its_person(router: RouterUnderTest, session: str) -> None:
    login = logs_in(router, person(router))
    kept = later(router.admin, "in 10m", session, login_id=login)
    [ada] = [one for one in router.control.ListPeople(pb.ListPeopleRequest()).people if one.person_id]
    router.control.Unpair(pb.UnpairRequest(id=ada.person_id))
    router.advance(601)

    assert "not let in any more" in over(router, kept).detail
    assert texts(router, session) == []


def test_what_is_wanted_at_a_browser_is_done_while_its_person_may(router: RouterUnderTest, session: str) -> None:
    kept = later(router.admin, "in 10m", session, login_id=logs_in(router, person(router)))
    router.advance(601)

    assert over(router, kept).state == types.DEFERRED_STATE_DONE
    assert texts(router, session) == ["go"]


def test_who_may_only_look_wants_nothing_there(router: RouterUnderTest, session: str) -> None:
    login = logs_in(router, person(router, role=types.PERSON_ROLE_VIEWER))

    with refusal("PERMISSION_DENIED"):
        later(router.admin, "in 10m", session, login_id=login)


def test_a_browser_that_is_not_let_in_wants_nothing(router: RouterUnderTest, session: str) -> None:
    with refusal("NOT_PAIRED"):
        later(router.admin, "in 10m", session, login_id="guessed")


def test_an_operators_key_speaks_for_no_browser(router: RouterUnderTest, session: str) -> None:
    made = router.control.CreateApiKey(pb.CreateApiKeyRequest(label="x", role=pb.ROLE_OPERATOR))
    login = logs_in(router, person(router))

    with refusal("INVALID_ARGUMENT"):
        later(router.caller(made.secret), "in 10m", session, login_id=login)


def goes_on(router: RouterUnderTest, **more: object) -> types.Deferred:
    return later(router.admin, "", "s-1", "", task=types.DEFERRED_TASK_CONTINUE, **more)


def test_a_session_at_its_limit_goes_on_then(router: RouterUnderTest, limited: Limited) -> None:
    limited.tell(limited=True)
    first, second = goes_on(router), goes_on(router)

    assert (first.task, first.text, first.when) == (types.DEFERRED_TASK_CONTINUE, GO_ON, "on reset")
    assert second.deferred_id == first.deferred_id
    assert len(waiting(router)) == 1


def test_one_at_no_limit_does_not(router: RouterUnderTest, limited: Limited) -> None:
    assert limited.router is router
    with refusal("ILLEGAL_STATE"):
        goes_on(router)


def test_what_continues_has_its_own_words(router: RouterUnderTest, limited: Limited) -> None:
    limited.tell(limited=True)
    with refusal("INVALID_ARGUMENT"):
        later(router.admin, "in 10m", "s-1", "go", task=types.DEFERRED_TASK_CONTINUE)
