"""The courier: takes the router's outbox to the platforms, and long-polls Telegram where it cannot reach us."""

import logging
import os
import queue
import random
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import grpc
from agentlink.v1 import chat_link_pb2 as pb
from agentlink.v1 import chat_link_pb2_grpc, types_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from webhook_adapter.backoff import Backoff
from webhook_adapter.clock import Clock
from webhook_adapter.config import AdapterConfig, TelegramConfig
from webhook_adapter.courier.sender_pool import Carrier, Receipt
from webhook_adapter.router.client import RouterClient, open_channel
from webhook_adapter.transports.telegram.background_calls import Errands
from webhook_adapter.transports.telegram.client import TelegramClient, TelegramError
from webhook_adapter.transports.telegram.inbound.files import Files
from webhook_adapter.transports.telegram.inbound.intake import Intake
from webhook_adapter.transports.telegram.inbound.polling import Polling
from webhook_adapter.transports.telegram.inbound.webhook_setup import set_webhook
from webhook_adapter.transports.telegram.inbound.webhook_watch import WebhookWatch
from webhook_adapter.transports.telegram.menu import publish_menu
from webhook_adapter.transports.telegram.outbound.transport import TelegramTransport
from webhook_adapter.transports.telegram.rate_limits import Budget
from webhook_adapter.transports.transport import (
    Button,
    ChatNews,
    Delivered,
    Kind,
    Outgoing,
    OutgoingFile,
    Place,
    Refused,
    RetryLater,
    Transport,
)
from webhook_adapter.transports.web.transport import CONSOLE_CHAT, WebTransport

logger = logging.getLogger(__name__)

EXIT_DONE, EXIT_FAILED = 0, 1
SENDERS = 16
"""Messages on their way at once; also the link's credit, so that none waits here while its lease runs out."""
_FINISH_S = 5.0  # for sends in flight when we are asked to stop
_FLUSH_S = 1.0  # for their receipts after that
_FIRST_LINK_S = 2.0  # readiness is told after that even when the router is away: it may come later
_RECONNECT_S = (1.0, 30.0)
_STEADY_S = 60.0  # a link that lived so long was a good one
_SETUP_S = (1.0, 300.0)

_ENDS = (signal.SIGTERM, signal.SIGINT)
_KINDS = {
    pb.DELIVERY_KIND_QUESTION: Kind.QUESTION,
    pb.DELIVERY_KIND_RECEIPT: Kind.RECEIPT,
    pb.DELIVERY_KIND_ANSWER: Kind.ANSWER,
}
_NAME_IT = frozenset({Kind.RECEIPT, Kind.ANSWER})  # their own words say which session they speak of


@dataclass(frozen=True, slots=True)
class Route:
    """A transport, and the chats that want every notification without a target."""

    transport: Transport
    default_chats: tuple[str, ...]
    senders: int


class DeliveryLink:
    """Holds one `Deliver` stream open for one transport."""

    def __init__(
        self, config: AdapterConfig, router: RouterClient, route: Route, instance_id: str, stop: threading.Event
    ) -> None:
        self.opened = threading.Event()
        self._router = router
        self._config = config
        self._route = route
        self._instance_id = instance_id
        self._stop = stop
        self._carrier = Carrier(route.transport, route.senders)
        self._frames: queue.SimpleQueue[pb.DeliveryReceipt | None] = queue.SimpleQueue()
        self._ended = threading.Event()

    def run(self) -> None:
        """Open the link again and again until `stop` is set and what was begun is answered."""
        self._carrier.start()
        backoff = Backoff(*_RECONNECT_S, random.Random())  # noqa: S311 - it spreads reconnects
        with open_channel(self._config) as channel:
            stub = chat_link_pb2_grpc.ChatLinkStub(channel)
            while not self._stop.is_set():
                began = time.monotonic()
                told = self._hold(stub)
                if time.monotonic() - began > _STEADY_S:
                    backoff.reset()
                self._stop.wait(told or backoff.next_wait())
        self._ended.set()

    def finish(self, deadline: float) -> None:
        """After `stop`: wait for sends in flight until `deadline` (monotonic), then for their receipts to leave."""
        if not self._carrier.drain(max(0.0, deadline - time.monotonic())):
            logger.warning("stopped during a send; its lease goes back transport=%s", self._route.transport.name)
        self._frames.put(None)
        self._ended.wait(_FLUSH_S)

    def _hold(self, stub: chat_link_pb2_grpc.ChatLinkStub) -> float | None:
        """One stream from open to end; the wait the router asks for, if it does."""
        frames: queue.SimpleQueue[pb.DeliveryReceipt | None] = queue.SimpleQueue()
        self._frames = frames
        frames.put(self._open())
        call = stub.Deliver(_until_none(frames), metadata=(("x-api-key", self._config.api_key),))
        name = self._route.transport.name
        try:
            # Comes when the router has taken the open, or with the first delivery.
            call.initial_metadata()
            if call.is_active():
                self.opened.set()
                logger.info("delivery link open transport=%s", name)
            for delivery in call:
                self._carrier.take(
                    _outgoing(delivery, self._router), delivery.attempt, lambda each: frames.put(_frame(each))
                )
        except grpc.RpcError:
            logger.warning("delivery link lost transport=%s code=%s", name, call.code().name)
            return _told_to_wait(call)
        finally:
            frames.put(None)
            call.cancel()  # type: ignore[no-untyped-call]
        logger.info("delivery link ended transport=%s", name)
        return None

    def _open(self) -> pb.DeliveryReceipt:
        name = self._route.transport.name
        chats = [types_pb2.ChatRef(transport=name, chat_id=chat_id) for chat_id in self._route.default_chats]
        opening = pb.DeliverOpen(
            transport=name, instance_id=self._instance_id, default_chats=chats, max_in_flight=self._route.senders
        )
        return pb.DeliveryReceipt(open=opening)


