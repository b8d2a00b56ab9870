"""A person's whole day with the console on a phone alone: everything real, Claude Code too, but the model.

`PICTURES=FOLDER python -m pytest tests/e2e/test_day_on_the_page.py` keeps what the phone shows, as docs/day.md has it.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.claude_desk import LONG, startable
from tests.e2e.system import System
from tests.fakes.claude_program import ClaudeHome
from tests.programs import needed_to_drive_a_browser
from tests.rigs import pictures
from tests.rigs.browsed_console import CHROMIUM, IN_BROWSER
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, *IN_BROWSER]

PHONE = {"width": 390, "height": 844}
MS = LONG * 1000
PICTURES = os.environ.get("PICTURES")
Take = Callable[[str], None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where all of it lives; in pictures, a name that is nobody's."""
    if not PICTURES:
        yield tmp_path_factory.mktemp("day")
        return
    place = Path("/tmp/ada")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    yield place
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="module")
def both(folder: Path) -> Iterator[tuple[System, ClaudeHome]]:
    with startable(folder) as one:
        yield one


@pytest.fixture(scope="module")
def system(both: tuple[System, ClaudeHome]) -> System:
    return both[0]


@pytest.fixture(scope="module")
def home(both: tuple[System, ClaudeHome]) -> ClaudeHome:
    return both[1]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    needed_to_drive_a_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page(browser: Browser, system: System) -> Iterator[Page]:
    """The phone, let in by the link that the command line prints."""
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, color_scheme="light")
    one = context.new_page()
    one.set_default_timeout(MS)
    one.goto(system.cli("console", "--json", POINTSMAN_HTTP_LISTEN=system.console.rpartition("/")[2])["url"])
    yield one
    context.close()


@pytest.fixture(scope="module")
def take(browser: Browser, page: Page) -> Take:
    """Keeps a picture, where somebody wants them."""

    def taken(name: str) -> None:
        if PICTURES:
            page.mouse.move(0, 0)
            pictures.keep(browser, page.screenshot(animations="disabled"), Path(PICTURES, f"{name}.png"))

    return taken


def say(page: Page, words: str) -> None:
    page.locator("#composer").fill(words)
    page.get_by_role("button", name="Send", exact=True).click()


def hears(page: Page, words: str) -> None:
    expect(page.get_by_role("region", name="Conversation").get_by_text(words).last).to_be_visible(timeout=MS)


def rests(page: Page) -> None:
    """It has ended its turn, and nothing is on its way."""
    expect(page.locator(".head .chip")).to_have_text("Ready", timeout=MS)
    expect(page.locator(".receipt", has_text="Working on it")).to_have_count(0, timeout=MS)


def test_it_starts_a_session(page: Page, take: Take) -> None:
    start = page.get_by_role("button", name="Start a session", exact=True)
    expect(start).to_be_visible(timeout=MS)
    take("1-nothing-yet")
    start.click()
    page.get_by_label("What it should do").fill("Good morning. What is open in the notes?")
    take("2-start")
    page.get_by_role("button", name="Start", exact=True).click()

    hears(page, "echo: Good morning. What is open in the notes?")
    rests(page)
    take("3-first-answer")


def test_it_watches(page: Page, take: Take) -> None:
    say(page, "%slow 8 I read the notes, one line after the other, and tell what is open.")

    expect(page.locator(".saying")).to_be_visible(timeout=MS)
    take("4-writing")
    expect(page.locator(".saying")).to_have_count(0, timeout=MS)
    expect(page.locator(".said").last).to_contain_text("and tell what is open.", timeout=MS)
    rests(page)


def test_it_steers(page: Page, take: Take) -> None:
    say(page, "Then begin with the tests.")

    hears(page, "echo: Then begin with the tests.")
    rests(page)
    take("5-steered")


def test_it_allows_something_else_than_was_asked(page: Page, home: ClaudeHome, take: Take) -> None:
    say(page, "%bash touch everything.txt")
    expect(page.get_by_role("button", name="Change it…")).to_be_visible(timeout=MS)
    take("6-question")
    page.get_by_role("button", name="Change it…").click()
    expect(page.get_by_role("button", name=re.compile("Deny"))).to_have_count(0)
    page.get_by_label("command", exact=True).fill("touch notes.txt")
    page.get_by_label("description", exact=True).fill("One file")
    take("7-changed")
    page.get_by_role("button", name="Allow this instead").click()

    wait_until((home.project / "notes.txt").exists, LONG)
    expect(page.get_by_role("button", name="Change it…")).to_have_count(0, timeout=MS)
    assert not (home.project / "everything.txt").exists()
    rests(page)
    take("8-allowed")


def test_it_denies(page: Page, home: ClaudeHome, take: Take) -> None:
    say(page, "%bash rm notes.txt")
    page.get_by_role("button", name=re.compile("Deny")).click()

    expect(page.get_by_role("button", name=re.compile("Deny"))).to_have_count(0, timeout=MS)
    hears(page, "tool said:")
    assert (home.project / "notes.txt").exists()
    rests(page)
    take("9-denied")


def test_it_gives_a_file_and_its_words_with_it(page: Page, take: Take) -> None:
    page.locator("#composer").fill("Read this")
    page.locator('input[type="file"]:not([capture])').first.set_input_files(
        {"name": "shopping.txt", "mimeType": "text/plain", "buffer": b"buy milk\n"}
    )

    hears(page, "echo: Read this")
    rests(page)
    expect(page.get_by_text("At the desk")).to_have_count(0)
    take("10-file")


def test_it_ends_it(page: Page, system: System, take: Take) -> None:
    page.get_by_label("More about this session").click()
    take("11-more")
    page.get_by_role("button", name="End the session…").click()
    page.get_by_role("dialog").get_by_role("button", name="End it", exact=True).click()

    wait_until(lambda: system.sessions() == [], LONG)
    expect(page.get_by_text("This session is over.")).to_be_visible(timeout=MS)
    take("12-over")
