"""Which machines work for what."""

from agentlink.v1 import control_pb2 as pb

from router.api.convert.times import timestamp
from router.domain.binding import Binding


def binding(message: pb.Binding) -> Binding:
    """As it is to be; when and by whom is not the caller's to say."""
    m = message
    return Binding(
        m.transport, m.space, m.name, m.machine_id, m.folder, m.agent, tuple(dict.fromkeys(m.allowed)), m.writers,
        m.autostart, 0.0, "",
    )  # fmt: skip


def binding_message(known: Binding) -> pb.Binding:
    return pb.Binding(
        transport=known.transport, space=known.space, name=known.name, machine_id=known.machine_id,
        folder=known.folder, agent=known.agent, allowed=known.allowed, writers=known.writers,
        autostart=known.autostart, created_at=timestamp(known.created_at), created_by=known.created_by,
    )  # fmt: skip
