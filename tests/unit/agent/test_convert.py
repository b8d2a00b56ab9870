"""Frames as protobuf and back."""

import pytest
from agentlink.v1 import agent_link_pb2 as pb
from agentlink.v1 import types_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc import status_pb2

from agent.domain.command import Command, Ending, InboxState, Input, KeyPress, Lane, Outcome, Reason
from agent.domain.frames import (
    AgentFrame,
    Button,
    Cancel,
    CommandMark,
    CommandResult,
    Commands,
    Down,
    Drain,
    Durable,
    FrameError,
    Goodbye,
    Heartbeat,
    HeartbeatAck,
    Hello,
    Item,
    Mark,
    Notify,
    Receipt,
    ReceiptOutcome,
    Receipts,
    Results,
    RouterFrame,
    SessionChanged,
    SessionGone,
    UpstreamAck,
    Welcome,
)
from agent.domain.proposal import Proposal
from agent.domain.session import Session, SessionState
from agent.link.convert import agent_frame, router_frame
from agent.link.driver import Unreadable

INPUT = types_pb2.Action(input=types_pb2.Input(text="hi", submit=True))
KEY = types_pb2.Action(key=types_pb2.KeyPress(name="esc"))


def sent(frame: AgentFrame) -> pb.AgentFrame:
    return pb.AgentFrame.FromString(agent_frame(frame))


@pytest.mark.parametrize(
    ("message", "body"),
    [
        (
            pb.RouterFrame(
                welcome=pb.Welcome(
                    link_epoch=3,
                    router_id="r",
                    heartbeat_interval=Duration(seconds=20),
                    heartbeat_timeout=Duration(seconds=60, nanos=500_000_000),
                    max_in_flight=32,
                    upstream_acked_seq=9,
                    resend_floors=[pb.ResendFloor(session_id="s1", sequence=4)],
                    recalled=["c1", "c2"],
                    inbox_outdated=True,
                    protocol=1,
                    capabilities=["start"],
                )
            ),
            Welcome(3, "r", 20.0, 60.5, 32, 9, {"s1": 4}, ("c1", "c2"), True, 1, frozenset({"start"})),
        ),
        (
            pb.RouterFrame(command=pb.CommandFrame(command_id="c1", session_id="s1", sequence=2, action=INPUT)),
            Commands((Command("c1", "s1", 0, 2, Lane.NORMAL, Input("hi", submit=True)),)),
        ),
        (
            pb.RouterFrame(
                commands=pb.CommandBatch(
                    commands=[
                        pb.CommandFrame(
                            command_id="c1",
                            generation=5,
                            lane=types_pb2.LANE_URGENT,
                            ttl_remaining=Duration(seconds=1, nanos=500_000_000),
                            action=KEY,
                        ),
                        pb.CommandFrame(command_id="c2", action=types_pb2.Action()),
                    ]
                )
            ),
            Commands(
                (
                    Command("c1", "", 5, 0, Lane.URGENT, KeyPress("esc"), 1.5),
                    Command("c2", "", 0, 0, Lane.NORMAL, None),
                )
            ),
        ),
        (pb.RouterFrame(cancel=pb.Cancel(command_id="c1")), Cancel("c1")),
        (
            pb.RouterFrame(
                upstream_ack=pb.UpstreamAck(
                    acked_seq=7,
                    rejected=[pb.UpstreamRejection(upstream_seq=6, reason=types_pb2.REASON_TOO_LARGE, detail="long")],
                )
            ),
            UpstreamAck(7, ((6, "REASON_TOO_LARGE", "long"),)),
        ),
        (pb.RouterFrame(heartbeat_ack=pb.HeartbeatAck(nonce=4)), HeartbeatAck(4)),
        (
            pb.RouterFrame(drain=pb.Drain(deadline=Duration(seconds=5), reconnect_after=Duration(seconds=1))),
            Drain(5.0, 1.0),
        ),
        (
            pb.RouterFrame(frame_error=pb.FrameError(about="frame", status=status_pb2.Status(message="odd"))),
            FrameError("frame", "odd"),
        ),
        (pb.RouterFrame(), None),
    ],
    ids=lambda value: value.WhichOneof("frame") if isinstance(value, pb.RouterFrame) else "",
)
def test_a_frame_of_the_router_becomes_a_value(message: pb.RouterFrame, body: Down | None) -> None:
    message.link_epoch = 3

    assert router_frame(message.SerializeToString()) == RouterFrame(3, body)


@pytest.mark.parametrize("data", [b"\xff", b"\x08", b"\x12\x05ab"])
def test_bytes_that_are_no_frame_are_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        router_frame(data)


def test_receipts_name_outcome_state_and_reason() -> None:
    items = (
        Receipt("c1", ReceiptOutcome.STORED),
        Receipt("c2", ReceiptOutcome.DUPLICATE, InboxState.STARTED),
        Receipt("c3", ReceiptOutcome.REFUSED, reason=Reason.UNSUPPORTED),
    )

    frame = sent(AgentFrame(9, Receipts(items)))

    assert frame.link_epoch == 9
    assert [(item.command_id, item.outcome, item.inbox_state, item.reason) for item in frame.receipt.items] == [
        ("c1", pb.RECEIPT_OUTCOME_STORED, pb.INBOX_STATE_UNSPECIFIED, types_pb2.REASON_UNSPECIFIED),
        ("c2", pb.RECEIPT_OUTCOME_DUPLICATE, pb.INBOX_STATE_STARTED, types_pb2.REASON_UNSPECIFIED),
        ("c3", pb.RECEIPT_OUTCOME_REFUSED, pb.INBOX_STATE_UNSPECIFIED, types_pb2.REASON_UNSUPPORTED),
    ]


