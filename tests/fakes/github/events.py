"""Webhooks as GitHub sends them: signed over the raw bytes, ten seconds for an answer, no second try, and a log."""

import hashlib
import hmac
import http.client
import json
import queue
import threading
import uuid
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.fakes.github import payloads
from tests.fakes.github.credentials import App
from tests.fakes.github.request import Answer, Call, Route, route
from tests.fakes.github.throttle import Weight
from tests.fakes.github.world import NOT_FOUND, ApiError, CheckRun, Comment, Issue, Json, Repository, User, World, stamp

KEPT_S = 3 * 86400.0
ALWAYS = ("check_run", "check_suite", "installation", "installation_repositories", "ping")
_LONGEST_BODY = 25 * 1024 * 1024
_WORDS = {0: "failed to connect to host", 408: "timed out"}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to bring one event."""

    id: int
    guid: str
    event: str
    action: str | None
    at: float
    redelivery: bool
    status: int  # 0: no connection
    headers: dict[str, str]
    body: bytes
    installation_id: int | None
    repository_id: int | None
    throttled_at: float | None = None

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def json(self) -> Json:
        words = "OK" if self.ok else _WORDS.get(self.status, f"Invalid HTTP Response: {self.status}")
        return {
            "id": self.id,
            "guid": self.guid,
            "delivered_at": stamp(self.at),
            "redelivery": self.redelivery,
            "duration": 0.1,
            "status": words,
            "status_code": self.status,
            "event": self.event,
            "action": self.action,
            "installation_id": self.installation_id,
            "repository_id": self.repository_id,
            "throttled_at": stamp(self.throttled_at) if self.throttled_at else None,
        }


@dataclass(frozen=True, slots=True)
class _Event:
    guid: str
    name: str
    body: bytes
    headers: dict[str, str]
    redelivery: bool = False
    throttled_at: float | None = None


class Events:
    """Brings them to the App's hook, one after the other, unless told to do it rudely."""

    def __init__(self, world: World, app: App) -> None:
        self._world, self._app = world, app
        self.log: list[Attempt] = []  # guarded by the world's lock
        self.patience_s = 10.0
        self.copies = 1  # of each, at the same instant
        self._held: list[_Event] | None = None
        self._queue: queue.SimpleQueue[_Event | None] = queue.SimpleQueue()
        self._idle = threading.Condition()
        self._begun = self._done = 0
        self._pump = threading.Thread(target=self._run, name="github-webhooks", daemon=True)

    def start(self) -> None:
        self._pump.start()

    def stop(self) -> None:
        self._queue.put(None)
        self._pump.join()

    def hold(self) -> None:
        """Keep what comes from now on back, as on a bad day."""
        self._held = []

    def release(self, *, backwards: bool = False) -> None:
        """Send what was kept back."""
        kept, self._held = self._held or [], None
        for each in reversed(kept) if backwards else kept:
            self._put(each)

    def wait_until_sent(self, seconds: float = 60.0) -> None:
        """Until everything that has happened was tried once."""
        with self._idle:
            assert self._idle.wait_for(lambda: self._begun == self._done, seconds), "webhooks are stuck"

    # --- what happens ---

    def comment(self, it: Comment, action: str, sender: User, **more: object) -> None:
        told = payloads.comment(it, self._app)
        if it.kind == "rc":
            about = {"pull_request": payloads.pull(it.issue)}
            self.emit("pull_request_review_comment", it.issue.repository, sender, action, comment=told, **about, **more)
        else:
            about = {"issue": payloads.issue(it.issue)}
            self.emit("issue_comment", it.issue.repository, sender, action, comment=told, **about, **more)

    def issue(self, it: Issue, action: str, sender: User, **more: object) -> None:
        if it.pull:
            told = {"number": it.number, "pull_request": payloads.pull(it)}
            self.emit("pull_request", it.repository, sender, action, **told, **more)
        else:
            self.emit("issues", it.repository, sender, action, issue=payloads.issue(it), **more)

    def check(self, it: CheckRun, action: str, sender: User, **more: object) -> None:
        self.emit("check_run", it.repository, sender, action, check_run=payloads.check_run(it, self._app), **more)

    def emit(self, name: str, repository: Repository, sender: User, action: str, **more: object) -> None:
        """Something happened: whoever wants to hear of it is told."""
        if name in self._app.events or name in ALWAYS:
            self.send(name, payloads.event(repository, sender, self._app, action, **more))

    def send(self, name: str, payload: Json, *, guid: str = "", secret: str | None = None) -> str:
        """A webhook of this content; its GUID. `secret`: signed with another one."""
        guid, body = guid or str(uuid.uuid4()), json.dumps(payload, ensure_ascii=False).encode()
        if len(body) > _LONGEST_BODY:
            return guid
        self._put(_Event(guid, name, body, self.headers(name, guid, body, secret)))
        return guid

    def headers(self, name: str, guid: str, body: bytes, secret: str | None = None) -> dict[str, str]:
        """As GitHub sends them; without a secret there is no signature at all."""
        key = (self._app.webhook_secret if secret is None else secret).encode()
        signed = {
            "X-Hub-Signature": f"sha1={hmac.new(key, body, hashlib.sha1).hexdigest()}",
            "X-Hub-Signature-256": f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}",
        }
        return {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/0123abc",
            "X-GitHub-Delivery": guid,
            "X-GitHub-Event": name,
            "X-GitHub-Hook-ID": "1",
            "X-GitHub-Hook-Installation-Target-ID": str(self._app.id),
            "X-GitHub-Hook-Installation-Target-Type": "integration",
            **(signed if key else {}),
        }

    # --- the log ---

    def routes(self) -> list[Route]:
        log = "/app/hook/deliveries"
        return [
            route("GET", log, self._list, by_app=True),
            route("GET", f"{log}/{{id}}", self._get, by_app=True),
            route("POST", f"{log}/{{id}}/attempts", self._again, Weight(), by_app=True),
            route("GET", "/app/hook/config", self._config, by_app=True),
            route("PATCH", "/app/hook/config", self._set_config, Weight(), by_app=True),
        ]

    def _kept(self) -> list[Attempt]:
        since = self._world.clock.now() - KEPT_S
        return [each for each in reversed(self.log) if each.at >= since]

    def _list(self, call: Call) -> Answer:
        wanted, cursor = call.text("status"), call.text("cursor")
        found = [each for each in self._kept() if not wanted or each.ok == (wanted == "success")]
        if cursor:
            found = [each for each in found if each.id < int(cursor.removeprefix("v1_"))]
        size = min(100, int(call.text("per_page", "30")))
        shown, rest = found[:size], found[size:]
        to = f"{payloads.ROOT}/app/hook/deliveries?per_page={size}&cursor=v1_"
        link = {"Link": f'<{to}{shown[-1].id}>; rel="next"'} if rest else {}
        return Answer(200, [each.json for each in shown], link)

    def _one(self, call: Call) -> Attempt:
        found = next((each for each in self._kept() if str(each.id) == call.names["id"]), None)
        if found is None:
            raise ApiError(404, NOT_FOUND)
        return found

    def _get(self, call: Call) -> Answer:
        it = self._one(call)
        request = {"headers": it.headers, "payload": json.loads(it.body)}
        return Answer(200, it.json | {"url": self._app.hook_url, "request": request, "response": {"headers": {}}})

    def _again(self, call: Call) -> Answer:
        it = self._one(call)
        self._put(_Event(it.guid, it.event, it.body, it.headers, redelivery=True))
        return Answer(202, {})

    def _config(self, _call: Call) -> Answer:
        return Answer(
            200, {"url": self._app.hook_url, "content_type": "json", "insecure_ssl": "0", "secret": "********"}
        )

    def _set_config(self, call: Call) -> Answer:
        self._app.hook_url = str(call.body.get("url", self._app.hook_url))
        self._app.webhook_secret = str(call.body.get("secret", self._app.webhook_secret))
        return self._config(call)

    # --- the way ---

    def _put(self, event: _Event) -> None:
        if self._held is not None:
            self._held.append(event)
            return
        with self._idle:
            self._begun += 1
        self._queue.put(event)

    def _run(self) -> None:
        while (event := self._queue.get()) is not None:
            copies = [threading.Thread(target=self._bring, args=(event,)) for _ in range(self.copies - 1)]
            for each in copies:
                each.start()
            self._bring(event)
            for each in copies:
                each.join()
            with self._idle:
                self._done += 1
                self._idle.notify_all()

    def _bring(self, event: _Event) -> None:
        status = self._status(event) if self._app.hook_url else 0
        told = json.loads(event.body)
        with self._world.changed:
            self.log.append(
                Attempt(
                    self._world.new_id(),
                    event.guid,
                    event.name,
                    told.get("action"),
                    self._world.clock.now(),
                    event.redelivery,
                    status,
                    event.headers,
                    event.body,
                    (told.get("installation") or {}).get("id"),
                    (told.get("repository") or {}).get("id"),
                    event.throttled_at,
                )
            )
            self._world.changed.notify_all()

    def _status(self, event: _Event) -> int:
        url = urlsplit(self._app.hook_url)
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=self.patience_s)
        try:
            connection.request("POST", url.path or "/", event.body, event.headers)
            return connection.getresponse().status
        except TimeoutError:
            return 408
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()
