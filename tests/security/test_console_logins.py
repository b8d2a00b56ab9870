"""What lets a browser into the console, and what must not let it in again: whatever is started anew, or reads along."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from flask import Flask

from tests.folders import short_folder
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.adapter import environment
from tests.rigs.rpc_errors import reason_of
from webhook_adapter.config import AdapterConfig
from webhook_adapter.console.login import SESSION_LIFETIME, login_link
from webhook_adapter.http.app import create_app
from webhook_adapter.router.client import RouterClient

READY = "  data "  # begins the last rows of what `up` says


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@contextmanager
def adapter(router: RouterUnderTest) -> Iterator[Flask]:
    """The adapter's HTTP process as it is after each start: it keeps nothing."""
    settings = AdapterConfig.from_environ(environment(router.address))
    client = RouterClient(settings)
    yield create_app(settings, client)
    client.close()


def page(app: Flask, cookie: str) -> int:
    """How the console answers a browser with this cookie."""
    return app.test_client(use_cookies=False).get("/console/api/overview", headers={"Cookie": cookie}).status_code


def logged_in(app: Flask) -> tuple[str, str]:
    """The cookie of a browser that opened a login link, and that link."""
    link = login_link("", API_KEY, time())
    cookie = app.test_client().get(link).headers["Set-Cookie"].partition(";")[0]
    return cookie, link


def log_out(app: Flask, cookie: str) -> int:
    browser = app.test_client(use_cookies=False)
    found = re.search(r'csrf-token" content="([^"]+)"', browser.get("/console/", headers={"Cookie": cookie}).text)
    assert found
    headers = {"Cookie": cookie, "X-CSRF-Token": found[1]}
    return browser.post("/console/api/logout", json={}, headers=headers).status_code


def test_a_cookie_that_was_logged_out_stays_out_when_the_adapter_starts_anew(router: RouterUnderTest) -> None:
    with adapter(router) as before:
        cookie, _ = logged_in(before)
        stays, _ = logged_in(before)
        assert log_out(before, cookie) == 200

    with adapter(router) as after:
        assert (page(after, cookie), page(after, stays)) == (401, 200)


def test_a_login_link_that_was_used_opens_nothing_when_the_adapter_starts_anew(router: RouterUnderTest) -> None:
    with adapter(router) as before:
        _, link = logged_in(before)

    with adapter(router) as after:
        thief = after.test_client()

        assert thief.head(link).status_code == 403
        assert thief.get(link).location == "/console/login?link=over"
        assert thief.get("/console/").status_code == 302


def test_both_stay_so_when_the_router_starts_anew(data_dir: Path) -> None:
    with serving(config(data_dir)) as router, adapter(router) as app:
        cookie, link = logged_in(app)
        log_out(app, cookie)

    with serving(config(data_dir)) as router, adapter(router) as app:
        assert page(app, cookie) == 401
        assert app.test_client().get(link).location == "/console/login?link=over"


def test_a_link_lets_one_browser_in_however_many_ask_at_once(router: RouterUnderTest) -> None:
    def ask(login_id: str) -> chat_pb.OpenBrowserRequest:
        request = chat_pb.OpenBrowserRequest(login_id=login_id * 16, link_id="the-same-link-for-all")
        request.lifetime.FromSeconds(60)
        return request

    calls = [router.chat.OpenBrowser.future(ask(name)) for name in "abcdefgh"]
    errors = [call.exception() for call in calls]

    assert errors.count(None) == 1
    assert {reason_of(error) for error in errors if error} == {"ILLEGAL_STATE"}


def test_the_database_holds_nothing_that_a_browser_could_show(router: RouterUnderTest, data_dir: Path) -> None:
    request = chat_pb.OpenBrowserRequest(login_id="login-id-of-a-browser", link_id="link-id-that-was-used")
    request.lifetime.FromSeconds(round(SESSION_LIFETIME))
    router.chat.OpenBrowser(request)
    stored = b"".join(path.read_bytes() for path in data_dir.glob("router.db*"))

    assert b"login-id-of-a-browser" not in stored
    assert b"link-id-that-was-used" not in stored


def test_a_login_and_a_logout_are_in_the_audit(router: RouterUnderTest) -> None:
    with adapter(router) as app:
        cookie, _ = logged_in(app)
        log_out(app, cookie)

    told = router.read(
        lambda c: c.execute("SELECT event, kind FROM audit_entries WHERE subject LIKE 'browser%'").fetchall()
    )
    assert told == [("login", "key"), ("logout", "key")]


@contextmanager
def up(folder: Path, output: int) -> Iterator[None]:
    flags = ("--data-dir", str(folder), "--router-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0")
    command = (sys.executable, "-I", "-m", "pointsman", "up", *flags, "--machine-id", "box")
    with subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as process:
        yield
        process.terminate()
        process.wait(20)


def said_by_up(output: int, read: int) -> str:
    """What `up` says on this output until it runs."""
    said = ""
    with short_folder() as folder, up(folder, output):
        os.close(output)
        while READY not in said and (more := os.read(read, 4096)):
            said += more.decode()
    os.close(read)
    return said


@pytest.mark.e2e
def test_a_journal_gets_no_link_that_logs_in() -> None:
    read, write = os.pipe()

    said = said_by_up(write, read)

    assert "token=" not in said
    assert "`pointsman console` gives a link" in said


@pytest.mark.e2e
def test_a_terminal_gets_one() -> None:
    read, terminal = pty.openpty()

    assert "/console/login?token=" in said_by_up(terminal, read)
