"""Control signals at the router: commands with all promises of one, for who may send them."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest, fresh
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, ThinLink

MODE, MODEL, INTERRUPT, COMPACT, CLEAR = (
    types.CONTROL_KIND_MODE,
    types.CONTROL_KIND_MODEL,
    types.CONTROL_KIND_INTERRUPT,
    types.CONTROL_KIND_COMPACT,
    types.CONTROL_KIND_CLEAR,
)
MODES = ["default", "acceptEdits", "plan"]
CONTROLS = [INTERRUPT, MODEL, COMPACT, CLEAR]


@pytest.fixture
def link(agent: ThinAgent) -> Iterator[ThinLink]:
    with agent.connected(capabilities=["control"]) as link:
        yield link


@pytest.fixture
def session(link: ThinLink) -> str:
    return told(link, 1)


def told(link: ThinLink, seq: int, **update: Any) -> str:
    """A session that its machine tells of."""
    fields = {"session_id": fresh("session"), "generation": 1, "mode": "plan", "model": "opus"} | update
    fields = {"modes": MODES, "controls": CONTROLS} | fields
    link.frame(session_update=link_pb.SessionUpdate(upstream_seq=seq, **fields))
    link.acked(seq)
    return str(fields["session_id"])


def send(router: RouterUnderTest, session_id: str, kind: Any, value: str = "", **request: Any) -> types.Command:
    action = types.Action(control=types.ControlSignal(kind=kind, value=value))
    return router.send(session_id, action=action, **request)


def refused(router: RouterUnderTest, session_id: str, kind: Any, value: str = "") -> str:
    with pytest.raises(grpc.RpcError) as error:
        send(router, session_id, kind, value)
    return reason_of(error.value)


def found(router: RouterUnderTest, session_id: str) -> types.Session:
    sessions = router.control.ListSessions(pb.ListSessionsRequest()).sessions
    return next(each for each in sessions if each.session_id == session_id)


def test_a_session_tells_how_its_program_works_and_what_can_be_changed(
    router: RouterUnderTest, link: ThinLink, session: str
) -> None:
    known = found(router, session)

    assert (known.mode, known.model, list(known.modes)) == ("plan", "opus", MODES)
    assert list(known.controls) == CONTROLS
    told(link, 2, session_id=session, mode="default", modes=[], controls=[])
    known = found(router, session)
    assert (known.mode, list(known.modes), list(known.controls)) == ("default", [], [])


@pytest.mark.parametrize(
    ("kind", "value", "lane"),
    [
        (MODE, "plan", types.LANE_NORMAL),
        (MODEL, "claude-opus-5[1m]", types.LANE_NORMAL),
        (COMPACT, "", types.LANE_NORMAL),
        (CLEAR, "", types.LANE_NORMAL),
        (INTERRUPT, "", types.LANE_URGENT),
    ],
)
def test_a_signal_goes_to_its_machine_once_in_order_and_ends(
    router: RouterUnderTest, link: ThinLink, session: str, kind: Any, value: str, lane: Any
) -> None:
    sent = send(router, session, kind, value, request_id="r1")
    again = send(router, session, kind, value, request_id="r1")

    [frame] = link.commands(1)
    assert (sent.command_id, frame.command_id, again.command_id) == (sent.command_id,) * 3
    assert (frame.lane, frame.generation, frame.action.control) == (
        lane,
        1,
        types.ControlSignal(kind=kind, value=value),
    )
    assert link.waiting() == 0


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (types.CONTROL_KIND_UNSPECIFIED, "", "INVALID_ARGUMENT"),
        (9, "", "INVALID_ARGUMENT"),
        (MODE, "", "INVALID_ARGUMENT"),
        (MODE, "plan\n!ls", "INVALID_ARGUMENT"),
        (MODEL, "two words", "INVALID_ARGUMENT"),
        (MODEL, "x" * 101, "INVALID_ARGUMENT"),
        (CLEAR, "everything", "INVALID_ARGUMENT"),
        (MODE, "bypassPermissions", "MODE_NOT_ALLOWED"),
    ],
)
def test_what_is_none_goes_nowhere(
    router: RouterUnderTest, link: ThinLink, session: str, kind: Any, value: str, reason: str
) -> None:
    assert refused(router, session, kind, value) == reason
    assert link.waiting() == 0


def test_a_mode_is_known_by_what_people_call_it(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    send(router, session, MODE, "manual")

    [frame] = link.commands(1)
    assert frame.action.control.value == "default"


def test_where_the_machine_says_that_its_program_was_started_so_it_may_ask_nothing(
    router: RouterUnderTest, link: ThinLink
) -> None:
    session = told(link, 1, modes=[*MODES, "bypassPermissions"])

    assert send(router, session, MODE, "bypassPermissions").command_id


def test_an_older_agent_is_not_sent_any(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected(capabilities=["text"]) as link:
        assert refused(router, told(link, 1), MODE, "plan") == "UNSUPPORTED"


def test_a_machine_that_is_away_gets_it_when_it_is_back(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected(capabilities=["control"]) as link:
        session = told(link, 1)
    sent = send(router, session, MODE, "plan")

    with agent.connected(capabilities=["control"]) as link:
        [frame] = link.commands(1)
    assert frame.command_id == sent.command_id


def test_a_mode_that_asks_less_is_not_chosen_by_repeating_a_command(
    router: RouterUnderTest, link: ThinLink, session: str
) -> None:
    for number, (mode, value) in enumerate([(MODE, "acceptEdits"), (MODE, "plan")], start=2):
        sent = send(router, session, mode, value)
        link.commands(1)
        link.receipt(sent.command_id)
        result = link_pb.Result(upstream_seq=number, command_id=sent.command_id, outcome=link_pb.RESULT_OUTCOME_FAILED)
        link.frame(result=result)
        link.acked(number)
    less, more = [command.command_id for command in router.control.ListCommands(pb.ListCommandsRequest()).commands][
        1::-1
    ]

    with pytest.raises(grpc.RpcError) as refused_:
        router.control.Redrive(pb.RedriveRequest(command_id=less))
    other = told(link, 4)
    with pytest.raises(grpc.RpcError) as elsewhere:
        router.control.Redrive(pb.RedriveRequest(command_id=more, session_id=other))

    assert (reason_of(refused_.value), reason_of(elsewhere.value)) == ("MODE_NOT_ALLOWED", "UNSUPPORTED")
    assert router.control.Redrive(pb.RedriveRequest(command_id=more)).command.redrive_of == more


def test_the_audit_tells_which_mode_was_chosen(router: RouterUnderTest, session: str) -> None:
    send(router, session, MODE, "acceptEdits")
    send(router, session, MODEL, "opus")

    entries = router.control.ListAuditEntries(pb.ListAuditEntriesRequest(limit=1000)).entries
    assert [each.detail.split(",")[0] for each in entries if each.event == "mode_changed"] == ["acceptEdits"]
