"""A console that runs for a real browser, over a router in memory."""

import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from time import time
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from tests.rigs.console_router import FakeRouter
from tests.waiting import PATIENCE
from webhook_adapter.console.blueprint import create_blueprint
from webhook_adapter.console.login import login_link

# The shell is the same browser without its own windows, which cost more than our pages do.
_SHELL = "chromium-headless-shell"
CHROMIUM = shutil.which(_SHELL) or shutil.which("chromium")
IN_BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason=f"not here: apt-get install {_SHELL}"),
]

API_KEY = "pmk_" + "b" * 43
DESK, PHONE = (1200, 800), (375, 700)


@dataclass
class Settings:
    api_key: str = API_KEY
    router: str = "127.0.0.1:7443"
    calls_a_second: int = 50
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()


@dataclass
class Console:
    """A console that runs, the router behind it, and what browsers complained about."""

    router: FakeRouter
    address: str
    browser: Browser
    complaints: list[str] = field(default_factory=list)

    @contextmanager
    def visit(self, size: tuple[int, int] = DESK, scheme: str = "light", path: str = "") -> Iterator[Page]:
        """Somebody who is logged in."""
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if scheme == "dark" else "light",
            has_touch=size[0] < 600,
            service_workers="block",  # it answers in place of what tests put before the console
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._watch(request.url))
        context.request.get(self.login_link())
        page.goto(f"{self.address}/console/{path}")
        yield page
        context.close()

    def login_link(self) -> str:
        return login_link(self.address, API_KEY, time())

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "Service Worker registration blocked" not in message.text:
            self.complaints.append(message.text)

    def _watch(self, url: str) -> None:
        if not url.startswith(self.address):
            self.complaints.append(f"asked elsewhere: {url}")


@contextmanager
def served(router: FakeRouter, browser: Browser) -> Iterator[Console]:
    """A console over that router."""
    app = Flask("console")
    app.register_blueprint(create_blueprint(Settings(), router))
    server = make_server("127.0.0.1", 0, whole(app), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Console(router, f"http://127.0.0.1:{server.server_port}", browser)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def whole(app: Flask) -> WSGIApplication:
    """Answers in one piece: werkzeug leaves files open that a browser stops reading, when a test closes it."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return Response.from_app(app, environ, buffered=True)(environ, start_response)

    return answer
