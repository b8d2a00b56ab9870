"""A conversation of 10 000 events: what is far from the eye costs nothing.

Times are measured by `python -m tests.bench.conversation`.
"""

from playwright.sync_api import Browser, expect

from tests.bench.conversation import a_long_talk, held
from tests.rigs.browsed_console import IN_BROWSER, served

pytestmark = IN_BROWSER

EVENTS = 10_000
MOST_ROWS = 300
MOST_HELD = 150  # MiB


def test_all_of_it_is_there_and_little_of_it_in_the_page(browser: Browser) -> None:
    with served(a_long_talk(EVENTS), browser) as console, console.visit(path="#/session/s-1") as page:
        expect(page.get_by_text(f"Part {EVENTS - 1}.").last).to_be_in_viewport()
        page.goto(f"{console.address}/console/#/session/s-1/1")

        expect(page.locator(".found")).to_contain_text("Go on with part 0.", timeout=30_000)
        assert page.locator(".messages li").count() < MOST_ROWS
        assert held(page) < MOST_HELD
        page.locator(".scroller").evaluate("one => one.scrollTo(0, one.scrollHeight)")
        expect(page.get_by_text(f"Part {EVENTS - 1}.").last).to_be_in_viewport()
        assert page.locator(".messages li").count() < MOST_ROWS
