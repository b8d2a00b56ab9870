"""What a scripted router says of browsers that take pushes."""

import grpc
from agentlink.v1 import chat_link_pb2 as pb
from agentlink.v1 import chat_link_pb2_grpc

from tests.fakes.push_browser import Browser

PUSH_KEY = bytes(31) + b"\x07"


class Subscriptions(chat_link_pb2_grpc.ChatLinkServicer):
    """`subscribed` are its browsers, by chat; `over` those whose time is over."""

    def __init__(self) -> None:
        self.subscribed: dict[str, Browser] = {}
        self.over: set[str] = set()
        self.looks: list[tuple[str, str]] = []
        self.read: dict[str, str] = {}  # by session, how far

    def GetPushKey(self, _request: pb.GetPushKeyRequest, _context: object) -> pb.GetPushKeyResponse:
        return pb.GetPushKeyResponse(private_key=PUSH_KEY)

    def GetSubscription(
        self, request: pb.GetSubscriptionRequest, context: grpc.ServicerContext
    ) -> pb.GetSubscriptionResponse:
        if (browser := self.subscribed.get(request.chat_id)) is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "This browser takes no pushes any more.")
        return pb.GetSubscriptionResponse(
            endpoint=browser.endpoint, p256dh=browser.p256dh, auth=browser.auth, origin="https://pm.example.net",
            is_open=request.chat_id not in self.over,
        )  # fmt: skip

    def Subscribe(self, request: pb.SubscribeRequest, _context: object) -> pb.SubscribeResponse:
        self.subscribed["subscribed"] = browser = Browser(request.endpoint, auth=request.auth)
        browser.p256dh = request.p256dh
        return pb.SubscribeResponse(chat_id="subscribed")

    def Unsubscribe(self, _request: pb.UnsubscribeRequest, _context: object) -> pb.UnsubscribeResponse:
        self.subscribed.pop("subscribed", None)
        return pb.UnsubscribeResponse()

    def Look(self, request: pb.LookRequest, _context: object) -> pb.LookResponse:
        self.looks.append((request.login_id, request.session_id))
        return pb.LookResponse()

    def MarkRead(self, request: pb.MarkReadRequest, _context: object) -> pb.MarkReadResponse:
        self.read[request.mark.session_id] = request.mark.notification_id
        return pb.MarkReadResponse()

    def ListRead(self, _request: pb.ListReadRequest, _context: object) -> pb.ListReadResponse:
        return pb.ListReadResponse(
            marks=[pb.ReadMark(session_id=one, notification_id=at) for one, at in self.read.items()]
        )
