"""What people want later is done with the rights that they have then."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.integration.router.let_in import let_follow
from tests.security.test_roles_of_people import APPROVER, OPERATOR, VIEWER, Guest, commands, guest
from tests.waiting import wait_until


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def session(router: RouterUnderTest) -> str:
    return router.session(router.machine("devbox"), "api")


def kept(router: RouterUnderTest) -> list[types.Deferred]:
    return list(router.control.ListDeferred(pb.ListDeferredRequest(include_over=True)).deferred)


def ended(router: RouterUnderTest) -> types.Deferred:
    """The only one, once it is over."""
    router.advance(601)
    wait_until(lambda: kept(router)[0].state != types.DEFERRED_STATE_WAITING)
    return kept(router)[0]


def wants(
    router: RouterUnderTest, text: str = "/later in 10m run it", role: int = OPERATOR, **limits: list[str]
) -> Guest:
    ada = guest(router, role=role, **limits)
    ada.say("/use api")
    ada.say(text)
    return ada


def person_of(router: RouterUnderTest) -> types.Person:
    return next(each for each in router.control.ListPeople(pb.ListPeopleRequest()).people if each.person_id)


@pytest.mark.usefixtures("session")
def test_who_was_put_out_has_nothing_done(router: RouterUnderTest) -> None:
    ada = wants(router)
    router.control.Unpair(pb.UnpairRequest(id=person_of(router).person_id))
    over = ended(router)

    assert over.state == types.DEFERRED_STATE_FAILED
    assert "not let in any more" in over.detail
    assert commands(router) == 0
    assert ada


@pytest.mark.usefixtures("session")
def test_nor_who_may_not_write_in_that_chat_any_more(router: RouterUnderTest) -> None:
    ada = wants(router)
    router.control.Unpair(pb.UnpairRequest(transport="telegram", id=ada.chat.chat_id, user_id=ada.chat.chat_id))

    assert "not let in any more" in ended(router).detail
    assert commands(router) == 0


def test_nor_for_a_session_that_is_none_of_theirs_any_more(router: RouterUnderTest, session: str) -> None:
    wants(router, machines=["devbox"])
    other = router.machine("elsewhere")
    router.control.RegisterSession(
        pb.RegisterSessionRequest(session_id=session, machine_id=other.machine_id, label="api")
    )

    assert "none of yours" in ended(router).detail
    assert commands(router) == 0


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("role", [APPROVER, VIEWER], ids=["approver", "viewer"])
@pytest.mark.parametrize(
    "text", ["/later in 10m run it", "/every 2h run it", "/every 2h /new look", "/limits continue"]
)
def test_who_may_not_type_may_not_later_either(router: RouterUnderTest, role: int, text: str) -> None:
    wants(router, text, role)

    assert kept(router) == []


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("limits", [{"role": VIEWER}, {"role": APPROVER}, {"sessions": ["web"]}], ids=str)
def test_who_may_not_type_gives_nothing_another_time(router: RouterUnderTest, limits: dict[str, Any]) -> None:
    group = types.ChatRef(transport="telegram", chat_id="-7")
    code = router.control.CreatePairingCode(pb.CreatePairingCodeRequest(person_name="Eve", **limits)).code
    router.chat.Pair(chat_pb.PairRequest(chat=group, user_id="eve", code=code))
    with router.courier("telegram", "-7") as courier:
        router.reported(courier.brought("1"))  # that she is in
        router.submit(group, "/use api")
        router.reported(courier.brought("2"))
        router.submit(group, "/later in 2h run it")
        router.reported(courier.brought("55"))
        router.submit(group, "/scheduled in 5m", reply_to_message_id="55", user_id="eve", needs_pairing=True)
    [before] = kept(router)
    router.submit(group, "/scheduled in 3h", reply_to_message_id="55")

    assert before.when == "in 2h"
    assert kept(router)[0].when == "in 3h"


@pytest.mark.usefixtures("session")
def test_whoever_looks_may_be_reminded(router: RouterUnderTest) -> None:
    ada = wants(router, "/remind in 10m look", VIEWER)

    assert ended(router).state == types.DEFERRED_STATE_DONE
    assert "⏰ look" in [note.text for note in ada.heard()]


@pytest.mark.usefixtures("session")
def test_who_reaches_some_sessions_starts_none_later(router: RouterUnderTest) -> None:
    wants(router, "/every 2h /new look", machines=["devbox"])

    assert kept(router) == []


def test_what_others_want_in_sessions_of_theirs_is_not_shown(router: RouterUnderTest, session: str) -> None:
    ada = wants(router, sessions=["web"])
    before = len(kept(router))
    let_follow(router.write, session, ada.chat)  # as it was before she was limited
    asked = types.Origin(source="test", chat=ada.chat)
    router.control.Defer(
        pb.DeferRequest(when="in 2h", task=types.DEFERRED_TASK_TEXT, session_id=session, text="x", origin=asked)
    )

    assert (before, ada.say("/scheduled").startswith("Nothing is to be done later")) == (0, True)
