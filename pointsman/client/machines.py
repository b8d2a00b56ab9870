"""Who may connect: machines, API keys, strangers."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2

from pointsman.client import convert
from pointsman.client.calls import Calls
from pointsman.client.gates import MachinePolicy
from pointsman.client.join_tokens import JoinToken, NewJoinToken
from pointsman.client.records import ApiKey, Machine, NewApiKey, Role, Stranger


class Machines(Calls):
    """Every method raises RouterError."""

    def machines(self, patience: float | None = None) -> list[Machine]:
        """All that ever enrolled, by name."""
        found = self._call(self._stub.ListMachines, pb.ListMachinesRequest(), patience).machines
        return convert.read_all(Machine, found)

    def create_join_token(self, machine_id: str = "", ttl: timedelta | None = None) -> NewJoinToken:
        """Lets one machine enrol, once, under that name or, without one, its own; good for `ttl` (1 h)."""
        asked = pb.CreateJoinTokenRequest(machine_id=machine_id, ttl=convert.duration(ttl))
        return convert.read(NewJoinToken, self._call(self._stub.CreateJoinToken, asked))

    def join_tokens(self, *, include_over: bool = False) -> list[JoinToken]:
        """Those that would let a machine in, or all; newest first."""
        asked = pb.ListJoinTokensRequest(include_over=include_over)
        return convert.read_all(JoinToken, self._call(self._stub.ListJoinTokens, asked).join_tokens)

    def revoke_join_token(self, token_id: str) -> None:
        """End a join token that nobody has used, at once."""
        self._call(self._stub.RevokeJoinToken, pb.RevokeJoinTokenRequest(token_id=token_id))

    def revoke_machine(self, machine_id: str) -> int:
        """End a machine's right to connect, at once; how many commands became dead letters by it."""
        return self._call(self._stub.RevokeMachine, pb.RevokeMachineRequest(machine_id=machine_id)).dead_commands

    def rotate_machine_key(self, machine_id: str) -> Machine:
        """Ask a machine for another key: at once, or when it next connects."""
        asked = pb.RotateMachineKeyRequest(machine_id=machine_id)
        return convert.read(Machine, self._call(self._stub.RotateMachineKey, asked).machine)

    def set_machine_policy(self, machine_id: str, policy: MachinePolicy) -> Machine:
        """Say what may be started on a machine, in place of what was said before."""
        told = types_pb2.MachinePolicy(**asdict(policy))
        asked = pb.SetMachinePolicyRequest(machine_id=machine_id, policy=told)
        return convert.read(Machine, self._call(self._stub.SetMachinePolicy, asked).machine)

    def create_api_key(
        self,
        label: str,
        role: Role,
        ttl: timedelta | None = None,
        machines: Iterable[str] = (),
        sessions: Iterable[str] = (),
    ) -> NewApiKey:
        """Make a key; without a `ttl` it is good until it is revoked, without patterns it reaches everything."""
        number = pb.Role.Value(f"ROLE_{role.name}")
        asked = pb.CreateApiKeyRequest(
            label=label, role=number, ttl=convert.duration(ttl), machines=machines, sessions=sessions
        )
        answer = self._call(self._stub.CreateApiKey, asked)
        return convert.read(NewApiKey, answer.key, secret=answer.secret)

    def api_keys(self, patience: float | None = None) -> list[ApiKey]:
        """All keys, ended ones too."""
        return convert.read_all(ApiKey, self._call(self._stub.ListApiKeys, pb.ListApiKeysRequest(), patience).keys)

    def rotate_api_key(self, key_id: str, overlap: timedelta | None = None, secret_digest: bytes = b"") -> NewApiKey:
        """Give a key another secret; `secret_digest`, SHA-256 of the one that it has, stands in for its id.

        The one before stays good until `overlap` (24 h) after the new one was first used; for none it ends at once.
        """
        asked = pb.RotateApiKeyRequest(key_id=key_id, secret_digest=secret_digest)
        if overlap is not None:
            asked.overlap.FromTimedelta(overlap)
        answer = self._call(self._stub.RotateApiKey, asked)
        return convert.read(NewApiKey, answer.key, secret=answer.secret)

    def revoke_api_key(self, key_id: str) -> None:
        """End a key, at once."""
        self._call(self._stub.RevokeApiKey, pb.RevokeApiKeyRequest(key_id=key_id))

    def strangers(self) -> list[Stranger]:
        """Who wrote to a chat platform's adapter of late and is not allowed, newest first."""
        return convert.read_all(
            Stranger, self._call(self._stub.ListStrangers, pb.ListStrangersRequest(), 5.0).strangers
        )
