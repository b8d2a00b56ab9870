"""Control: machines, API keys, and strangers: who may come, and who wanted to."""

from functools import partial
from math import ceil

from agentlink.v1 import control_pb2 as pb
from agentlink.v1.types_pb2 import Machine as Message

from router.api.control.part import Part
from router.api.convert.chats import stranger_message
from router.api.convert.machines import ROLES_BY_NUMBER, api_key_message, join_token_message, machine_message, policy
from router.api.convert.times import seconds, timestamp
from router.api.handlers import Call
from router.domain.credentials import ApiKey
from router.domain.errors import Reason, Refusal
from router.domain.machine import Machine
from router.domain.scope import Scope
from router.services import scopes
from router.services.people.api_keys import OVERLAP
from router.services.wakeups import EXPIRY
from router.store import api_keys, machines, strangers


class AccessPart(Part):
    """What may be asked of machines, keys and strangers."""

    async def ListMachines(self, _request: pb.ListMachinesRequest, call: Call) -> pb.ListMachinesResponse:
        scope = call.principal.scope
        found = await self._s.database.read(lambda c: scopes.machines_in(c, scope, machines.page(c)))
        return pb.ListMachinesResponse(machines=map(self._machine, found))

    async def SetMachinePolicy(self, request: pb.SetMachinePolicyRequest, call: Call) -> pb.SetMachinePolicyResponse:
        wanted = policy(request.policy)
        changed = await self._write(call, lambda tx: self._s.starts.set_policy(tx, request.machine_id, wanted))
        return pb.SetMachinePolicyResponse(machine=self._machine(changed))

    async def CreateJoinToken(self, request: pb.CreateJoinTokenRequest, call: Call) -> pb.CreateJoinTokenResponse:
        ttl = seconds(request.ttl) if request.HasField("ttl") else None
        create = self._s.enrolment.join_tokens.create
        made, shown = await self._write(call, lambda tx: create(tx, request.machine_id, ttl, call.principal))
        expires_at = timestamp(made.expires_at)
        return pb.CreateJoinTokenResponse(join_token=shown, expires_at=expires_at, token_id=made.token_id)

    async def ListJoinTokens(self, request: pb.ListJoinTokensRequest, _call: Call) -> pb.ListJoinTokensResponse:
        listed = partial(self._s.enrolment.join_tokens.listed, include_over=request.include_over)
        return pb.ListJoinTokensResponse(join_tokens=map(join_token_message, await self._s.database.read(listed)))

    async def RevokeJoinToken(self, request: pb.RevokeJoinTokenRequest, call: Call) -> pb.RevokeJoinTokenResponse:
        await self._write(call, lambda tx: self._s.enrolment.join_tokens.revoke(tx, request.token_id))
        return pb.RevokeJoinTokenResponse()

    async def RevokeMachine(self, request: pb.RevokeMachineRequest, call: Call) -> pb.RevokeMachineResponse:
        who = call.principal.name
        dead = await self._write(call, lambda tx: self._s.enrolment.revoke_machine(tx, request.machine_id, who))
        return pb.RevokeMachineResponse(dead_commands=dead)

    async def RotateMachineKey(self, request: pb.RotateMachineKeyRequest, call: Call) -> pb.RotateMachineKeyResponse:
        asked = await self._write(call, lambda tx: self._s.machine_keys.want(tx, request.machine_id))
        return pb.RotateMachineKeyResponse(machine=self._machine(asked))

    async def CreateApiKey(self, request: pb.CreateApiKeyRequest, call: Call) -> pb.CreateApiKeyResponse:
        if (role := ROLES_BY_NUMBER.get(request.role)) is None:
            raise Refusal(Reason.INVALID_ARGUMENT, "role must be ADMIN, OPERATOR, APPROVER, VIEWER, CHAT or ADAPTER")
        scope = Scope(tuple(request.machines), tuple(request.sessions))
        label, ttl = request.label, seconds(request.ttl) if request.HasField("ttl") else None
        key, secret = await self._write(call, lambda tx: self._s.keys.create(tx, label, role, ttl, scope))
        self._s.wakeups.wake(EXPIRY)
        return pb.CreateApiKeyResponse(key=self._key(key), secret=secret)

    async def ListApiKeys(self, _request: pb.ListApiKeysRequest, _call: Call) -> pb.ListApiKeysResponse:
        found = await self._s.database.read(api_keys.page)
        return pb.ListApiKeysResponse(keys=map(self._key, map(self._s.keys.live, found)))

    async def RotateApiKey(self, request: pb.RotateApiKeyRequest, call: Call) -> pb.RotateApiKeyResponse:
        r, overlap = request, ceil(seconds(request.overlap)) if request.HasField("overlap") else OVERLAP
        digest = r.secret_digest.hex()
        key, secret = await self._write(call, lambda tx: self._s.keys.rotate(tx, r.key_id, digest, overlap))
        return pb.RotateApiKeyResponse(key=self._key(key), secret=secret)

    async def RevokeApiKey(self, request: pb.RevokeApiKeyRequest, call: Call) -> pb.RevokeApiKeyResponse:
        await self._write(call, lambda tx: self._s.keys.revoke(tx, request.key_id))
        return pb.RevokeApiKeyResponse()

    async def ListStrangers(self, _request: pb.ListStrangersRequest, _call: Call) -> pb.ListStrangersResponse:
        return pb.ListStrangersResponse(strangers=map(stranger_message, await self._s.database.read(strangers.page)))

    def _key(self, key: ApiKey) -> pb.ApiKey:
        return api_key_message(key, self._s.clock.now())

    def _machine(self, machine: Machine) -> Message:
        live, key_due = self._s.presence.live(machine), self._s.gates.key_due(machine)
        return machine_message(live, self._s.gates.all(machine), key_wanted=key_due)
