"""Values and protobuf name the same things."""

from enum import Enum

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as control_pb
from agentlink.v1 import types_pb2 as pb
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from router.domain.action import Lane
from router.domain.command import CommandState
from router.domain.credentials import Role
from router.domain.frames import ReceiptOutcome, ResultOutcome
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
