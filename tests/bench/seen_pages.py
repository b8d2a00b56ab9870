"""When the console's page in Chromium has each thing that a session does in its document, by the machine's clock."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

from tests.faults.watched import Seen
from tests.rigs.browsed_console import CHROMIUM
from tests.waiting import PATIENCE

# An event is seen when its row is there; the end of a tool, when its row says so.
_WATCH = """() => {
  const seen = (globalThis.seenAt = {});
  const look = () => {
    const now = Date.now() / 1000;
    for (const row of document.querySelectorAll(".messages [data-seq]")) {
      const state = row.querySelector(":scope > details.tool")?.dataset.state;
      seen[row.dataset.seq] ??= now;
      if (state === "done" || state === "failed") seen[`${row.dataset.seq} over`] ??= now;
    }
  };
  const changes = { childList: true, subtree: true, attributes: true, attributeFilter: ["data-state", "data-seq"] };
  addEventListener("DOMContentLoaded", () => new MutationObserver(look).observe(document.body, changes));
}"""


@contextmanager
def shown(link: str, session: str) -> Iterator[Page]:
    """The page with that session, of somebody whom the link lets in."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(link)
        page.add_init_script(f"({_WATCH})()")
        page.goto(f"{link.partition('/console/')[0]}/console/#/session/{session}")
        page.reload()  # another fragment alone is the same document
        page.locator(".messages li").first.wait_for(timeout=PATIENCE * 1000)
        yield page
        browser.close()


def late(page: Page, seen: list[Seen], at: Mapping[int, float]) -> list[float]:
    """Seconds until each of those was in the document; `at` is when the program made which, by their numbers.

    What the page shows in another way, such as the use of a tool that is its plan, has no row.
    """
    times: dict[str, float] = page.evaluate("globalThis.seenAt")
    begun, found = dict[str, int](), list[float]()
    for one in seen:
        kind, _, rest = one.key.partition(" ")
        name, _, state = rest.rpartition(" ")
        first = begun.setdefault(name, one.seq) if kind == "tool" else one.seq
        shown_at = times.get(f"{first} over" if kind == "tool" and state != "RUNNING" else f"{first}")
        if one.seq in at and shown_at is not None:
            found.append(shown_at - at[one.seq])
    return found
