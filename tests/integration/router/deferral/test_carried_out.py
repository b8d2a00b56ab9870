"""What is carried out, and what is not: rights, sessions, conditions, clocks, crashes."""

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.services.deferral import occurrences
from router.store import deferred
from tests.integration.router.deferral.refusing import refusal
from tests.integration.router.harness import Caller, RouterUnderTest
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier
from tests.waiting import wait_until

HOUR = 3600.0


def later(who: Caller, when: str, session: str = "", text: str = "go", **request: object) -> types.Deferred:
    request = {"task": types.DEFERRED_TASK_TEXT} | request
    return who.control.Defer(pb.DeferRequest(when=when, session_id=session, text=text, **request)).deferred


def now(router: RouterUnderTest, known: types.Deferred) -> types.Deferred:
    """As it is now."""
    found = router.control.ListDeferred(pb.ListDeferredRequest(include_over=True)).deferred
    return next(each for each in found if each.deferred_id == known.deferred_id)


def texts(router: RouterUnderTest, session: str) -> list[str]:
    found = router.control.ListCommands(pb.ListCommandsRequest(session_id=session)).commands
    return [each.action.input.text for each in reversed(found)]


def over(router: RouterUnderTest, known: types.Deferred) -> types.Deferred:
    wait_until(lambda: now(router, known).state not in (types.DEFERRED_STATE_WAITING, types.DEFERRED_STATE_PAUSED))
    return now(router, known)


def key(router: RouterUnderTest, **request: object) -> tuple[Caller, str]:
    made = router.control.CreateApiKey(pb.CreateApiKeyRequest(label="x", role=pb.ROLE_OPERATOR, **request))
    return router.caller(made.secret), made.key.key_id


def test_a_key_that_was_revoked_has_nothing_done(router: RouterUnderTest, courier: ThinCourier, session: str) -> None:
    who, key_id = key(router)
    kept = later(who, "in 10m", session)
    router.control.RevokeApiKey(pb.RevokeApiKeyRequest(key_id=key_id))
    router.advance(601)

    ended = over(router, kept)
    assert ended.state == types.DEFERRED_STATE_FAILED
    assert "revoked" in ended.detail
    assert "❌ Not done" in courier.brought("1").notification.text
    assert texts(router, session) == []


def test_a_limited_key_wants_only_what_it_reaches(router: RouterUnderTest, session: str) -> None:
    who, _ = key(router, machines=["other-*"])
    others = later(router.admin, "in 10m", session)

    with refusal("SESSION_UNKNOWN"):
        later(who, "in 10m", session)
    with refusal("NOT_FOUND"):
        who.control.CancelDeferred(pb.CancelDeferredRequest(deferred_id=others.deferred_id))
    assert list(who.control.ListDeferred(pb.ListDeferredRequest()).deferred) == []


def test_a_session_that_was_restarted_gets_nothing(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected() as link:
        link.frame(session_update=update(1, 1))
        link.acked(1)
        kept = later(router.admin, "in 10m", "s-1")
        link.frame(session_update=update(2, 2))
        link.acked(2)
        router.advance(601)

        assert "restarted" in over(router, kept).detail
        assert texts(router, "s-1") == []


def update(seq: int, generation: int, **more: object) -> dict[str, object]:
    return {
        "upstream_seq": seq,
        "session_id": "s-1",
        "generation": generation,
        "label": "api",
        "backend": "tmux",
    } | more


def test_a_session_that_ended_gets_nothing(router: RouterUnderTest, session: str) -> None:
    kept = later(router.admin, "in 10m", session)
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=session))
    router.advance(601)

    assert over(router, kept).state == types.DEFERRED_STATE_FAILED


