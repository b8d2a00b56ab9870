"""Sessions with a model that would hand work over, as an agent tells of them."""

from typing import Any

from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from agentlink.v1.control_pb2_grpc import ControlStub

from tests.rigs.thin_agent import ThinLink
from tests.rigs.thin_agent import session as update
from tests.rigs.thin_courier import ThinCourier

HAS_MODEL: dict[str, Any] = {
    "capabilities": ["text", "quick", "start"],
    "programs": [types.ProgramVersion(name="model", version="")],
}
STARTS: dict[str, Any] = {"capabilities": ["text", "start"], "start_folders": ["~/src"]}
PROMPT = "Fix the failing test.\nThen say what it was."
IDENTITY = "00000000-0000-4000-8000-{:012d}"


def begun(model: ThinLink) -> str:
    """The session that a first question begins."""
    [frame] = model.commands(1)
    model.receipt(frame.command_id)
    model.frame(session_update=update(frame.session_id, upstream_seq=1, label="quick", backend="model"))
    model.result(2, frame.command_id)
    model.acked(2)
    return str(frame.session_id)


def tells(link: ThinLink, session_id: str, seq: int = 3, number: int = 1, **proposal: str) -> None:
    told = link_pb.Notify(
        upstream_seq=seq, notification_id=IDENTITY.format(number), session_id=session_id, text="I cannot do that.",
        ends_turn=True, proposal=link_pb.Proposal(**proposal),
    )  # fmt: skip
    link.frame(notify=told)
    link.acked(seq)


def offered(courier: ThinCourier, message_id: str = "600") -> chat_pb.Delivery:
    """The message with the button, behind the model's own words."""
    while not (delivery := courier.take()).notification.text.startswith("💡"):
        courier.delivered(delivery, "1")
    courier.delivered(delivery, message_id)
    return delivery


def pressed(delivery: chat_pb.Delivery) -> chat_pb.ButtonPress:
    """What a press of its one button says."""
    shown = delivery.notification
    return chat_pb.ButtonPress(data=f"cmd:{shown.token}:{shown.buttons[0].action}")


def starts(control: ControlStub) -> list[types.Command]:
    """Of coding agents, that were accepted."""
    there = control.ListCommands(pb.ListCommandsRequest()).commands
    wanted = [each for each in there if each.action.WhichOneof("kind") == "start_session"]
    return [each for each in wanted if each.action.start_session.agent != "model"]
