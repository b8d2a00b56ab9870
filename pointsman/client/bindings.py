"""Which machines work for what holds chats of a platform, as a repository holds its issues."""

from dataclasses import dataclass
from datetime import datetime

from agentlink.v1 import control_pb2 as pb

from pointsman.client import convert
from pointsman.client.calls import Calls


@dataclass(frozen=True, slots=True)
class Binding:
    """One of them. `space` is the platform's own id; `allowed` may ask, and with `writers` whoever may write there."""

    transport: str
    space: str
    name: str
    machine_id: str
    folder: str = ""
    agent: str = ""
    allowed: tuple[str, ...] = ()
    writers: bool = False
    autostart: bool = True
    created_at: datetime | None = None
    created_by: str = ""


class Bindings(Calls):
    """Every method raises RouterError."""

    def bind(self, wanted: Binding) -> Binding:
        """Let a machine work for it, in place of what was bound before."""
        asked = pb.Binding(
            transport=wanted.transport, space=wanted.space, name=wanted.name, machine_id=wanted.machine_id,
            folder=wanted.folder, agent=wanted.agent, allowed=wanted.allowed, writers=wanted.writers,
            autostart=wanted.autostart,
        )  # fmt: skip
        return _binding(self._call(self._stub.Bind, pb.BindRequest(binding=asked)).binding)

    def unbind(self, transport: str, space: str) -> None:
        """Let none work for it any more."""
        self._call(self._stub.Unbind, pb.UnbindRequest(transport=transport, space=space))

    def bindings(self, transport: str = "") -> list[Binding]:
        """What is bound, by platform and name."""
        asked = pb.ListBindingsRequest(transport=transport)
        return [_binding(each) for each in self._call(self._stub.ListBindings, asked).bindings]


def _binding(m: pb.Binding) -> Binding:
    return convert.read(Binding, m, allowed=tuple(m.allowed))
