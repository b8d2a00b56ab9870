"""The console over a line that is slow or breaks: what is pressed too early or again, and what comes in between."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from pointsman.client.records import SessionState
from tests.rigs.browsed_console import IN_BROWSER, Console
from tests.rigs.console_notes import a_note
from tests.rigs.console_scene import ALLOW, DENY
from tests.waiting import wait_until

pytestmark = IN_BROWSER

LIVE = "**/console/api/live*"
MINE = "#/session/s-1"


class Held:
    """What a page asks for at an address waits here, until it is opened."""

    def __init__(self, page: Page, address: str) -> None:
        self.asked: list[Route] = []
        self._page = page
        self._is_open = False
        page.route(address, self._hold)

    def _hold(self, route: Route) -> None:
        if self._is_open:
            route.continue_()
        else:
            self.asked.append(route)

    def one(self) -> Route:
        """The first, once it is there; what comes behind it is held no more."""
        wait_until(lambda: self._page.evaluate("true") and self.asked)
        self._is_open = True
        return self.asked[0]

    def open(self) -> None:
        self._is_open = True
        for route in self.asked:
            route.continue_()


def button(page: Page, name: str) -> Locator:
    """One that can be pressed."""
    return page.locator("#main").get_by_role("button", name=name, exact=True).and_(page.locator(":enabled"))


def settle(page: Page) -> None:
    """Whatever an answer that is there brings is shown behind this."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def turn_to(page: Page, path: str, name: str) -> None:
    page.evaluate("(path) => (location.hash = path)", path)
    expect(page.get_by_label(f"Message to {name}")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "name", "words"),
    [
        ("#/", "Start a session", "What it should do"),
        ("#/machines", "Add a machine", "Makes a token"),
        (MINE, "Keep it for later", "Write to a session"),
    ],
)
def test_what_needs_to_know_more_cannot_be_pressed_before(console: Console, path: str, name: str, words: str) -> None:
    own = console.router.own
    own.known_machines[0] = replace(own.known_machines[0], start_folders=("~/src",))

    with console.visit(path=path) as page:
        held = Held(page, LIVE)
        page.reload()
        expect(page.locator("#main .view")).to_be_visible()
        expect(button(page, name)).to_have_count(0)
        held.open()
        button(page, name).click()
        expect(page.get_by_role("dialog")).to_contain_text(words)


def test_a_session_is_not_over_before_it_is_known(console: Console) -> None:
    with console.visit(path=MINE) as page:
        held = Held(page, LIVE)
        page.reload()
        expect(page.locator("#composer")).to_be_visible()
        expect(page.get_by_text("This session is over.")).to_be_hidden()
        held.open()
        expect(page.get_by_label("Message to api-refactor")).to_be_visible()


def _lost(page: Page, address: str) -> list[dict[str, str]]:
    """The first request there arrives, and its answer does not; what was asked."""
    asked: list[dict[str, str]] = []

    def lose(route: Route) -> None:
        asked.append(route.request.post_data_json)
        if len(asked) > 1:
            route.continue_()
            return
        route.fetch()
        route.abort()

    page.route(address, lose)
    return asked


def _do_now(page: Page) -> None:
    button(page, "Do it now").click()


def _press_up(page: Page) -> None:
    if page.get_by_role("group", name="Press a key in the session").is_hidden():
        page.get_by_title("Press a key in the session").click()
    page.get_by_role("button", name="Press ↑").click()


def _answer(page: Page) -> None:
    field = page.get_by_label("A reason to deny, or your own answer")
    field.fill("use the other folder")
    field.press("Enter")


@pytest.mark.parametrize(
    ("path", "address", "act"),
    [("#/later", "change-deferred", _do_now), (MINE, "key", _press_up), (MINE, "send", _answer)],
    ids=["done now", "a key", "an answer"],
)
def test_pressed_again_after_a_lost_answer_it_is_the_same_wish_and_then_another(
    console: Console, path: str, address: str, act: Callable[[Page], None]
) -> None:
    own = console.router.own
    own.keeps("sync", "every 2h", session_id="s-1")
    own.ask("p-1", "s-1", "Bash", "make test")
    own.say("s-1", "May it use Bash?\n\nmake test", ALLOW, DENY, permission_id="p-1")

    with console.visit(path=path) as page:
        asked = _lost(page, f"**/console/api/{address}")
        act(page)
        expect(page.locator(".toast.bad")).to_contain_text("The console does not answer")
        for _ in range(2):
            before = len(asked)
            with page.expect_response(f"**/console/api/{address}"):
                act(page)
            assert len(asked) == before + 1
            settle(page)

    assert asked[0] == asked[1]
    assert {**asked[2], "key": ""} == {**asked[1], "key": ""}
    assert asked[2]["key"] != asked[1]["key"]
    console.complaints[:] = [line for line in console.complaints if "ERR_FAILED" not in line]


