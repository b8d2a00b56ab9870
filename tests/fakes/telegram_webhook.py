"""Telegram's delivery of updates to a webhook: in order per queue, retried until a 2xx or the update's expiry."""

import http.client
import json
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.telegram_api import BotApi
from tests.fakes.telegram_faults import FaultScript, WebhookFault
from tests.fakes.telegram_state import Update, Webhook, World

RETRY_DELAYS_S = (0.0, 2.0, 4.0, 8.0, 16.0, 32.0)
LATER_S = (60.0, 120.0)
LONGEST_RETRY_AFTER_S = 3600.0
FIRST_HALF_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try to bring an update."""

    update_id: int
    body: bytes
    headers: dict[str, str]
    status: int  # 0: no answer
    answer: bytes
    retry_after: float | None
    at: float

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300


class WebhookEngine:
    """Brings queued updates to the webhook while one is set."""

    def __init__(self, world: World, api: BotApi, faults: FaultScript, timeout_s: float) -> None:
        self._world = world
        self._api = api
        self._faults = faults
        self._timeout_s = timeout_s
        self._busy: dict[str, threading.Thread] = {}
        self._failures: dict[int, int] = {}
        self._not_before: dict[int, float] = {}
        self.deliveries: list[Delivery] = []
        self._pump = threading.Thread(target=self._run, name="telegram-webhooks")

    def start(self) -> None:
        self._pump.start()

    def join(self) -> None:
        """Wait for the threads; the world has been stopped before."""
        self._pump.join()
        for thread in list(self._busy.values()):
            thread.join()

    def reset(self) -> None:
        with self._world.changed:
            self.deliveries.clear()
            self._failures.clear()
            self._not_before.clear()

    def _run(self) -> None:
        world = self._world
        with world.changed:
            while not world.stopping:
                world.forget_expired()
                if world.webhook.url:
                    self._start_due()
                world.changed.wait(self._until_next())

    def _start_due(self) -> None:
        now = self._world.clock.now()
        for update in self._heads():
            free = update.key not in self._busy and len(self._busy) < self._world.webhook.max_connections
            if free and self._not_before.get(update.update_id, 0.0) <= now:
                self._start(update)

    def _start(self, update: Update) -> None:
        thread = threading.Thread(target=self._bring, args=(update,), name=f"telegram-{update.key}")
        self._busy[update.key] = thread
        thread.start()

    def _heads(self) -> list[Update]:
        """The first update of each queue."""
        heads: dict[str, Update] = {}
        for update in self._world.updates:
            heads.setdefault(update.key, update)
        return list(heads.values())

    def _until_next(self) -> float | None:
        now = self._world.clock.now()
        waits = [self._not_before.get(u.update_id, 0.0) - now for u in self._heads() if u.key not in self._busy]
        due = [wait for wait in waits if wait > 0]
        return self._world.clock.real(min(due)) if due and self._world.webhook.url else None

    def _bring(self, update: Update) -> None:
        fault = self._faults.strike_webhook()
        copies = 2 if fault is WebhookFault.TOGETHER else 1
        extra = [threading.Thread(target=self._try, args=(update, fault)) for _ in range(copies - 1)]
        for thread in extra:
            thread.start()
        delivery = self._try(update, fault)
        for thread in extra:
            thread.join()
        with self._world.changed:
            self._busy.pop(update.key, None)
            self._settle(update, delivery, again=fault is WebhookFault.AGAIN)
            self._world.changed.notify_all()
        if delivery.taken:
            self._run_method(delivery.answer)

    def _settle(self, update: Update, delivery: Delivery, *, again: bool) -> None:
        hook, now = self._world.webhook, self._world.clock.now()
        if delivery.taken and not again:
            self._world.updates = [other for other in self._world.updates if other.update_id != update.update_id]
            return
        failures = self._failures.get(update.update_id, 0)
        self._failures[update.update_id] = failures + 1
        delay = self._delay(failures) if delivery.retry_after is None else delivery.retry_after
        self._not_before[update.update_id] = now + delay
        hook.last_error_date = int(now)
        hook.last_error_message = _complaint(delivery.status)
        if now + delay > update.expires_at:
            self._world.updates = [other for other in self._world.updates if other.update_id != update.update_id]

    def _delay(self, failures: int) -> float:
        return RETRY_DELAYS_S[failures] if failures < len(RETRY_DELAYS_S) else self._world.rng.uniform(*LATER_S)

    def _try(self, update: Update, fault: WebhookFault | None) -> Delivery:
        hook = self._world.webhook
        headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip, deflate", "Connection": "keep-alive"}
        if hook.secret_token:
            headers["X-Telegram-Bot-Api-Secret-Token"] = hook.secret_token
        try:
            status, answer, retry_after = self._post(hook, update.body, headers, fault)
        except (OSError, http.client.HTTPException):
            status, answer, retry_after = 0, b"", None
        at = self._world.clock.now()
        delivery = Delivery(update.update_id, update.body, headers, status, answer, retry_after, at)
        with self._world.changed:
            self.deliveries.append(delivery)
        return delivery

    def _post(
        self, hook: Webhook, body: bytes, headers: dict[str, str], fault: WebhookFault | None
    ) -> tuple[int, bytes, float | None]:
        url = urlsplit(hook.url)
        secure = url.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=self._timeout_s)
        try:
            connection.putrequest("POST", url.path or "/", skip_accept_encoding=True)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                connection.putheader(name, value)
            connection.endheaders()
            self._send_body(connection, body, slow=fault is WebhookFault.SLOW_BODY)
            if fault is WebhookFault.DROP:
                return 0, b"", None
            response = connection.getresponse()
            return response.status, response.read(), _retry_after(response)
        finally:
            connection.close()

    def _send_body(self, connection: http.client.HTTPConnection, body: bytes, *, slow: bool) -> None:
        half = len(body) // 2 if slow else len(body)
        connection.send(body[:half])
        if slow:
            self._world.wait_until(lambda: False, FIRST_HALF_PAUSE_S)
            connection.send(body[half:])

    def _run_method(self, answer: bytes) -> None:
        try:
            body: Any = json.loads(answer)
        except ValueError:
            return
        if isinstance(body, dict) and body.get("method"):
            self._api.call_from_answer(body)


def _retry_after(response: http.client.HTTPResponse) -> float | None:
    value = response.getheader("Retry-After", "")
    if 200 <= response.status < 300 or not value.isdigit():
        return None
    return min(float(value), LONGEST_RETRY_AFTER_S)


def _complaint(status: int) -> str:
    if status == 0:
        return "Read timeout expired"
    return f"Wrong response from the webhook: {status} {http.client.responses.get(status, '')}".strip()
