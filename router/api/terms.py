"""What the router says of a link itself, as protobuf: its terms, and how far it has what came on it."""

from agentlink.v1 import agent_link_pb2 as link_pb

from router.api.times import duration, timestamp
from router.domain import frames

MAX_FRAME_BYTES = 1024 * 1024


def welcome(w: frames.Welcome) -> link_pb.Welcome:
    return link_pb.Welcome(
        link_epoch=w.link_epoch, router_id=w.router_id, router_time=timestamp(w.router_time),
        heartbeat_interval=duration(w.heartbeat_interval), heartbeat_timeout=duration(w.heartbeat_timeout),
        max_in_flight=w.max_in_flight, max_frame_bytes=MAX_FRAME_BYTES, upstream_acked_seq=w.upstream_acked,
        resend_floors=[link_pb.ResendFloor(session_id=s, sequence=n) for s, n in w.resend_floors],
        recalled=w.recalled, inbox_outdated=w.inbox_outdated, protocol=w.protocol, capabilities=w.capabilities,
    )  # fmt: skip


def ack(frame: frames.UpstreamAck) -> link_pb.UpstreamAck:
    refused = [
        link_pb.UpstreamRejection(upstream_seq=one.upstream_seq, reason=one.reason.value, detail=one.text)  # type: ignore[arg-type]
        for one in frame.rejected
    ]
    return link_pb.UpstreamAck(acked_seq=frame.acked, rejected=refused)