def test_on_return_is_when_the_machine_is_back(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    kept = later(router.admin, "on return", session)
    before = now(router, kept).state
    with agent.connected() as link:
        [command] = link.commands(1)

        assert command.action.input.text == "go"
        assert before == types.DEFERRED_STATE_WAITING
        with refusal("ILLEGAL_STATE"):
            later(router.admin, "on return", session)


def test_on_rest_is_when_the_program_is_ready(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected() as link:
        link.frame(session_update=update(1, 1, state=types.SESSION_STATE_BUSY))
        link.acked(1)
        kept = later(router.admin, "on rest", "s-1")
        router.advance(20)  # no longer: a link without a heartbeat ends
        router.settle()
        before = now(router, kept).state
        link.frame(session_update=update(2, 1, state=types.SESSION_STATE_IDLE))
        link.acked(2)
        router.advance(6)
        link.commands(1)

    assert before == types.DEFERRED_STATE_WAITING


def test_on_rest_waits_for_no_clock_that_was_put_back(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected() as link:
        link.frame(session_update=update(1, 1, state=types.SESSION_STATE_IDLE))
        link.acked(1)
    router.stop()
    router.time.wall_step, router.time.wall_moved = -25 * HOUR, 0.0
    router.start()
    returned = router.stranger(agent.machine_id)
    returned.key = agent.key
    with returned.connected() as link:
        later(router.admin, "on rest", "s-1")
        router.advance(6)

        assert link.commands(1)


def test_of_a_session_of_which_nobody_tells_nothing_is_waited_for(router: RouterUnderTest, session: str) -> None:
    with refusal("UNSUPPORTED"):
        later(router.admin, "on rest", session)
    with refusal("ILLEGAL_STATE"):
        later(router.admin, "on reset", session)


@pytest.mark.parametrize("step", [25 * HOUR, -25 * HOUR], ids=["+25h", "-25h"])
def test_a_span_is_as_long_as_it_is_whatever_is_done_to_the_clock(
    router: RouterUnderTest, session: str, step: float
) -> None:
    kept = later(router.admin, "in 2h", session)
    router.time.wall_moved += step
    router.advance(HOUR)
    router.settle()
    router.stop()
    router.time.wall_step, router.time.wall_moved = step, 0.0
    router.start()
    before = now(router, kept).state
    router.advance(HOUR + 1)

    assert before == types.DEFERRED_STATE_WAITING
    assert wait_until(lambda: texts(router, session)) == ["go"]


def test_a_time_of_day_is_when_the_wall_clock_says_so(router: RouterUnderTest, session: str) -> None:
    later(router.admin, "every day 9:00", session)
    router.advance(61)  # a look
    before = texts(router, session)
    router.time.wall_moved += 25 * HOUR
    router.advance(61)
    wait_until(lambda: texts(router, session))
    router.time.wall_moved -= 25 * HOUR  # the same day comes again, and what was done in it does not
    router.advance(61)
    router.settle()

    assert before == []
    assert texts(router, session) == ["go"]


def test_one_that_was_moved_is_due_also_where_the_day_comes_again(router: RouterUnderTest, session: str) -> None:
    kept = later(router.admin, "every day 9:00", session)
    for step in (0, 25 * HOUR, -25 * HOUR):
        router.time.wall_moved += step
        router.advance(61)
        router.settle()
    move = pb.DEFERRED_CHANGE_MOVE
    router.control.ChangeDeferred(
        pb.ChangeDeferredRequest(deferred_id=kept.deferred_id, change=move, when="every day 8:59")
    )
    for step in (5, 24 * HOUR):  # a small one has all moments computed anew
        router.time.wall_moved += step
        router.advance(61)
        router.settle()

    wait_until(lambda: texts(router, session) == ["go", "go"])


def test_what_was_due_while_the_router_was_away_is_done_once(router: RouterUnderTest, session: str) -> None:
    kept = later(router.admin, "every 1h", session)
    router.stop()
    router.time.skipped += 10.5 * HOUR
    router.start()
    wait_until(lambda: texts(router, session))
    router.settle()

    assert texts(router, session) == ["go"]
    left = now(router, kept).next_at.seconds - router.time.now()
    assert 0.4 * HOUR < left < 0.6 * HOUR


def test_a_crash_between_an_occurrence_and_its_command_leaves_neither(
    router: RouterUnderTest, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = later(router.admin, "in 10m", session)
    whole = deferred.change
    failed: list[str] = []

    def dying(*_values: object) -> object:
        failed.append("once")
        raise OSError("the process dies here")

    monkeypatch.setattr(occurrences.deferred, "change", dying)
    router.advance(601)
    wait_until(lambda: failed)
    router.settle()
    half = texts(router, session), now(router, kept).occurrence
    monkeypatch.setattr(occurrences.deferred, "change", whole)
    router.advance(61)

    assert half == ([], 0)
    assert wait_until(lambda: texts(router, session)) == ["go"]
    assert over(router, kept).occurrence == 1


def test_an_occurrence_that_is_known_is_not_done_again(router: RouterUnderTest, session: str) -> None:
    """As where the row of a deferred is older than what it became."""
    kept = later(router.admin, "every 2h", session)
    router.control.ChangeDeferred(pb.ChangeDeferredRequest(deferred_id=kept.deferred_id, change=pb.DEFERRED_CHANGE_NOW))
    router.write(lambda tx: tx.execute("UPDATE deferred SET occurrence = 0"))
    router.control.ChangeDeferred(pb.ChangeDeferredRequest(deferred_id=kept.deferred_id, change=pb.DEFERRED_CHANGE_NOW))

    assert texts(router, session) == ["go"]


def test_of_one_key_so_many_wait_and_no_more(router: RouterUnderTest, session: str) -> None:
    for _ in range(50):
        later(router.admin, "in 2h", session)

    with refusal("QUOTA_DEFERRED"):
        later(router.admin, "in 2h", session)
    later(key(router)[0], "in 2h", session)


def test_a_text_is_no_longer_than_4_kib(router: RouterUnderTest, session: str) -> None:
    later(router.admin, "in 2h", session, "x" * 4096)

    with refusal("TOO_LARGE"):
        later(router.admin, "in 2h", session, "x" * 4097)
    with refusal("TOO_LARGE"):
        later(router.admin, "in 2h", session, " ")


def test_the_same_request_again_gets_the_same_answer(router: RouterUnderTest, session: str) -> None:
    first, second = (later(router.admin, "in 10m", session, request_id="r-1") for _ in range(2))

    assert first == second
    assert len(router.control.ListDeferred(pb.ListDeferredRequest()).deferred) == 1


def test_it_can_have_another_time(router: RouterUnderTest, session: str) -> None:
    kept = later(router.admin, "in 10m", session)
    change = pb.ChangeDeferredRequest(
        deferred_id=kept.deferred_id, change=pb.DEFERRED_CHANGE_MOVE, when="every day 9:00", zone="Europe/Berlin"
    )
    moved = router.control.ChangeDeferred(change).deferred
    router.advance(601)
    router.settle()

    assert (moved.when, moved.zone) == ("every day 9:00", "Europe/Berlin")
    assert texts(router, session) == []


def test_what_had_its_only_moment_while_it_paused_needs_another(router: RouterUnderTest, session: str) -> None:
    kept = later(router.admin, "in 10m", session)
    router.control.ChangeDeferred(
        pb.ChangeDeferredRequest(deferred_id=kept.deferred_id, change=pb.DEFERRED_CHANGE_PAUSE)
    )
    router.advance(601)

    with refusal("ILLEGAL_STATE"):
        router.control.ChangeDeferred(
            pb.ChangeDeferredRequest(deferred_id=kept.deferred_id, change=pb.DEFERRED_CHANGE_RESUME)
        )
