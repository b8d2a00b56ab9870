"""Not the real router, which makes few shapes of delivery by itself: a ChatLink with a test's own outbox."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeVar

import grpc
from agentlink.v1 import chat_link_pb2 as pb
from agentlink.v1 import chat_link_pb2_grpc, control_pb2, control_pb2_grpc, types_pb2
from google.rpc import status_pb2

from tests.ports import free_port
from tests.rigs.outbox_control import OutboxControl
from tests.rigs.scripted_subscriptions import Subscriptions
from tests.waiting import PATIENCE

T = TypeVar("T")
RETRY_S = 0.1  # what the stand-in chooses where a courier names no time


@dataclass(slots=True)
class Parcel:
    """A message in the outbox and everything that happened to it."""

    delivery: pb.Delivery
    attempts: int = 0
    leased: bool = False
    not_before: float = 0.0
    receipts: list[pb.DeliveryReceipt] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.delivery.notification.notification_id

    @property
    def transport(self) -> str:
        return self.delivery.notification.chat.transport

    @property
    def chat_id(self) -> str:
        return self.delivery.notification.chat.chat_id

    @property
    def message_ids(self) -> list[str]:
        """The platform's ids once it was delivered; empty before."""
        last = self.receipts[-1] if self.receipts else pb.DeliveryReceipt()
        return list(last.delivered.message_ids)

    @property
    def ended(self) -> str:
        """ "delivered", "refused", or empty while it is on its way."""
        last = self.receipts[-1].WhichOneof("outcome") if self.receipts else None
        return str(last) if last in ("delivered", "refused") else ""


class _Link:
    """One open Deliver stream."""

    def __init__(self, opening: pb.DeliverOpen) -> None:
        self.opening = opening
        self.over = False
        self.parcels: list[Parcel] = []


