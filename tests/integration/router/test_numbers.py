"""Durable frames at the real router: what did not come is never acknowledged, and nothing is lost in silence."""

import sqlite3

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.let_in import let_follow
from tests.integration.router.test_links import refused
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.rigs.thin_agent import session as update

CHAT = types.ChatRef(transport="test", chat_id="1")
NEWER = b"\xfa\x01"  # the tag of field 31 of AgentFrame, which is of a protocol to come


@pytest.fixture(autouse=True)
def heard(request: pytest.FixtureRequest, router: RouterUnderTest) -> None:
    """The chat that messages name here hears of the session."""
    if "session" in request.fixturenames:
        let_follow(router.write, request.getfixturevalue("session"), CHAT)


def told(seq: int, session: str, text: str = "done", **fields: object) -> link_pb.Notify:
    fields = {"notification_id": f"note-{seq}", "targets": [CHAT]} | fields
    return link_pb.Notify(upstream_seq=seq, session_id=session, text=text, **fields)  # type: ignore[arg-type]


def newer(link: ThinLink, body: bytes) -> link_pb.AgentFrame:
    """A frame of a kind to come."""
    known = link_pb.AgentFrame(link_epoch=link.epoch).SerializeToString()
    return link_pb.AgentFrame.FromString(known + NEWER + bytes([len(body)]) + body)


def stored(router: RouterUnderTest, session: str) -> list[str]:
    """What the router has for people about a session, oldest first."""
    return [note.text for note in reversed(router.notifications(session))]


