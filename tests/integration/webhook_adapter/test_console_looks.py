"""Each state of the console, at a desk and on a phone, light and dark.

Nothing keeps somebody out, nothing sticks out, and it looks as it did when people looked at it.

A look that is meant to change is taken anew by `python -m tests.rigs.console_looks FOLDER`, and looked at.
"""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.rigs import console_looks
from tests.rigs.browsed_console import IN_BROWSER, Console, served
from tests.rigs.console_looks import SCHEMES, SIZES, STATES, bring, on_a_phone
from tests.rigs.console_scene import a_day

pytestmark = IN_BROWSER

# axe-core 4.14.1 (MPL-2.0), as npm has it: what it looks for is said at https://github.com/dequelabs/axe-core.
AXE = gzip.decompress((Path(console_looks.__file__).with_name("axe.js.gz")).read_bytes()).decode()
VIOLATIONS = (
    "async () => (await axe.run()).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 90))}`)"
)
STICKING_OUT = """() => [...document.querySelectorAll("body *")].filter((one) => {
  const box = one.getBoundingClientRect();
  const inside = (node) => node && (getComputedStyle(node).overflowX !== "visible" || inside(node.parentElement));
  return box.width > 0 && box.right > innerWidth + 1 && one.checkVisibility() && !inside(one.parentElement);
}).map((one) => one.outerHTML.slice(0, 90))"""
# Fields of a hundred: what a part that is missing makes of it is more, another font less.
MOST_APART = 12.0
LOOKS = [
    (name, size, scheme)
    for name in STATES
    for size in SIZES
    for scheme in SCHEMES
    if size == "desk" or on_a_phone(name)
]
# Each state in each size and in each scheme; in all four together with TEST_LOOKS=1.
FEW = [
    (name, size, scheme)
    for name, size, scheme in LOOKS
    if not on_a_phone(name) or (size, scheme) in (("desk", "light"), ("phone", "dark"))
]


@pytest.fixture(scope="module")
def day(browser: Browser) -> Iterator[Console]:
    with served(a_day(), browser) as console:
        yield console


@pytest.fixture(scope="module")
def aside(browser: Browser) -> Iterator[Page]:
    """Looks at pictures."""
    with browser.new_page() as page:
        yield page


@pytest.mark.parametrize(("name", "size", "scheme"), LOOKS if "TEST_LOOKS" in os.environ else FEW, ids=str)
def test_it_is_open_to_all_keeps_within_the_page_and_looks_as_it_did(
    day: Console, aside: Page, name: str, size: str, scheme: str
) -> None:
    state = STATES[name]
    with day.visit(SIZES[size], scheme, state.path) as page:
        bring(page, state)

        assert page.evaluate(STICKING_OUT) == []
        seen = console_looks.fields(aside, page.screenshot(animations="disabled"))
        assert violations(page) == []
        assert console_looks.apart(seen, console_looks.remembered()[f"{name}-{size}-{scheme}"]) < MOST_APART
    assert day.complaints == []


def violations(page: Page) -> list[str]:
    page.evaluate(AXE)
    found: list[str] = page.evaluate(VIOLATIONS)
    return found


def test_a_part_that_is_missing_is_noticed(day: Console, aside: Page) -> None:
    state = STATES["conversation"]
    with day.visit(SIZES["desk"], "light", state.path) as page:
        bring(page, state)
        # Not taken out: what comes late would put it back.
        page.locator(".question").evaluate("one => one.style.setProperty('display', 'none', 'important')")
        seen = console_looks.fields(aside, page.screenshot(animations="disabled"))

        assert console_looks.apart(seen, console_looks.remembered()["conversation-desk-light"]) > MOST_APART
