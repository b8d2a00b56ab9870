"""Values and protobuf name the same things."""

import uuid
from enum import Enum

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as control_pb
from agentlink.v1 import types_pb2 as pb
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from router.api.convert import commands, frames
from router.api.convert.submissions import inbound
from router.domain.action import KEYS, KeyPress, Lane
from router.domain.command import MAX_LIVE_PER_MACHINE, CommandState
from router.domain.credentials import Role
from router.domain.errors import Reason, Refusal
from router.domain.frames import ReceiptOutcome, ResultOutcome, Unfit, Unknown, Upstream, Welcome
from router.domain.notification import Kind, NotificationState


@pytest.mark.parametrize(
    ("ours", "theirs", "prefix"),
    [
        (CommandState, pb.CommandState, "COMMAND_STATE_"),
        (NotificationState, pb.NotificationState, "NOTIFICATION_STATE_"),
        (Lane, pb.Lane, "LANE_"),
        (Role, control_pb.Role, "ROLE_"),
        (Kind, chat_pb.DeliveryKind, "DELIVERY_KIND_"),
        (ReceiptOutcome, link_pb.ReceiptOutcome, "RECEIPT_OUTCOME_"),
        (ResultOutcome, link_pb.ResultOutcome, "RESULT_OUTCOME_"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_an_enum_of_ours_is_one_of_the_protocol(ours: type[Enum], theirs: EnumTypeWrapper, prefix: str) -> None:
    spoken = {name.removeprefix(prefix) for name, number in theirs.items() if number}

    assert {member.name for member in ours} == spoken


@pytest.mark.parametrize("outcomes", [(ReceiptOutcome, link_pb.ReceiptOutcome), (ResultOutcome, link_pb.ResultOutcome)])
def test_outcomes_have_the_protocols_numbers(outcomes: tuple[type[Enum], EnumTypeWrapper]) -> None:
    ours, theirs = outcomes

    assert {member.value for member in ours} == {number for number in theirs.values() if number}


@pytest.mark.parametrize("name", sorted(KEYS))
def test_every_key_is_understood_in_any_case(name: str) -> None:
    assert commands.action(pb.Action(key=pb.KeyPress(name=name.upper()))) == KeyPress(name)


@pytest.mark.parametrize("message", [pb.Action(), pb.Action(key=pb.KeyPress(name="f13")), pb.Action(key=pb.KeyPress())])
def test_an_action_that_says_nothing_is_refused(message: pb.Action) -> None:
    with pytest.raises(Refusal):
        commands.action(message)


@pytest.mark.parametrize(
    "frame",
    [
        link_pb.AgentFrame(),
        link_pb.AgentFrame(receipt=link_pb.Receipt(items=[link_pb.ReceiptItem(command_id="c")])),
    ],
    ids=["empty", "receipt without outcome"],
)
def test_a_frame_that_says_nothing_is_bad(frame: link_pb.AgentFrame) -> None:
    with pytest.raises(ValueError, match=r"no outcome|empty"):
        frames.agent_frame(frame)


def newer(body: bytes) -> link_pb.AgentFrame:
    """A frame of a kind to come: field 31."""
    return link_pb.AgentFrame.FromString(b"\xfa\x01" + bytes([len(body)]) + body)


def test_a_kind_to_come_is_durable_where_it_begins_with_a_number() -> None:
    durable = frames.agent_frame(newer(link_pb.Notify(upstream_seq=7, text="x").SerializeToString()))
    word = frames.agent_frame(newer(link_pb.Goodbye(reason="x").SerializeToString()))
    noise = frames.agent_frame(newer(b"\x0f"))

    assert isinstance(durable, Upstream)
    [unfit] = durable.items
    assert isinstance(unfit, Unfit)
    assert (unfit.upstream_seq, unfit.reason) == (7, Reason.UNSUPPORTED)
    assert "field 31" in unfit.text
    assert [type(word), type(noise)] == [Unknown, Unknown]


@pytest.mark.parametrize(
    "request_", [{"update_key": ""}, {"update_key": "x" * 201}, {"update_key": "k", "chat": pb.ChatRef(transport="t")}]
)
def test_a_message_needs_a_key_and_a_chat(request_: dict[str, object]) -> None:
    whole = {"chat": pb.ChatRef(transport="t", chat_id="1")} | request_

    with pytest.raises(Refusal):
        inbound(chat_pb.SubmitRequest(**whole))  # type: ignore[arg-type]


def test_a_button_is_told_from_no_button() -> None:
    chat = pb.ChatRef(transport="t", chat_id="1")
    pressed = chat_pb.SubmitRequest(update_key="k", chat=chat, button=chat_pb.ButtonPress(data=""))
    written = chat_pb.SubmitRequest(update_key="k", chat=chat, text="hello")

    assert inbound(pressed).button == ""
    assert inbound(written).button is None


def test_a_welcome_that_recalls_all_that_a_machine_may_hold_fits_into_a_frame() -> None:
    recalled = tuple(str(uuid.uuid4()) for _ in range(MAX_LIVE_PER_MACHINE))
    floors = tuple((f"session_{uuid.uuid4()}", 2**32) for _ in range(1000))

    frame = frames.router_frame(Welcome(1, "router", 0.0, 20.0, 60.0, 32, 0, floors, recalled), 1)

    assert list(frame.welcome.recalled) == list(recalled)
    assert frame.ByteSize() < frames.MAX_FRAME_BYTES
