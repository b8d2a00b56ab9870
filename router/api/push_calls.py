"""ChatLink: browsers that take pushes."""

from agentlink.v1 import chat_link_pb2 as chat_pb

from router.api.handlers import Call
from router.domain.subscription import Address, Subscription
from router.services.people.subscriptions import Subscriptions
from router.store.database import Database, Transaction


class PushCalls:
    """What adapters ask about pushes."""

    def __init__(self, database: Database, subscriptions: Subscriptions) -> None:
        self._database = database
        self._subscriptions = subscriptions

    async def GetPushKey(self, _request: chat_pb.GetPushKeyRequest, _call: Call) -> chat_pb.GetPushKeyResponse:
        return chat_pb.GetPushKeyResponse(private_key=await self._database.write(self._subscriptions.key))

    async def Subscribe(self, request: chat_pb.SubscribeRequest, call: Call) -> chat_pb.SubscribeResponse:
        r, caller = request, call.caller()
        address = Address(r.endpoint, r.p256dh, r.auth, r.origin)

        def subscribe(tx: Transaction) -> Subscription:
            tx.caller = caller
            return self._subscriptions.subscribe(tx, r.login_id, address, r.quiet_hours)

        return chat_pb.SubscribeResponse(chat_id=(await self._database.write(subscribe)).chat_id)

    async def Unsubscribe(self, request: chat_pb.UnsubscribeRequest, call: Call) -> chat_pb.UnsubscribeResponse:
        caller = call.caller()

        def unsubscribe(tx: Transaction) -> None:
            tx.caller = caller
            self._subscriptions.unsubscribe(tx, request.login_id)

        await self._database.write(unsubscribe)
        return chat_pb.UnsubscribeResponse()

    async def GetSubscription(
        self, request: chat_pb.GetSubscriptionRequest, _call: Call
    ) -> chat_pb.GetSubscriptionResponse:
        found, is_open = await self._database.read(lambda c: self._subscriptions.address(c, request.chat_id))
        return chat_pb.GetSubscriptionResponse(
            endpoint=found.endpoint, p256dh=found.p256dh, auth=found.auth, origin=found.origin, is_open=is_open
        )

    async def Look(self, request: chat_pb.LookRequest, _call: Call) -> chat_pb.LookResponse:
        await self._database.write(lambda tx: self._subscriptions.look(tx, request.login_id, request.session_id))
        return chat_pb.LookResponse()
