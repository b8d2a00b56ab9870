"""Machines, and the keys of those who call."""

from agentlink.v1 import control_pb2
from agentlink.v1 import types_pb2 as pb

from router.api.convert.times import timestamp
from router.domain.credentials import ApiKey, Role
from router.domain.machine import Machine

ROLES = {role: control_pb2.Role.Value(f"ROLE_{role.name}") for role in Role}
ROLES_BY_NUMBER = {number: role for role, number in ROLES.items()}


def machine_message(m: Machine) -> pb.Machine:
    return pb.Machine(
        machine_id=m.machine_id, connected=m.connected, revoked=m.revoked, quarantined=m.quarantined,
        link_epoch=m.epoch, created_at=timestamp(m.created_at), last_seen_at=timestamp(m.last_seen_at),
        agent_version=m.agent_version, start_folders=m.start_folders, capabilities=m.capabilities or (),
    )  # fmt: skip


def api_key_message(key: ApiKey) -> control_pb2.ApiKey:
    """Without its secret, of which nothing but a hash is here."""
    return control_pb2.ApiKey(
        key_id=key.key_id, label=key.label, role=ROLES[key.role], created_at=timestamp(key.created_at),
        revoked=key.revoked,
    )  # fmt: skip