class Courier:
    """Everything one courier process runs, as threads that end together."""

    def __init__(self, config: AdapterConfig, budget: Budget, client: TelegramClient | None = None) -> None:
        """`client` is Telegram's where it is not the one that the settings make."""
        self.failed = False
        self._budget = budget
        self._stop = threading.Event()
        self._router = RouterClient(config)
        self._config = config
        instance_id = uuid.uuid4().hex
        self._client = client or _client(config, budget)
        self._routes = _routes(config, self._client, budget)
        self._links = [DeliveryLink(config, self._router, route, instance_id, self._stop) for route in self._routes]

    @property
    def transports(self) -> str:
        """Their names, for the ready line."""
        return ",".join(route.transport.name for route in self._routes)

    def start(self) -> None:
        """Start all threads and wait a moment for the links."""
        for link, route in zip(self._links, self._routes, strict=True):
            self._spawn(f"{route.transport.name}-link", link.run)
        if self._client is not None and self._config.telegram is not None:
            self._start_telegram(self._client, self._config.telegram)
        deadline = time.monotonic() + _FIRST_LINK_S
        for link in self._links:
            link.opened.wait(max(0.0, deadline - time.monotonic()))

    def stop(self) -> None:
        """Take nothing new, finish what was begun, hand in the receipts, close."""
        self._stop.set()
        self._budget.end_within(_FINISH_S)
        deadline = time.monotonic() + _FINISH_S
        for link in self._links:
            link.finish(deadline)
        self._router.close()
        if self._client is not None:
            self._client.close()

    def _start_telegram(self, client: TelegramClient, telegram: TelegramConfig) -> None:
        self._spawn("telegram-menu", lambda: self._until_done("setMyCommands", lambda: publish_menu(client)))
        if self._config.public_url:
            self._spawn("telegram-webhook", lambda: self._keep_webhook(client))
        else:
            backoff = Backoff(*_RECONNECT_S, random.Random())  # noqa: S311 - it spreads tries
            errands = Errands(client)
            errands.bot_username()  # asks, so that it is known when the first command comes
            files = Files(client, self._router.put_file)
            router = self._router
            intake = Intake(telegram, router.submit, files.bring, router.report_stranger, errands.bot_username)
            polling = Polling(client, intake, errands.answer, backoff, self._stop)
            self._spawn("telegram-polling", polling.run)

    def _keep_webhook(self, client: TelegramClient) -> None:
        self._until_done("setWebhook", lambda: set_webhook(client, self._config))
        WebhookWatch(client, self._config, self._stop).run()

    def _until_done(self, what: str, step: Callable[[], None]) -> None:
        """Try until Telegram takes it: nothing else waits for it."""
        backoff = Backoff(*_SETUP_S, random.Random())  # noqa: S311 - it spreads tries
        while not self._stop.is_set():
            try:
                step()
            except TelegramError as error:
                logger.warning("%s failed, trying again: %s", what, error)
                self._stop.wait(backoff.next_wait())
            else:
                logger.info("%s done", what)
                return

    def _spawn(self, name: str, run: Callable[[], None]) -> None:
        threading.Thread(target=self._watched, args=(name, run), name=name, daemon=True).start()

    def _watched(self, name: str, run: Callable[[], None]) -> None:
        """A thread that fails ends the process; its supervisor starts a fresh one."""
        try:
            run()
        except Exception:
            logger.exception("thread failed name=%s", name)
            self.failed = True
            os.kill(os.getpid(), signal.SIGTERM)