def test_a_durable_frame_without_a_number_is_no_frame(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        link.frame(notify=told(0, session))
        error = link.take("frame_error")
        link.frame(notify=told(1, session, "this one"))
        link.acked(1)

    assert (error.about, error.status.code) == ("0", grpc.StatusCode.INVALID_ARGUMENT.value[0])
    assert "the next one is 1" in error.status.message
    assert stored(router, session) == ["this one"]


@pytest.mark.rule("A17")
def test_what_was_skipped_is_never_acknowledged(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        for seq in (1, 9, 4, 2):
            link.frame(notify=told(seq, session, f"number {seq}"))
        errors = [link.take("frame_error").about for _ in range(2)]
        ack = link.acked(2)

    again = agent.dial()
    known = again.welcome().upstream_acked_seq
    again.goodbye()
    assert (errors, ack.acked_seq, known) == (["9", "4"], 2, 2)
    assert stored(router, session) == ["number 1", "number 2"]


def test_a_number_inside_a_batch_may_not_be_skipped_either(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    ids = [router.send(session, text).command_id for text in "ab"]
    results = [
        link_pb.Result(upstream_seq=seq, command_id=command_id, outcome=link_pb.RESULT_OUTCOME_DONE)
        for seq, command_id in zip((1, 3), ids, strict=True)
    ]
    with agent.connected() as link:
        link.commands(2)
        link.frame(results=link_pb.ResultBatch(results=results))
        error = link.take("frame_error")
        link.heard()

    assert error.about == "3"
    assert [router.command(command_id).state for command_id in ids] != [types.COMMAND_STATE_DONE] * 2


def test_three_frames_out_of_order_end_the_link(agent: ThinAgent, session: str) -> None:
    link = agent.dial()
    link.welcome()
    for seq in (2, 3, 4):
        link.frame(notify=told(seq, session))

    assert refused(link) == (grpc.StatusCode.INVALID_ARGUMENT, "BAD_FRAME")


@pytest.mark.rule("A18")
def test_an_outbox_that_was_put_back_goes_on_behind_what_welcome_has(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        for seq in (1, 2):
            link.frame(notify=told(seq, session, f"before {seq}"))
        link.acked(2)

    with agent.connected() as link:  # its disk is from before that, and it has something new to say
        has = link.terms.upstream_acked_seq
        link.frame(notify=told(1, session, "swallowed?", notification_id="new"))
        error = link.take("frame_error")
        link.frame(notify=told(has + 1, session, "after", notification_id="new"))
        link.acked(has + 1)

    assert has == 2
    assert "anew from welcome's upstream_acked_seq + 1" in error.status.message
    assert stored(router, session) == ["before 1", "before 2", "after"]


@pytest.mark.rule("A19")
def test_a_router_that_was_put_back_goes_on_behind_what_the_outbox_has_forgotten(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected(upstream_acked_seq=40) as link:
        has = link.terms.upstream_acked_seq
        link.frame(notify=told(41, session))
        link.acked(41)

    assert has == 40
    assert stored(router, session) == ["done"]


def test_a_malformed_durable_frame_is_rejected_by_its_number(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    command_id = router.send(session).command_id
    question = link_pb.PermissionRequest(
        upstream_seq=2, permission_id="p", session_id=session, tool="Bash", input_digest="d",
        options=[types.PermissionOption(option_id="yes")],
    )  # fmt: skip
    with agent.connected() as link:
        link.commands(1)
        link.frame(result=link_pb.Result(upstream_seq=1, command_id=command_id))
        link.frame(permission_request=question)
        link.frame(notify=told(3, "nobody"))
        link.frame(notify=told(4, session, "and on it goes"))
        rejected = [one for seq in (1, 2, 3, 4) for one in link.acked(seq).rejected]

    assert [(one.upstream_seq, one.reason) for one in rejected] == [
        (1, types.REASON_INVALID_ARGUMENT),
        (2, types.REASON_INVALID_ARGUMENT),
        (3, types.REASON_SESSION_UNKNOWN),
    ]
    assert [word in one.detail for word, one in zip(("outcome", "verdict", "nobody"), rejected, strict=True)] == [
        True
    ] * 3
    assert stored(router, session) == ["and on it goes"]


@pytest.mark.parametrize("spoil", [lambda raw: raw.replace(b"text", b"\xff\xfe\xfd\xfc")], ids=["no UTF-8"])
def test_a_durable_frame_that_cannot_be_read_is_rejected_by_its_number(
    agent: ThinAgent, session: str, spoil: object
) -> None:
    with agent.connected() as link:
        frame = link_pb.AgentFrame(link_epoch=link.epoch, notify=told(1, session, "text"))
        link.raw(spoil(frame.SerializeToString()))  # type: ignore[operator]
        [rejection] = link.acked(1).rejected
        link.frame(notify=told(2, session))
        link.acked(2)

    assert (rejection.upstream_seq, rejection.reason) == (1, types.REASON_INVALID_ARGUMENT)
    assert "UTF-8" in rejection.detail


def test_a_durable_frame_over_a_mebibyte_is_rejected_by_its_number(agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        link.frame(notify=told(1, session, "x" * (1024 * 1024 + 1)))
        [rejection] = link.acked(1).rejected
        link.heard()

    assert "1048576 bytes" in rejection.detail


def test_durable_frames_of_a_kind_to_come_are_rejected_by_number_and_end_nothing(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        for seq in range(1, 6):
            link.out(newer(link, link_pb.SessionClosed(upstream_seq=seq, detail="new").SerializeToString()))
        link.frame(notify=told(6, session))
        rejected = [one for seq in range(1, 7) for one in link.acked(seq).rejected]

    assert [(one.upstream_seq, one.reason) for one in rejected] == [(n, types.REASON_UNSUPPORTED) for n in range(1, 6)]
    assert "Update the router" in rejected[0].detail
    assert stored(router, session) == ["done"]


def test_other_frames_of_a_kind_to_come_end_nothing_either(agent: ThinAgent) -> None:
    with agent.connected() as link:
        for _ in range(5):
            link.out(newer(link, link_pb.Goodbye(reason="x").SerializeToString()))
        errors = [link.take("frame_error").status.message for _ in range(5)]
        link.heard()

    assert all("field 31" in text for text in errors)


@pytest.mark.parametrize("name", ["instance_id", "inbox_id", "outbox_id"])
@pytest.mark.parametrize("value", ["", "x" * 129], ids=["empty", "too long"])
@pytest.mark.rule("A4")
def test_a_hello_without_its_ids_is_refused_with_what_to_do(agent: ThinAgent, name: str, value: str) -> None:
    link = agent.dial(**{name: value})
    code, error = link.ended()
    link.lose()

    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert error is not None
    assert name in error.details()  # type: ignore[attr-defined]
    assert "make one" in error.details()  # type: ignore[attr-defined]


def test_a_session_of_another_machine_in_hello_is_refused_by_its_id(router: RouterUnderTest, session: str) -> None:
    other = router.machine()
    with other.connected(sessions=[update("mine"), update(session)]) as link:
        error = link.take("frame_error")
        link.heard()

        assert link.waiting("frame_error") == 0
    assert error.about == session
    assert "belongs to machine" in error.status.message


@pytest.mark.rule("A9")
def test_a_session_that_hello_does_not_name_stays(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected(sessions=[]) as link:
        accepted = router.send(session)
        [frame] = link.commands(1)

    assert frame.command_id == accepted.command_id


@pytest.mark.rule("A22")
def test_a_generation_never_goes_back(agent: ThinAgent) -> None:
    with agent.connected() as link:
        link.frame(session_update=update("s", upstream_seq=1, generation=2))
        link.frame(session_update=update("s", upstream_seq=2, generation=1))
        rejected = link.acked(2).rejected

    assert [(one.upstream_seq, one.reason) for one in rejected] == [(2, types.REASON_SESSION_RESTARTED)]
    assert "generation 2; 1 is over" in rejected[0].detail


def test_a_machine_whose_inbox_is_lost_counts_generations_anew(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected(sessions=[update("s", generation=3)]):
        pass
    with agent.connected(inbox_id="another", outbox_id="another", sessions=[update("s", generation=1)]) as link:
        link.heard()

        assert link.waiting("frame_error") == 0
    assert router.read(_generations) == [("s", 1)]


def test_the_end_of_an_older_generation_is_rejected_and_the_session_lives(
    router: RouterUnderTest, agent: ThinAgent
) -> None:
    with agent.connected(sessions=[update("s", generation=2)]) as link:
        link.frame(session_closed=link_pb.SessionClosed(upstream_seq=1, session_id="s", generation=1))
        [rejection] = link.acked(1).rejected
        accepted = router.send("s")

    assert rejection.reason == types.REASON_SESSION_RESTARTED
    assert accepted.session_id == "s"


def test_the_end_of_a_session_of_another_machine_is_rejected(router: RouterUnderTest, session: str) -> None:
    other = router.machine()
    with other.connected() as link:
        link.frame(session_closed=link_pb.SessionClosed(upstream_seq=1, session_id=session, generation=9))
        link.frame(session_closed=link_pb.SessionClosed(upstream_seq=2, session_id="nobody", generation=9))
        rejected = [one.reason for seq in (1, 2) for one in link.acked(seq).rejected]

    assert rejected == [types.REASON_SESSION_OWNED_ELSEWHERE, types.REASON_SESSION_UNKNOWN]


def _generations(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    return connection.execute("SELECT session_id, generation FROM sessions").fetchall()
