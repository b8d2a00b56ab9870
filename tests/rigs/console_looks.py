"""How each state of the console looks: `python -m tests.rigs.console_looks FOLDER` takes pictures, and remembers them.

What is remembered is coarse: the colour of each of some hundred fields of the page, on the whole. Another font moves
little there, a part that is gone, or in another place, much.
"""

import base64
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page, expect

REMEMBERED = Path(__file__).with_name("console_looks.json")
COLUMNS, ROWS = 16, 12
SIZES = {"desk": (1280, 800), "phone": (390, 844)}
SCHEMES = ("light", "dark")
_SHADE = 8  # of 256
_FIELDS = f"""async (source) => {{
  const image = new Image();
  image.src = source;
  await image.decode();
  const half = new OffscreenCanvas({COLUMNS * 16}, {ROWS * 16});
  half.getContext("2d").drawImage(image, 0, 0, half.width, half.height);
  const data = half.getContext("2d").getImageData(0, 0, half.width, half.height).data;
  const fields = Array({COLUMNS * ROWS * 3}).fill(0);
  for (let y = 0; y < half.height; y += 1) for (let x = 0; x < half.width; x += 1) {{
    const at = (y * half.width + x) * 4;
    const field = (Math.floor(y / 16) * {COLUMNS} + Math.floor(x / 16)) * 3;
    for (let colour = 0; colour < 3; colour += 1) fields[field + colour] += data[at + colour] / 256;
  }}
  return fields.map((one) => Math.min(255, Math.round(one)));
}}"""


@dataclass(frozen=True)
class State:
    """A state of the page: where it is, and what somebody does there."""

    path: str
    shown: str  # once this is there, it is
    act: Callable[[Page], object] = lambda _page: None


def _open_screen(page: Page) -> None:
    page.get_by_role("button", name="Show the terminal").click()
    expect(page.locator(".terminal")).to_contain_text("41 passed")


def _search(page: Page) -> None:
    page.get_by_label("Words to search").fill("empty")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator(".hit")).not_to_have_count(0)


def _choose(page: Page) -> None:
    page.get_by_role("button", name="Choose all that take a yes or no").click()


def _in_december(page: Page) -> None:
    """A month looks otherwise each day: it is always the same one."""
    page.clock.set_fixed_time(datetime(2026, 12, 9, 11, 30, tzinfo=UTC))
    page.reload()
    expect(page.locator(".day-count").nth(20)).to_be_attached()


def _later(page: Page) -> None:
    _in_december(page)
    page.get_by_role("button", name="Do something later").click()


def _audience(page: Page) -> None:
    page.get_by_label("More about this session").click()
    page.get_by_role("button", name="Who hears of it…").click()
    expect(page.locator(".audience li")).to_have_count(2)


def _muted(page: Page) -> None:
    page.get_by_label("More about this session").click()
    page.get_by_role("button", name="Mute it here until…").click()
    page.locator("#mute-until").fill("2026-12-09T18:30")


def _edited(page: Page) -> None:
    page.get_by_role("button", name="Change it…").click()


def _for(page: Page) -> None:
    page.get_by_role("button", name="⏱ Allow for…").click()


def _logged_out(page: Page) -> None:
    address = page.url
    page.goto("about:blank")  # else what it asks for just then is refused, and that is complained about
    page.context.clear_cookies()
    page.goto(address)
    expect(page.get_by_role("button", name="Log in")).to_be_visible()


def _start(page: Page) -> None:
    page.locator("#start").click()
    page.get_by_label("Coding agent").select_option("model")


def _keys(page: Page) -> None:
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


STATES = {
    "conversation": State("#/session/s-1", ".question"),
    "beginning": State(
        "#/session/s-1", ".question", lambda page: page.locator(".scroller").evaluate("e => e.scrollTo(0, 0)")
    ),
    "change": State("#/session/c-1", ".question .diff"),
    "choice": State("#/session/team%2Fdocs", ".question"),
    "away": State("#/session/s-3", ".sent"),
    "over": State("#/session/old", ".over-words"),
    "menu": State("#/session/s-1", ".question", lambda page: page.get_by_label("More about this session").click()),
    "terminal": State("#/session/s-1", ".question", _open_screen),
    "inbox": State("#/inbox", ".inbox .card"),
    "chosen": State("#/inbox", ".inbox .card", _choose),
    "found": State("#/search", ".search-form", _search),
    "queue": State("#/queue", ".card"),
    "later": State("#/later", ".month", _in_december),
    "wish": State("#/later", ".month", _later),
    "machines": State("#/machines", ".card"),
    "settings": State("#/settings", ".card"),
    "rules": State("#/rules", ".rules .card"),
    "ladder": State("#/ladder", ".summaries .card"),
    "audience": State("#/session/s-1", ".question", _audience),
    "notes": State("#/notes", ".notes .card"),
    "trace": State("#/trace", ".nothing"),
    "passkey": State("#/passkey", ".trace-form"),
    "list": State("#/", "#sessions .row"),
    "workspaces": State("#/workspaces", ".workspaces .card"),
    "start": State("#/", "#sessions .row", _start),
    "muted": State("#/session/s-1", ".question", _muted),
    "edited": State("#/session/s-1", ".question", _edited),
    "for": State("#/session/s-1", ".question", _for),
    "login": State("#/", "#sessions .row", _logged_out),
    "keys": State("#/session/team%2Fdocs", ".question", _keys),
}


def on_a_phone(name: str) -> bool:
    """Keys have no place there."""
    return name != "keys"


def bring(page: Page, state: State) -> None:
    """Let the page be in that state."""
    expect(page.locator("#sessions .row").first).to_be_attached()  # else all of it may be there but these
    expect(page.locator(state.shown).first).to_be_visible()
    state.act(page)


def fields(aside: Page, picture: bytes) -> bytes:
    """Red, green and blue of each field of a picture, as a page sees it that is there for that alone."""
    return bytes(aside.evaluate(_FIELDS, f"data:image/png;base64,{base64.b64encode(picture).decode()}"))


def apart(one: bytes, other: bytes) -> float:
    """In how many of a hundred fields two differ by more than a shade."""
    changed = {at // 3 for at, (a, b) in enumerate(zip(one, other, strict=True)) if abs(a - b) > _SHADE}
    return 100 * len(changed) / (COLUMNS * ROWS)


def remembered() -> dict[str, bytes]:
    """By state, size and scheme."""
    return {name: bytes.fromhex(each) for name, each in json.loads(REMEMBERED.read_text()).items()}


def main(folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    from tests.rigs.browsed_console import CHROMIUM, served
    from tests.rigs.console_scene import a_day

    folder.mkdir(parents=True, exist_ok=True)
    known = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        with served(a_day(), browser) as console, browser.new_page() as aside:
            for name, state in STATES.items():
                for size in SIZES if on_a_phone(name) else ["desk"]:
                    for scheme in SCHEMES:
                        with console.visit(SIZES[size], scheme, state.path) as page:
                            bring(page, state)
                            picture = page.screenshot(
                                animations="disabled", path=folder / f"{name}-{size}-{scheme}.png"
                            )
                            known[f"{name}-{size}-{scheme}"] = fields(aside, picture)
        browser.close()
    lines = (f"  {json.dumps(name)}: {json.dumps(each.hex())}" for name, each in sorted(known.items()))
    REMEMBERED.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
