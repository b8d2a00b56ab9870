"""How a conversation of 10 000 events feels in a browser: `python -m tests.bench.conversation [EVENTS]`.

When its newest words are there, how long frames are while somebody scrolls all the way back, and what the page holds
then. Nothing of it is written anywhere.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.faults.table import quantile
from tests.rigs.browsed_console import CHROMIUM, Console, served
from tests.rigs.console_router import FakeRouter, a_session

MIB = 1024 * 1024
LONG = 50  # milliseconds, after which people feel that a page hangs
_WORDS = "The parser takes `bytes` now, and **no text**:\n\n```python\ndef parse(line: bytes) -> Row:\n    ...\n```\n"
_FIRST = """() => new PerformanceObserver(() => {}) && addEventListener("DOMContentLoaded", () => {
  new MutationObserver((_, watch) => {
    if (!document.querySelector(".messages li")) return;
    watch.disconnect();
    requestAnimationFrame(() => (globalThis.firstRows = performance.now()));
  }).observe(document.body, { childList: true, subtree: true });
})"""
_FRAMES = """() => {
  globalThis.frames = [];
  let last = performance.now();
  const look = (now) => {
    globalThis.frames.push(now - last);
    last = now;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def a_long_talk(events: int) -> FakeRouter:
    """Words, tools and plans of a week."""
    router, ends = FakeRouter(datetime.now(UTC)), datetime.now(UTC)
    router.own.add_machine("devbox")
    router.own.add_session(a_session("s-1", label="api"))
    for number in range(events):
        at = ends - timedelta(seconds=10 * (events - number))
        match number % 5:
            case 0:
                router.own.do("s-1", "said", at, by="USER", text=f"Go on with part {number}.")
            case 1 | 4:
                router.own.do("s-1", "said", at, by="ASSISTANT", text=f"{_WORDS}\nPart {number}.")
            case 2:
                tool = {"id": f"t{number}", "name": "Bash", "kind": "RUN", "title": f"make part-{number}"}
                router.own.do("s-1", "tool", at, **tool, input='{"command": "make"}', state="RUNNING")
            case 3:
                router.own.do("s-1", "tool", at, id=f"t{number - 1}", state="DONE", output="ok\n" * 200)
    return router


def held(page: Page) -> float:
    """MiB that the page's scripts hold once what is of no use is gone."""
    devices = page.context.new_cdp_session(page)
    devices.send("HeapProfiler.enable")
    devices.send("HeapProfiler.collectGarbage")
    devices.send("Performance.enable")
    metrics = {each["name"]: each["value"] for each in devices.send("Performance.getMetrics")["metrics"]}
    return float(metrics["JSHeapUsedSize"]) / MIB


def resident(browser: Browser) -> float:
    """MiB of memory that the largest process of a page has for itself."""
    told = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    sizes = [_own(each["id"]) for each in told if each["type"] == "renderer"]
    return max(sizes)


def _own(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def to_the_beginning(page: Page) -> None:
    """Scroll until nothing is earlier."""
    page.evaluate(
        """async () => {
          const scroller = document.querySelector(".scroller");
          const earlier = document.querySelector(".older");
          while (!earlier.hidden || scroller.scrollTop > 0) {
            scroller.scrollBy(0, -900);
            await new Promise(requestAnimationFrame);
          }
        }"""
    )


def measure(console: Console) -> None:
    with console.visit(path="about") as page:
        page.set_default_timeout(300_000)
        page.add_init_script(f"({_FIRST})()")
        page.goto(f"{console.address}/console/#/session/s-1")
        page.wait_for_function("() => globalThis.firstRows")
        print(f"newest words there after {page.evaluate('globalThis.firstRows'):.0f} ms")
        print(f"held then: {held(page):.0f} MiB by scripts, {resident(console.browser):.0f} MiB by the page's process")
        page.evaluate(f"({_FRAMES})()")
        to_the_beginning(page)
        frames: list[float] = page.evaluate("globalThis.frames")
        slow = sum(one > LONG for one in frames)
        print(f"{len(frames)} frames on the way to the beginning: p50 {quantile(frames, 0.5):.0f} ms, ", end="")
        print(f"p99 {quantile(frames, 0.99):.0f} ms, longest {max(frames):.0f} ms; {slow} longer than {LONG} ms")
        print(f"rows there: {page.locator('.messages li').count()}")
        print(f"held then: {held(page):.0f} MiB by scripts, {resident(console.browser):.0f} MiB by the page's process")


def main(events: int) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        with served(a_long_talk(events), browser) as console:
            measure(console)
        browser.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