def test_of_two_searches_the_later_counts(console: Console) -> None:
    for text in ("needle one", "hay two"):
        console.router.own.do("s-1", "said", by="ASSISTANT", text=text)

    with console.visit(path="#/search") as page:
        expect(page.get_by_label("Where to search").locator("option")).to_have_count(4)
        field = page.get_by_label("Words to search")
        held = Held(page, "**/console/api/search*")
        field.fill("needle")
        field.press("Enter")
        first = held.one()
        field.fill("hay")
        field.press("Enter")
        expect(page.locator(".hit mark")).to_have_text("hay")
        with page.expect_response("**/console/api/search*"):
            first.continue_()
        settle(page)
        expect(page.locator(".hit mark")).to_have_text("hay")


def test_one_session_is_searched_alone_also_before_it_is_known(console: Console) -> None:
    with console.visit(path="#/search/s-1") as page:
        held = Held(page, LIVE)
        page.reload()
        page.get_by_label("Words to search").fill("needle")
        with page.expect_request("**/console/api/search*") as asked:
            page.get_by_label("Words to search").press("Enter")

        assert "session=s-1" in asked.value.url
        held.open()
        expect(page.get_by_label("Where to search")).to_have_value("s-1")


def test_notes_that_were_read_stay_while_other_things_change(console: Console) -> None:
    own = console.router.own
    own.known_notes = tuple(a_note(number, f"note {number}") for number in range(1, 71))

    with console.visit(path="#/notes") as page:
        button(page, "Older ones").click()
        expect(page.locator(".notes .card")).to_have_count(70)
        forget = button(page, "Forget note 1")
        forget.focus()
        own.known_sessions[0] = replace(own.known_sessions[0], label="renamed")
        with page.expect_response("**/console/api/notes*"):
            own.happened()
        expect(page.locator("#sessions")).to_contain_text("renamed")
        settle(page)

        expect(page.locator(".notes .card")).to_have_count(70)
        expect(forget).to_be_focused()


def test_a_menu_that_is_open_follows_its_session_and_keeps_the_focus(console: Console) -> None:
    own = console.router.own
    own.known_sessions[0] = replace(own.known_sessions[0], modes=("default", "plan"), mode="default")

    with console.visit(path=MINE) as page:
        page.get_by_label("More about this session").click()
        rename = button(page, "Rename it…")
        rename.focus()
        own.known_sessions[0] = replace(own.known_sessions[0], mode="plan", state=SessionState.BUSY)
        own.happened()

        expect(button(page, "Mode: plan…")).to_be_visible()
        expect(rename).to_be_focused()


def test_what_became_of_a_text_is_shown_wherever_one_has_been_meanwhile(console: Console) -> None:
    with console.visit(path=MINE) as page:
        held = Held(page, "**/console/api/send")
        page.get_by_label("Message to api-refactor").fill("go on")
        page.keyboard.press("Enter")
        sent = held.one()
        turn_to(page, "#/session/team%2Fdocs", "docs")
        turn_to(page, MINE, "api-refactor")
        expect(page.locator(".pending-words")).to_have_text("Sending…")
        sent.fulfill(status=403, json={"error": "you may not write there", "code": "FORBIDDEN"})

        expect(page.locator(".pending-words")).to_have_text("Not sent: You may not write there.")
    console.complaints[:] = [line for line in console.complaints if "403" not in line]


def test_a_file_that_did_not_go_is_there_wherever_one_has_been_meanwhile(console: Console, tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_bytes(b"x")

    with console.visit(path=MINE) as page:
        page.get_by_label("Message to api-refactor").fill("the log")
        held = Held(page, "**/console/api/upload*")
        with page.expect_file_chooser() as chooser:
            button(page, "Attach a file").click()
        chooser.value.set_files(tmp_path / "log.txt")
        part = held.one()
        turn_to(page, "#/session/team%2Fdocs", "docs")
        expect(page.locator(".uploads li")).to_have_count(0)
        part.fulfill(status=403, json={"error": "not now", "code": "FORBIDDEN"})
        turn_to(page, MINE, "api-refactor")
        button(page, "Try again").click()
        # Nothing of what is held goes on but while the page is waited for.
        expect(page.locator(".uploads li")).to_have_count(0, timeout=30_000)

    [sent] = console.router.submissions
    assert sent.text == "the log"
    console.complaints[:] = [line for line in console.complaints if "403" not in line]
