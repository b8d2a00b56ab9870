"""Machines, and the keys of those who call."""

from collections.abc import Sequence

from agentlink.v1 import control_pb2
from agentlink.v1 import types_pb2 as pb

from router.api.convert.times import timestamp
from router.domain.credentials import ApiKey, Role
from router.domain.gates import Closed, Way
from router.domain.machine import Machine, MachinePolicy, ProgramTold
from router.store.join_tokens import JoinToken

ROLES = {role: control_pb2.Role.Value(f"ROLE_{role.name}") for role in Role}
HAS_LOGIN = {pb.LOGIN_FOUND_YES: True, pb.LOGIN_FOUND_NO: False}
_LOGINS = {known: number for number, known in HAS_LOGIN.items()} | {None: pb.LOGIN_FOUND_UNSPECIFIED}
ROLES_BY_NUMBER = {number: role for role, number in ROLES.items()}


def machine_message(m: Machine, closed: Sequence[Closed], *, key_wanted: bool) -> pb.Machine:
    return pb.Machine(
        machine_id=m.machine_id, connected=m.connected, revoked=m.revoked, quarantined=m.quarantined,
        link_epoch=m.epoch, created_at=timestamp(m.created_at), last_seen_at=timestamp(m.last_seen_at),
        key_made_at=timestamp(m.key_made_at), key_wanted=key_wanted,
        agent_version=m.agent_version, start_folders=m.start_folders, capabilities=m.capabilities or (),
        policy=pb.MachinePolicy(
            no_starts=not m.policy.starts, folders=m.policy.folders, programs=m.policy.programs, hours=m.policy.hours
        ),
        programs=map(_program_message, m.told or _by_version(m.programs)),
        closed_gates=map(_gate_message, closed),
    )  # fmt: skip


def policy(message: pb.MachinePolicy) -> MachinePolicy:
    return MachinePolicy(not message.no_starts, tuple(message.folders), tuple(message.programs), message.hours)


def _gate_message(closed: Closed) -> pb.ClosedGate:
    reason = pb.Reason.Value(f"REASON_{closed.gate.reason.name}")
    return pb.ClosedGate(reason=reason, text=closed.text, stops_link=closed.gate.way is Way.LINK)


def _by_version(programs: Sequence[str]) -> list[ProgramTold]:
    """Of a machine whose last hello came before more was kept."""
    return [ProgramTold(name, number) for name, _, number in (each.partition("=") for each in programs)]


def _program_message(told: ProgramTold) -> pb.ProgramVersion:
    login = _LOGINS[told.has_login]
    return pb.ProgramVersion(name=told.name, version=told.version, mode=told.mode, lacks=told.lacks, login=login)


def api_key_message(key: ApiKey, now: float) -> control_pb2.ApiKey:
    """Without its secret, of which nothing but a hash is here."""
    has_former = key.has_former(now)
    return control_pb2.ApiKey(
        key_id=key.key_id, label=key.label, role=ROLES[key.role], created_at=timestamp(key.created_at),
        revoked=key.revoked, expires_at=timestamp(key.expires_at), last_used_at=timestamp(key.used_at),
        machines=key.machines, sessions=key.sessions, old_secret_good=has_former,
        old_secret_until=timestamp(key.former_until) if has_former else None,
    )  # fmt: skip


def join_token_message(token: JoinToken) -> control_pb2.JoinToken:
    """Without its secret, of which nothing but a hash is here."""
    return control_pb2.JoinToken(
        token_id=token.token_id, machine_id=token.machine_id, created_by=token.created_by,
        created_at=timestamp(token.created_at), expires_at=timestamp(token.expires_at), used_by=token.used_as,
        used_at=timestamp(token.used_at), revoked=token.revoked,
    )  # fmt: skip