@pytest.mark.parametrize("ending", Ending)
@pytest.mark.parametrize("reason", Reason)
def test_every_way_to_end_has_its_number(ending: Ending, reason: Reason) -> None:
    frame = sent(AgentFrame(1, Results(((4, CommandResult("c1", Outcome(ending, reason, "why"), 12.5)),))))

    assert pb.ResultOutcome.Name(frame.result.outcome) == f"RESULT_OUTCOME_{ending.name}"
    assert types_pb2.Reason.Name(frame.result.reason) == f"REASON_{reason.value}"
    assert (frame.result.upstream_seq, frame.result.detail) == (4, "why")
    assert frame.result.typed_at.ToNanoseconds() == 12_500_000_000


def test_several_results_travel_together() -> None:
    rows = tuple((seq, CommandResult(f"c{seq}", Outcome.done())) for seq in (1, 2))

    frame = sent(AgentFrame(1, Results(rows)))

    assert [one.upstream_seq for one in frame.results.results] == [1, 2]
    assert not frame.results.results[0].HasField("typed_at")


@pytest.mark.parametrize(
    ("mark", "outcome"),
    [
        (Mark.TAKEN, pb.RESULT_OUTCOME_TAKEN),
        (Mark.FINISHED, pb.RESULT_OUTCOME_FINISHED),
        (Mark.NOT_TAKEN, pb.RESULT_OUTCOME_NOT_TAKEN),
    ],
)
def test_a_mark_travels_as_a_result(mark: Mark, outcome: int) -> None:
    frame = sent(AgentFrame(1, Results(((7, CommandMark("c1", mark, "> hello")),))))

    assert frame.result == pb.Result(upstream_seq=7, command_id="c1", outcome=outcome, detail="> hello")


def test_a_long_detail_is_cut_at_a_character() -> None:
    outcome = Outcome.failed(Reason.BACKEND_ERROR, "é" * 4000)

    detail = sent(AgentFrame(1, Results(((1, CommandResult("c1", outcome)),)))).result.detail

    assert detail == "é" * 2048


SESSION = Session("s1", "tmux", "api", "/srv", 2, SessionState.WAITING)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            SessionChanged(SESSION),
            pb.AgentFrame(
                session_update=pb.SessionUpdate(
                    upstream_seq=5,
                    session_id="s1",
                    generation=2,
                    label="api",
                    backend="tmux",
                    cwd="/srv",
                    state=types_pb2.SESSION_STATE_WAITING,
                )
            ),
        ),
        (
            SessionGone("s1", 2, "exit code 0"),
            pb.AgentFrame(
                session_closed=pb.SessionClosed(upstream_seq=5, session_id="s1", generation=2, detail="exit code 0")
            ),
        ),
        (
            Notify("n1", "s1", "*text*", is_markdown=True, ends_turn=True),
            pb.AgentFrame(
                notify=pb.Notify(
                    upstream_seq=5, notification_id="n1", session_id="s1", text="*text*", markdown=True, ends_turn=True
                )
            ),
        ),
        (
            Notify("n1", "s1", "text", output_tokens=7, proposal=Proposal("fix it", "devbox", "gemini", "~/src/")),
            pb.AgentFrame(
                notify=pb.Notify(
                    upstream_seq=5,
                    notification_id="n1",
                    session_id="s1",
                    text="text",
                    output_tokens=7,
                    proposal=pb.Proposal(prompt="fix it", machine_id="devbox", agent="gemini", folder="~/src/"),
                )
            ),
        ),
        (
            Notify("n1", "s1", "text", (Button("Yes", "yes"),)),
            pb.AgentFrame(
                notify=pb.Notify(
                    upstream_seq=5,
                    notification_id="n1",
                    session_id="s1",
                    text="text",
                    buttons=[types_pb2.Button(label="Yes", action="yes")],
                )
            ),
        ),
    ],
    ids=["session", "closed", "last words", "proposal", "notice"],
)
def test_what_is_durable_carries_its_number(item: Item, expected: pb.AgentFrame) -> None:
    assert sent(AgentFrame(0, Durable(5, item))) == expected


def test_hello_tells_everything() -> None:
    hello = Hello("m", "i", "in", "out", 3, "1.0", (SESSION,), (("c1", InboxState.RECEIVED),), ("~/src",))

    message = sent(AgentFrame(0, hello)).hello

    assert (message.machine_id, message.instance_id, message.inbox_id, message.outbox_id) == ("m", "i", "in", "out")
    assert (message.last_link_epoch, message.agent_version) == (3, "1.0")
    assert [one.session_id for one in message.sessions] == ["s1"]
    assert list(message.start_folders) == ["~/src"]
    assert [(one.command_id, one.inbox_state) for one in message.unresolved] == [("c1", pb.INBOX_STATE_RECEIVED)]


def test_heartbeat_and_goodbye() -> None:
    heartbeat = sent(AgentFrame(1, Heartbeat(4, 2, 0.25))).heartbeat
    goodbye = sent(AgentFrame(1, Goodbye("stopping", will_return=True))).goodbye

    assert (heartbeat.nonce, heartbeat.inbox_depth, heartbeat.loop_lag.nanos) == (4, 2, 250_000_000)
    assert (goodbye.reason, goodbye.will_return) == ("stopping", True)