class ChatLinkStandIn(Subscriptions):
    """`answer` makes the response to a submitted item; scripted refusals come first."""

    def __init__(self, port: int = 0, api_key: str = "") -> None:
        super().__init__()
        self.changed = threading.Condition(threading.RLock())
        self.submitted: list[pb.SubmitRequest] = []  # what was stored, in order, once per update key
        self.repeated: list[pb.SubmitRequest] = []
        self.opens: list[pb.DeliverOpen] = []
        self.parcels: list[Parcel] = []
        self.answer = ""
        self.files: dict[str, list[bytes]] = {}  # parts by file id
        self.lost_files: set[str] = set()  # of these there are no parts any more
        self.parts_out = threading.Event()  # cleared: who asks for a part waits
        self.parts_out.set()
        self.asked: list[int] = []  # numbers of the parts that were asked for
        self.strangers: list[types_pb2.Stranger] = []
        self.brought: dict[str, list[bytes]] = {}  # parts of people's files by their ids
        self.paired: list[pb.PairRequest] = []
        self.acquainted: set[str] = set()  # users whom a code let in
        self.permissions: list[types_pb2.Permission] = []
        self.bindings: list[control_pb2.Binding] = []
        self._browsers: set[str] = set()
        self._api_key = api_key
        self._refusals: list[grpc.StatusCode] = []
        self._links: list[_Link] = []
        self._numbers = itertools.count(1)
        self._port = port or free_port()  # nobody has it while this is away
        self._free_at: dict[str, float] = {}  # chats that rest
        self._all_free_at = 0.0
        self.start()

    # --- life ---

    def start(self) -> None:
        """Listen; after `stop` on the same port again."""
        options = [("grpc.so_reuseport", 0)]
        self._server = grpc.server(ThreadPoolExecutor(20), options=options)
        chat_link_pb2_grpc.add_ChatLinkServicer_to_server(self, self._server)
        control_pb2_grpc.add_ControlServicer_to_server(OutboxControl(self), self._server)
        self._port = self._server.add_insecure_port(f"127.0.0.1:{self._port}")
        self._server.start()

    def stop(self) -> None:
        """End all streams and stop listening."""
        self.break_links()
        self._server.stop(grace=0.2).wait()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def __enter__(self) -> "ChatLinkStandIn":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.stop()

    # --- what tests do ---

    def deliver(
        self,
        text: str,
        chat_id: str = "4711",
        *,
        transport: str = "telegram",
        token: str = "tok16characters_",
        **fields: Any,
    ) -> Parcel:
        """Put a message into the outbox; `fields` are those of Delivery, `session_id`, `thread_id` and `buttons`."""
        chat = types_pb2.ChatRef(transport=transport, chat_id=chat_id, thread_id=fields.pop("thread_id", ""))
        notification = types_pb2.Notification(
            notification_id=f"notification-{next(self._numbers)}",
            session_id=fields.pop("session_id", ""),
            chat=chat,
            text=text,
            token=token,
            buttons=[types_pb2.Button(label=label, action=action) for label, action in fields.pop("buttons", ())],
            files=[
                types_pb2.NotificationFile(file_id=name, name=name, size=sum(map(len, self.files[name])))
                for name in fields.pop("files", ())
            ],
        )
        parcel = Parcel(pb.Delivery(notification=notification, **fields))
        with self.changed:
            self.parcels.append(parcel)
            self.changed.notify_all()
        return parcel

    def told(self) -> list[types_pb2.Notification]:
        """The outbox as the router tells of it."""
        told = [types_pb2.Notification() for _ in self.parcels]
        for one, parcel in zip(told, self.parcels, strict=True):
            one.CopyFrom(parcel.delivery.notification)
            one.message_ids.extend(parcel.message_ids)
        return told

    def refuse_submits(self, code: grpc.StatusCode, times: int) -> None:
        """Refuse the next submitted items; nothing of them is stored."""
        with self.changed:
            self._refusals = [code] * times

    @property
    def refusals_left(self) -> int:
        return len(self._refusals)

    def break_links(self) -> None:
        """End the open Deliver streams; what they had is leased again."""
        with self.changed:
            for link in self._links:
                link.over = True
            self.changed.notify_all()

    def wait_for(self, predicate: Callable[[], T], deadline: float = PATIENCE) -> T:
        with self.changed:
            found = self.changed.wait_for(predicate, timeout=deadline)
            assert found, f"not seen within {deadline} s; outbox: {[(p.id, p.attempts, p.ended) for p in self.parcels]}"
            return found

    def wait_until_ended(self, *parcels: Parcel, deadline: float = PATIENCE) -> None:
        self.wait_for(lambda: all(parcel.ended for parcel in parcels), deadline)

    # --- ChatLink ---

    def ReportStranger(self, request: pb.ReportStrangerRequest, _context: object) -> pb.ReportStrangerResponse:
        if request.stranger.user_id in self.acquainted:
            return pb.ReportStrangerResponse(is_paired=True)
        self.strangers.append(request.stranger)
        return pb.ReportStrangerResponse(is_new=True)

    def Pair(self, request: pb.PairRequest, _context: object) -> pb.PairResponse:
        self.paired.append(request)
        return pb.PairResponse(person_name=request.user_name)

    def PutPart(self, request: pb.PutSubmitPartRequest, _context: object) -> pb.PutSubmitPartResponse:
        self.brought.setdefault(request.file_id, []).append(request.data)
        return pb.PutSubmitPartResponse()

    def OpenBrowser(self, request: pb.OpenBrowserRequest, _context: object) -> pb.OpenBrowserResponse:
        self._browsers.add(request.login_id)
        return pb.OpenBrowserResponse()

    def GetBrowser(self, request: pb.GetBrowserRequest, _context: object) -> pb.GetBrowserResponse:
        return pb.GetBrowserResponse(is_open=request.login_id in self._browsers)

    def Submit(self, request: pb.SubmitRequest, context: grpc.ServicerContext) -> pb.SubmitResponse:
        outcome = self._store(request)
        if isinstance(outcome, grpc.StatusCode):
            context.abort(outcome, "refused by the script")
        return outcome

    def SubmitStream(
        self, request_iterator: Iterator[pb.SubmitBatch], _context: grpc.ServicerContext
    ) -> Iterator[pb.SubmitBatchResponse]:
        for batch in request_iterator:
            yield pb.SubmitBatchResponse(items=[self._item(item) for item in batch.items])

    def GetPart(self, request: pb.GetPartRequest, context: grpc.ServicerContext) -> pb.GetPartResponse:
        with self.changed:
            self.asked.append(request.number)
            self.changed.notify_all()
        self.parts_out.wait()
        if request.file_id in self.lost_files:
            context.abort(grpc.StatusCode.NOT_FOUND, "it is gone")
        return pb.GetPartResponse(data=b"".join(self.files[request.file_id][request.number : request.number + 1]))

    def Deliver(
        self, request_iterator: Iterator[pb.DeliveryReceipt], context: grpc.ServicerContext
    ) -> Iterator[pb.Delivery]:
        if self._api_key and ("x-api-key", self._api_key) not in [
            tuple(pair) for pair in context.invocation_metadata()
        ]:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "the API key is missing or wrong")
        link = _Link(next(request_iterator).open)
        with self.changed:
            self.opens.append(link.opening)
            self._links.append(link)
            self.changed.notify_all()
        context.send_initial_metadata(())
        context.add_callback(lambda: self._end(link))
        threading.Thread(target=self._read, args=(request_iterator, link), daemon=True).start()
        while (delivery := self._next(link)) is not None:
            yield delivery
        self._end(link)

    def _item(self, item: pb.SubmitItem) -> pb.SubmitItemResponse:
        outcome = self._store(item.request)
        if isinstance(outcome, grpc.StatusCode):
            error = status_pb2.Status(code=outcome.value[0], message="refused by the script")
            return pb.SubmitItemResponse(item_id=item.item_id, error=error)
        return pb.SubmitItemResponse(item_id=item.item_id, response=outcome)

    def _store(self, request: pb.SubmitRequest) -> pb.SubmitResponse | grpc.StatusCode:
        with self.changed:
            if self._refusals:
                refusal = self._refusals.pop(0)
                self.changed.notify_all()
                return refusal
            seen = request.update_key in [stored.update_key for stored in self.submitted]
            (self.repeated if seen else self.submitted).append(request)
            self.changed.notify_all()
            return pb.SubmitResponse(command_id="command-1", answer=self.answer, duplicate=seen)

    def _next(self, link: _Link) -> pb.Delivery | None:
        """Wait for the next delivery this link may have; None when it is over."""
        with self.changed:
            while not link.over:
                parcel = self._due(link)
                if parcel is not None:
                    return self._lease(link, parcel)
                self.changed.wait(0.05)
        return None

    def _due(self, link: _Link) -> Parcel | None:
        if len(link.parcels) >= (link.opening.max_in_flight or 32):
            return None
        seen: set[str] = set()
        for parcel in self.parcels:
            if parcel.transport != link.opening.transport or parcel.ended:
                continue
            first_of_chat = parcel.chat_id not in seen
            seen.add(parcel.chat_id)
            due = max(parcel.not_before, self._free_at.get(parcel.chat_id, 0.0), self._all_free_at)
            if first_of_chat and not parcel.leased and due <= time.monotonic():
                return parcel
        return None

    def _lease(self, link: _Link, parcel: Parcel) -> pb.Delivery:
        parcel.leased = True
        parcel.attempts += 1
        link.parcels.append(parcel)
        delivery = pb.Delivery()
        delivery.CopyFrom(parcel.delivery)
        delivery.attempt = parcel.attempts
        delivery.lease.FromSeconds(60)
        self.changed.notify_all()
        return delivery

    def _read(self, receipts: Iterator[pb.DeliveryReceipt], link: _Link) -> None:
        try:
            for receipt in receipts:
                self._take_receipt(link, receipt)
        except grpc.RpcError:
            pass
        finally:
            self._end(link)

    def _take_receipt(self, link: _Link, receipt: pb.DeliveryReceipt) -> None:
        with self.changed:
            for parcel in link.parcels:
                if parcel.id == receipt.notification_id and parcel.attempts == receipt.attempt:
                    self._settle(link, parcel, receipt)
                    return

    def _settle(self, link: _Link, parcel: Parcel, receipt: pb.DeliveryReceipt) -> None:
        link.parcels.remove(parcel)
        parcel.leased = False
        parcel.receipts.append(receipt)
        now = time.monotonic()
        self._free_at[parcel.chat_id] = now + receipt.rest.chat.ToTimedelta().total_seconds()
        self._all_free_at = max(self._all_free_at, now + receipt.rest.all.ToTimedelta().total_seconds())
        if receipt.HasField("retry_later"):
            told = receipt.retry_later.HasField("retry_after")
            wait = receipt.retry_later.retry_after.ToTimedelta().total_seconds() if told else RETRY_S
            parcel.not_before = time.monotonic() + wait
        self.changed.notify_all()

    def _end(self, link: _Link) -> None:
        """What a link had goes back to the outbox."""
        with self.changed:
            link.over = True
            for parcel in link.parcels:
                parcel.leased = False
            link.parcels.clear()
            self.changed.notify_all()
