"""A console, and a real browser to visit it with."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.programs import needed_to_drive_a_browser
from tests.rigs.browsed_console import CHROMIUM, Console, served
from tests.rigs.console_line import Line
from tests.rigs.console_router import FakeRouter, a_session
from tests.waiting import PATIENCE


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    needed_to_drive_a_browser()
    switches = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[*switches.split(), "--disable-component-update", "--disable-sync"],
        )
        yield browser
        browser.close()


@pytest.fixture
def console(browser: Browser) -> Iterator[Console]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    router = FakeRouter(datetime.now(UTC))
    router.own.add_machine("devbox")
    router.own.add_machine("attic", connected=False)
    router.own.add_session(a_session("s-1", label="api-refactor"))
    router.own.add_session(a_session("team/docs", label="docs"))
    router.own.add_session(a_session("s-3", "attic", label="sensor", connected=False))
    with served(router, browser) as console:
        yield console
    assert console.complaints == []


@pytest.fixture
def line(browser: Browser) -> Iterator[Line]:
    """The console with its service worker, and a line to it that can be cut."""
    router = FakeRouter(datetime.now(UTC))
    router.own.add_machine("devbox")
    router.own.add_session(a_session("s-1", label="api-refactor"))
    router.own.add_session(a_session("team/docs", label="docs"))
    line = Line(router, browser).mend()
    yield line
    line.cut()
    assert line.complaints == []
