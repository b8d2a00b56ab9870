"""ChatLink: what chat platforms' adapters call. Inbound messages in, the outbox out."""

import asyncio
from functools import partial

from agentlink.v1 import chat_link_pb2 as chat_pb

from router.api.convert.notifications import MAX_WORDS
from router.api.convert.submissions import inbound, seen_before, submit_response, text_response, voice_response
from router.api.convert.times import seconds
from router.api.deliver_stream import DeliverStream
from router.api.handlers import Call, Context
from router.api.people_calls import PeopleCalls, PeopleServices
from router.api.push_calls import PushCalls
from router.api.submit_stream import SubmitStream
from router.domain.credentials import Principal
from router.domain.embeddings import unit
from router.domain.errors import Reason, Refusal
from router.domain.identity import Caller
from router.domain.routing import Inbound
from router.services.chat.bindings import BoundChats
from router.services.chat.lifecycle import ChatLifecycle
from router.services.concerns import Concerns
from router.services.files import Files
from router.services.memory.embeddings import Embeddings
from router.services.outbox.delivery_receipts import DeliveryReceipts
from router.services.outbox.leases import Outbox
from router.services.permissions import Permissions
from router.services.refusals import Refusals
from router.services.wakeups import Wakeups, set_within
from router.store import idempotency
from router.store.database import Database, Transaction

MAX_LEASE, MAX_WAIT = 900.0, 30.0  # seconds, of a recording and of a call that waits for one
MAX_TRANSCRIPT = 16 * 1024  # characters


class ChatLinkServicer(PeopleCalls, PushCalls):
    """The service chat platforms' adapters call."""

    def __init__(
        self,
        database: Database,
        bound: BoundChats,
        outbox: Outbox,
        receipts: DeliveryReceipts,
        files: Files,
        services: PeopleServices,
        permissions: Permissions,
        concerns: Concerns,
        refusals: Refusals,
        embeddings: Embeddings,
    ) -> None:
        PeopleCalls.__init__(self, database, services, permissions, concerns, bound.inbound.now)
        PushCalls.__init__(self, database, services.subscriptions)
        self._persons = services.persons
        self._refusals, self._embeddings = refusals, embeddings
        self._inbound, self._bound = bound.inbound, bound
        self._voices = bound.inbound.voices
        self._arrivals = Wakeups()  # of recordings, by platform
        self._voices.arrived = self._arrivals.wake
        self._files = files
        self._outbox = outbox
        self._receipts, self._lifecycle = receipts, ChatLifecycle(receipts)

    async def Submit(self, request: chat_pb.SubmitRequest, call: Call) -> chat_pb.SubmitResponse:
        written = inbound(request)
        response = await self._database.write(lambda tx: self._submit(call.caller(), tx, written), urgent=True)
        return chat_pb.SubmitResponse.FromString(response)

    async def PutPart(self, request: chat_pb.PutSubmitPartRequest, call: Call) -> chat_pb.PutSubmitPartResponse:
        await self._files.put(call.principal.identity, request.file_id, request.number, request.data)
        return chat_pb.PutSubmitPartResponse()

    async def GetPart(self, request: chat_pb.GetPartRequest, _call: Call) -> chat_pb.GetPartResponse:
        if request.voice_id:
            data = await self._files.get_voice(request.voice_id, request.file_id, request.number)
        else:
            data = await self._files.get_out(request.notification_id, request.file_id, request.number)
        return chat_pb.GetPartResponse(data=data)

    async def TakeVoice(self, request: chat_pb.TakeVoiceRequest, _call: Call) -> chat_pb.TakeVoiceResponse:
        lease, wait = min(max(seconds(request.lease), 1.0), MAX_LEASE), min(seconds(request.wait), MAX_WAIT)
        until = asyncio.get_running_loop().time() + wait
        with self._arrivals.on(request.transport) as changed:
            while True:
                changed.clear()  # before the look: what comes meanwhile wakes again
                voice = await self._database.write(lambda tx: self._voices.take(tx, request.transport, lease))
                left = until - asyncio.get_running_loop().time()
                if voice is not None or left <= 0 or not await set_within(changed, left):
                    return voice_response(voice)

    async def PutTranscript(self, request: chat_pb.PutTranscriptRequest, _call: Call) -> chat_pb.PutTranscriptResponse:
        text, problem = request.text[:MAX_TRANSCRIPT], request.problem[:MAX_WORDS]
        await self._database.write(lambda tx: self._voices.heard(tx, request.voice_id, text, problem))
        return chat_pb.PutTranscriptResponse()

    async def TakeText(self, request: chat_pb.TakeTextRequest, _call: Call) -> chat_pb.TakeTextResponse:
        text = await self._embeddings.take(self._database, min(seconds(request.wait), MAX_WAIT))
        return text_response(text, self._embeddings.model)

    async def PutEmbedding(self, request: chat_pb.PutEmbeddingRequest, _call: Call) -> chat_pb.PutEmbeddingResponse:
        text_id, model, vector = request.text_id, request.model, unit(request.values)
        if not self._embeddings.answered(text_id, vector) and vector is not None:
            await self._database.write(lambda tx: self._embeddings.put(tx, text_id, model, vector))
        return chat_pb.PutEmbeddingResponse()

    async def ReportRefusal(self, request: chat_pb.ReportRefusalRequest, call: Call) -> chat_pb.ReportRefusalResponse:
        told = Refusal(Reason.UNAUTHENTICATED, "")
        self._refusals.note(told, call.caller(request.peer[:100]), request.door[:50])
        return chat_pb.ReportRefusalResponse()

    async def SubmitStream(self, principal: Principal, context: Context) -> None:
        who = Caller(principal.identity, context.peer())
        await SubmitStream(context, self._database, partial(self._submit, who)).run()

    async def Deliver(self, _principal: Principal, context: Context) -> None:
        await DeliverStream(context, self._database, self._outbox, self._receipts).run()

    def _submit(self, who: Caller, tx: Transaction, written: Inbound) -> bytes:
        """What became of it: a SubmitResponse, as it is kept for whoever hands the same in again."""
        written = self._persons.identified(tx, written)  # first: also what came before is not for who was put out
        tx.caller = Caller(who.identity, who.peer, written.actor)
        if (known := idempotency.answered(tx, written.update_key, None)) is not None:
            return seen_before(known)
        if written.change is not None:
            submitted = self._lifecycle.take(tx, written, written.change)
        elif written.space:
            submitted = self._bound.submit(tx, written, _became(tx, written.takes_back))
        else:
            submitted = self._inbound.submit(tx, written)
        response = submit_response(submitted).SerializeToString()
        idempotency.remember(tx, written.update_key, None, response, self._inbound.now())
        return response


def _became(tx: Transaction, update_key: str) -> str:
    """The command that a message became, by the answer to it; empty for none."""
    known = idempotency.answered(tx, update_key, None) if update_key else None
    return chat_pb.SubmitResponse.FromString(known).command_id if known is not None else ""
