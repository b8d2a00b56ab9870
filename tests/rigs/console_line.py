"""A console that a browser reaches over a line which may break, and a browser whose service worker runs.

Two things are stubbed, and all else is real. A vendor's push service is on the net: what it would give is put in its
place, and pushes come by the browser's own debugger. And the shell has no screen for notifications: they are kept in
the service worker, where the real ones would be.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import time
from typing import Any

from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Worker
from werkzeug.serving import make_server

from tests.fakes.push_browser import Browser as Subscriber
from tests.rigs.browsed_console import API_KEY, DESK, Settings, whole
from tests.rigs.console_router import FakeRouter
from tests.waiting import PATIENCE, wait_until
from webhook_adapter.console.blueprint import create_blueprint
from webhook_adapter.console.login import login_link

_PAGE = """(given) => {
  Object.defineProperty(Notification, "permission", { get: () => "granted" });
  Notification.requestPermission = async () => "granted";
  const made = (options) => ({
    endpoint: given.endpoint, options, toJSON: () => given,
    unsubscribe: async () => localStorage.removeItem("stub") || true,
  });
  PushManager.prototype.subscribe = async (options) => localStorage.setItem("stub", "yes") || made(options);
  PushManager.prototype.getSubscription = async () => (localStorage.getItem("stub") ? made({}) : null);
}"""
_SCREEN = """() => {
  self.screen = [];
  self.taken = 0;
  const take = pushed;
  pushed = (told) => take(told).finally(() => (self.taken += 1));
  self.registration.showNotification = async (title, options) => {
    const known = self.screen.findIndex((one) => one.tag === options.tag);
    if (known >= 0) self.screen.splice(known, 1);
    const one = { title, ...options, close: () => (self.screen = self.screen.filter((other) => other !== one)) };
    self.screen.push(one);
  };
  self.registration.getNotifications = async () => [...self.screen];
  self.badge = 0;
  navigator.setAppBadge = async (count) => (self.badge = count);
  navigator.clearAppBadge = async () => (self.badge = 0);
}"""
_SHOWN = "() => self.screen.map(({ title, body, tag, silent, actions }) => ({ title, body, tag, silent, actions }))"


@dataclass
class Visit:
    """One browser at the console."""

    page: Page
    worker: Worker
    registration: str
    address: str
    _debugger: Any

    def pushed(self, **told: Any) -> None:
        """A push comes, and the service worker has taken it."""
        said = {"chat": "chat-1", "title": "devbox · api-refactor", "session": "s-1", "options": []} | told
        before = self.worker.evaluate("() => self.taken")
        self._debugger.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": self.address, "registrationId": self.registration, "data": json.dumps(said)},
        )
        wait_until(lambda: self.worker.evaluate("() => self.taken") > before)

    def screen(self) -> list[dict[str, Any]]:
        """What stands on the screen, the oldest first."""
        return list(self.worker.evaluate(_SHOWN))

    def clicks(self, tag: str, action: str = "") -> None:
        """Somebody presses a notification, or a button of it. No event: workers wait for none that is made."""
        self.worker.evaluate(
            "([tag, action]) => clicked({ action, notification: self.screen.find((one) => one.tag === tag) })",
            [tag, action],
        )


_NO_LINE = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_SOCKET_NOT_CONNECTED")


@dataclass
class Line:
    """The console behind it, and what the browser complained about while it was whole."""

    router: FakeRouter
    browser: Browser
    port: int = 0
    complaints: list[str] = field(default_factory=list)
    is_whole: bool = False
    was_cut: bool = False
    _server: Any = None
    _thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def mend(self) -> "Line":
        app = Flask("console")
        app.register_blueprint(create_blueprint(Settings(), self.router))
        app.add_url_rule("/health/live", "live", lambda: ("ok", 200))
        self._server = make_server("127.0.0.1", self.port, whole(app), threaded=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.is_whole = True
        return self

    def cut(self) -> None:
        self.is_whole, self.was_cut = False, True
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._thread = None

    @contextmanager
    def visited(self, path: str = "", *, code: str = "") -> Iterator[Visit]:
        """Somebody is logged in, and the service worker is in charge."""
        context = self.browser.new_context(viewport={"width": DESK[0], "height": DESK[1]})
        context.add_init_script(f"({_PAGE})({json.dumps(Subscriber().as_json())})")
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self._listen(said.type, said.text))
        self.logs_in(context, code)
        page.goto(f"{self.address}/console/{path}")
        wait_until(lambda: page.evaluate("() => navigator.serviceWorker.controller !== null"))
        [worker] = context.service_workers
        worker.evaluate(_SCREEN)
        debugger, registration = _debugger(page)
        yield Visit(page, worker, registration, self.address, debugger)
        context.close()

    def logs_in(self, context: BrowserContext, code: str = "") -> None:
        """With a link, or as somebody."""
        if code:
            context.request.post(f"{self.address}/console/login", form={"api_key": code})
        else:
            context.request.get(login_link(self.address, API_KEY, time()))

    def _listen(self, kind: str, words: str) -> None:
        refused = self.was_cut and any(each in words for each in _NO_LINE)  # it may tell of it later
        if kind == "error" and self.is_whole and not refused:
            self.complaints.append(words)


def _debugger(page: Page) -> tuple[Any, str]:
    """The browser's own, and its number for the service worker."""
    session, found = page.context.new_cdp_session(page), list[dict[str, Any]]()
    session.on("ServiceWorker.workerRegistrationUpdated", lambda event: found.extend(event["registrations"]))
    session.send("ServiceWorker.enable")
    ready = "() => navigator.serviceWorker.ready.then(() => true)"
    wait_until(lambda: page.evaluate(ready) and found)  # what was told meanwhile comes with an answer
    return session, found[0]["registrationId"]
