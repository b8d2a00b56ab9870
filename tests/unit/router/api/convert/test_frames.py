"""Frames of a link, both ways."""

import uuid

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb

from router.api.convert import frames
from router.domain.command import MAX_LIVE_PER_MACHINE
from router.domain.errors import Reason
from router.domain.frames import Unfit, Unknown, Upstream, Welcome


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


def test_a_welcome_that_recalls_all_that_a_machine_may_hold_fits_into_a_frame() -> None:
    recalled = tuple(str(uuid.uuid4()) for _ in range(MAX_LIVE_PER_MACHINE))
    floors = tuple((f"session_{uuid.uuid4()}", 2**32) for _ in range(1000))

    frame = frames.router_frame(Welcome(1, "router", 0.0, 20.0, 60.0, 32, 0, floors, recalled), 1)

    assert list(frame.welcome.recalled) == list(recalled)
    assert frame.ByteSize() < frames.MAX_FRAME_BYTES