def run(environ: Mapping[str, str], clock: Clock | None = None) -> int:
    """Run the courier until SIGTERM or SIGINT; the exit code. `clock` paces the sending. Raises ConfigError."""
    # Before there are threads, which inherit it. A handler instead could come while this thread holds the lock that the
    # handler needs, or just before this thread sleeps.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    courier = Courier(AdapterConfig.from_environ(environ), Budget(clock))
    courier.start()
    print(f"ready courier {courier.transports}", flush=True)  # noqa: T201 - the supervisor waits for this line
    signal.sigwait(_ENDS)
    courier.stop()
    return EXIT_FAILED if courier.failed else EXIT_DONE


def _client(config: AdapterConfig, budget: Budget) -> TelegramClient | None:
    telegram = config.telegram
    return TelegramClient(telegram.bot_token, telegram.api_base, budget) if telegram is not None else None


def _routes(config: AdapterConfig, client: TelegramClient | None, budget: Budget) -> list[Route]:
    web = Route(WebTransport(), (CONSOLE_CHAT,), 1)
    if client is None or config.telegram is None:
        return [web]
    chats = tuple(str(chat_id) for chat_id in config.telegram.allowed_chat_ids)
    return [Route(TelegramTransport(client, budget), chats, SENDERS), web]


def _until_none(frames: "queue.SimpleQueue[pb.DeliveryReceipt | None]") -> Iterator[pb.DeliveryReceipt]:
    while (frame := frames.get()) is not None:
        yield frame


def _outgoing(delivery: pb.Delivery, router: RouterClient) -> Outgoing:
    notification = delivery.notification
    kind = _KINDS.get(delivery.kind, Kind.PROGRESS)
    names = (delivery.machine_id, delivery.session_label) if notification.session_id and kind not in _NAME_IT else ()
    return Outgoing(
        place=Place(notification.chat.chat_id, notification.chat.thread_id),
        text=notification.text,
        heading=" · ".join(name for name in names if name),
        buttons=tuple(Button(each.label, f"cmd:{notification.token}:{each.action}") for each in notification.buttons),
        kind=kind,
        reply_to_message_id=delivery.reply_to_message_id,
        edit_message_ids=tuple(delivery.edit_message_ids),
        notification_id=notification.notification_id,
        as_mark=delivery.as_mark,
        topic_title=delivery.topic_title,
        close_topic=delivery.close_topic,
        silent=delivery.silent,
        files=tuple(
            OutgoingFile(each.name, each.size, partial(router.file_parts, notification.notification_id, each.file_id))
            for each in notification.files
        ),
    )


def _frame(receipt: Receipt) -> pb.DeliveryReceipt:
    frame = pb.DeliveryReceipt(
        notification_id=receipt.notification_id,
        attempt=receipt.attempt,
        rest=_rest(receipt.news),
        moved_to=receipt.news.moved_to,
    )
    match receipt.outcome:
        case Delivered(message_ids, thread_id, problem, detail):
            frame.delivered.MergeFrom(
                pb.Delivered(message_ids=message_ids, thread_id=thread_id, topic_problem=problem, detail=detail)
            )
        case Refused(detail, chat_closed):
            frame.refused.MergeFrom(pb.Refused(detail=detail, chat_closed=chat_closed))
        case RetryLater(detail, after, alone):
            frame.retry_later.MergeFrom(pb.RetryLater(detail=detail, alone=alone))
            if after is not None:
                frame.retry_later.retry_after.CopyFrom(_duration(after))
    if frame.WhichOneof("outcome") is None:
        frame.delivered.SetInParent()
    return frame


def _rest(news: ChatNews) -> pb.Rest:
    return pb.Rest(chat=_duration(news.rest) if news.rest else None, all=_duration(news.pause) if news.pause else None)


def _duration(seconds: float) -> Duration:
    return Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))


def _told_to_wait(call: grpc.Call) -> float | None:
    status, retry = rpc_status.from_call(call), error_details_pb2.RetryInfo()
    for detail in status.details if status is not None else ():
        if detail.Unpack(retry):
            return float(retry.retry_delay.ToTimedelta().total_seconds())
    return None
