"""AgentLink: what machines call."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from agentlink.v1 import agent_link_pb2 as link_pb
from msgspec.structs import replace

from router.api.body_limits import address
from router.api.convert.files import notification_files
from router.api.convert.notifications import notify
from router.api.handlers import Call, Context
from router.api.link_stream import LinkServices, LinkStream
from router.domain.credentials import Principal
from router.domain.errors import Reason, Refusal
from router.domain.machine_key import Replacement
from router.services.files import Files
from router.services.links.enrolment import Enrolment
from router.services.links.machine_keys import MachineKeys
from router.store.database import Transaction

ENROL_PAUSE = 1.0  # seconds a peer waits after a wrong join token


class AgentLinkServicer:
    """The service machines call."""

    def __init__(self, services: LinkServices, enrolment: Enrolment, keys: MachineKeys, files: Files) -> None:
        self._services = services
        self._keys = keys
        self._files = files
        self._enrolment = enrolment
        self._streams: set[LinkStream] = set()
        self._tried: dict[str, float] = {}  # peers that may have guessed, when (monotonic)

    async def Connect(self, principal: Principal, context: Context) -> None:
        stream = LinkStream(principal, context, self._services)
        self._streams.add(stream)
        try:
            await stream.run()
        finally:
            self._streams.discard(stream)

    async def GetPart(self, request: link_pb.GetCommandPartRequest, call: Call) -> link_pb.GetCommandPartResponse:
        data = await self._files.get(call.principal.machine_id, request.command_id, request.number)
        return link_pb.GetCommandPartResponse(data=data)

    async def RotateKey(self, request: link_pb.RotateKeyRequest, call: Call) -> link_pb.RotateKeyResponse:
        offered = Replacement(request.public_key, request.new_signature, request.old_signature)

        def operation(tx: Transaction) -> None:
            tx.caller = call.caller()
            self._keys.replace(tx, call.principal.machine_id, offered)

        await self._services.database.write(operation)
        return link_pb.RotateKeyResponse()

    async def PutPart(self, request: link_pb.PutPartRequest, call: Call) -> link_pb.PutPartResponse:
        machine_id = call.principal.machine_id
        number = await self._files.put_out(machine_id, request.file_id, request.number, request.data)
        return link_pb.PutPartResponse(next_number=number)

    async def NotifyWithFiles(
        self, request: link_pb.NotifyWithFilesRequest, call: Call
    ) -> link_pb.NotifyWithFilesResponse:
        told = replace(notify(request.notify), files=notification_files(request))
        await self._files.notify(call.principal.machine_id, told)
        return link_pb.NotifyWithFilesResponse()

    async def drain_all(self, patience: float, reconnect_within: float) -> None:
        """Ask every agent to leave, and to come back spread over some seconds; wait for them, but not for ever."""
        for stream in list(self._streams):
            stream.drain(patience, self._services.jitter() * reconnect_within)
        if left := [stream.ended for stream in self._streams]:
            await asyncio.wait(left, timeout=patience)

    def end_all(self, reason: Reason, text: str) -> None:
        """End every stream."""
        for stream in list(self._streams):
            stream.end(reason, text)

    async def Enroll(self, request: link_pb.EnrollRequest, call: Call) -> link_pb.EnrollResponse:
        token, wanted, key = request.join_token, request.machine_id, request.public_key

        def operation(tx: Transaction) -> str:
            tx.caller = call.caller()
            return self._enrolment.enrol(tx, token, wanted, key)

        with self._one_guess(address(call.context.peer())):
            machine_id = await self._services.database.write(operation)
        return link_pb.EnrollResponse(machine_id=machine_id, router_id=self._services.upstream.router_id)

    @contextmanager
    def _one_guess(self, peer: str) -> Iterator[None]:
        """Raises Refusal(BUSY) for a peer that had a token wrong a moment ago."""
        now = self._services.clock.monotonic()
        self._tried = {who: at for who, at in self._tried.items() if at > now - ENROL_PAUSE}
        if peer in self._tried:
            raise Refusal(Reason.BUSY, "One try a second. Wait and try again.", retry_after=ENROL_PAUSE)
        self._tried[peer] = now  # before the answer, so that guesses cannot be made side by side
        try:
            yield
        except Refusal as refusal:
            if refusal.reason is Reason.MACHINE_REVOKED:
                self._tried.pop(peer, None)  # the token was right, and comes again at once with another key
            raise
        self._tried.pop(peer, None)  # it was no guess
