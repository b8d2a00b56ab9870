"""What the program in a session puts off for itself."""

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.domain.deferral import MOST_OF_SESSION
from router.domain.session_message import MAX_HOPS
from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.session_messages.talk import Talk
from tests.rigs.session_program import told
from tests.rigs.thin_courier import ThinCourier

TEXT, REMINDER = types.DEFERRED_TASK_TEXT, types.DEFERRED_TASK_REMINDER


def later(talk: Talk, when: str = "in 10m", name: str = "api", **request: object) -> types.Deferred:
    request = {"session_id": f"s-{name}", "task": TEXT, "text": "look at the build"} | request
    return talk.inside(name).Defer(pb.DeferRequest(when=when, **request)).deferred


def texts(router: RouterUnderTest) -> list[str]:
    found = router.control.ListCommands(pb.ListCommandsRequest(session_id="s-api")).commands
    return [each.action.input.text for each in found]


def test_it_is_typed_as_what_it_is(talk: Talk, router: RouterUnderTest) -> None:
    later(talk)
    router.advance(601)
    router.settle()

    [typed] = texts(router)
    assert typed == "⟦pointsman: this session wanted to be told this now, no person does.⟧\nlook at the build"


def test_people_are_reminded(talk: Talk, router: RouterUnderTest, courier: ThinCourier) -> None:
    later(talk, task=REMINDER)
    router.advance(601)

    assert courier.brought("1").notification.text == "⏰ api: look at the build"


def test_what_it_may_not(talk: Talk) -> None:
    chat = types.Origin(source="x", chat=types.ChatRef(transport="test", chat_id="1"))

    assert told(lambda: later(talk, "every 2h")) == "WORKER_MAY_NOT"
    assert told(lambda: later(talk, task=types.DEFERRED_TASK_START, session_id="s-api")) == "WORKER_MAY_NOT"
    assert told(lambda: later(talk, origin=chat)) in ("WORKER_MAY_NOT", "NOT_IN_AUDIENCE")
    for session_id in ("s-web", "", "api"):
        assert told(lambda named=session_id: later(talk, session_id=named)) in (
            "WORKER_OTHER_SESSION", "INVALID_ARGUMENT"
        )  # fmt: skip
    assert told(lambda: later(talk, session_id="", task=REMINDER)) == "WORKER_OTHER_SESSION"


def test_it_sees_and_takes_back_its_own_alone(talk: Talk, router: RouterUnderTest) -> None:
    own = later(talk)
    of_person = router.control.Defer(
        pb.DeferRequest(when="in 2h", session_id="s-api", task=TEXT, text="x")
    ).deferred  # fmt: skip
    inside, other = talk.inside("api"), talk.inside("web")
    listed = inside.ListDeferred(pb.ListDeferredRequest(session_id="s-api")).deferred

    assert [each.deferred_id for each in listed] == [own.deferred_id]
    assert (
        told(lambda: inside.CancelDeferred(pb.CancelDeferredRequest(deferred_id=of_person.deferred_id))) == "NOT_FOUND"
    )
    assert told(lambda: other.CancelDeferred(pb.CancelDeferredRequest(deferred_id=own.deferred_id))) == "NOT_FOUND"
    assert told(lambda: other.ListDeferred(pb.ListDeferredRequest(session_id="s-api"))) == "WORKER_OTHER_SESSION"
    inside.CancelDeferred(pb.CancelDeferredRequest(deferred_id=own.deferred_id))
    assert list(inside.ListDeferred(pb.ListDeferredRequest(session_id="s-api")).deferred) == []


def test_so_many_wait_and_no_more(talk: Talk) -> None:
    for _ in range(MOST_OF_SESSION):
        later(talk)

    assert told(lambda: later(talk)) == "QUOTA_DEFERRED"
    later(talk, name="web")


def test_it_wakes_itself_so_often_and_then_a_person_has_to_say_a_word(talk: Talk, router: RouterUnderTest) -> None:
    for _ in range(MAX_HOPS):
        later(talk)
        router.advance(601)
        router.settle()

    assert len(texts(router)) == MAX_HOPS
    assert told(lambda: later(talk)) == "TOO_MANY_HOPS"
    router.send("s-api", "go on")
    later(talk)


def test_of_a_session_that_was_restarted_nothing_is_done(talk: Talk, router: RouterUnderTest) -> None:
    kept = [later(talk), later(talk, task=REMINDER)]
    update = {"upstream_seq": 1, "session_id": "s-api", "generation": 2, "label": "api", "backend": "tmux"}
    talk.link.frame(session_update=update)
    talk.link.acked(1)
    router.advance(601)
    router.settle()

    found = router.control.ListDeferred(pb.ListDeferredRequest(include_over=True)).deferred
    assert [each.state for each in found] == [types.DEFERRED_STATE_FAILED] * len(kept)
    assert texts(router) == []
