"""A machine with an agent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """What the router keeps of a machine.

    `upstream_acked` is the last durable frame of its outbox on our disk; `heard_epoch` the newest epoch under which one
    came; `barred` the agent processes that were held off for using its identity at the same time.
    """

    machine_id: str
    public_key: bytes
    created_at: float
    epoch: int = 0
    instance_id: str = ""
    inbox_id: str = ""
    outbox_id: str = ""
    upstream_acked: int = 0
    agent_version: str = ""
    last_seen_at: float | None = None
    revoked: bool = False
    quarantined: bool = False
    heard_epoch: int = 0
    barred: tuple[str, ...] = ()
    start_folders: tuple[str, ...] = ()  # in and below which its agent starts sessions
    connected: bool = False
