"""The console's conversation: words stay in sight, receipts tell no more than is so."""

import re
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, Page, expect

from pointsman.client.errors import RouterError
from pointsman.client.records import Button, CommandState, SessionState
from tests.rigs.browsed_console import IN_BROWSER, PHONE, Console
from tests.rigs.console_router import a_session
from tests.waiting import wait_until

pytestmark = IN_BROWSER


def stations(page: Page) -> str:
    """The newest receipt: "Accepted passed, On the machine now, …" """
    stops = page.locator(".sent").last.locator(".stop")
    return ", ".join(
        f"{stop.locator('.stop-name').inner_text()} {stop.get_attribute('data-state')}" for stop in stops.all()
    )


def wait_for_stations(page: Page, wanted: str) -> None:
    wait_until(lambda: stations(page) == wanted)


def test_a_reply_is_seen_on_its_way_from_accepted_to_finished(console: Console) -> None:
    console.router.own.say("s-1", "All tests pass. Shall I commit?")

    with console.visit() as page:
        expect(page.get_by_role("heading", name="api-refactor")).to_be_visible()
        expect(page.locator(".said").last).to_contain_text("Shall I commit?")
        page.get_by_label("Message to api-refactor").fill("Yes, and go on.")
        page.keyboard.press("Enter")

        wait_for_stations(page, "Accepted passed, On the machine now, Typed in ahead, Finished ahead")
        (command,) = console.router.own.known_commands
        console.router.own.bring(command, CommandState.SENT, CommandState.RECEIVED)
        wait_for_stations(page, "Accepted passed, On the machine passed, Typed in now, Finished ahead")
        console.router.own.bring(command, CommandState.DONE)
        console.router.own.mark(command, "taken_at")
        wait_for_stations(page, "Accepted passed, On the machine passed, Typed in passed, Working on it now")
        console.router.own.mark(command, "finished_at")
        wait_for_stations(page, "Accepted passed, On the machine passed, Typed in passed, Finished passed")
        expect(page.locator(".sent .stop-time").first).to_have_text(re.compile(r"\d\d:\d\d:\d\d"))
        expect(page.get_by_label("Message to api-refactor")).to_have_value("")


def test_what_a_command_printed_stands_under_it(console: Console) -> None:
    command = console.router.own.accept("s-1", "make release").command_id
    console.router.own.bring(
        command, CommandState.SENT, CommandState.RECEIVED, CommandState.DONE, detail="released 0.9"
    )

    with console.visit(path="#/session/s-1") as page:
        expect(page.get_by_label("What it printed")).to_have_text("released 0.9")


def test_words_stay_however_many_receipts_follow_and_earlier_ones_come_by_scrolling(console: Console) -> None:
    own = console.router.own
    for number in range(70):
        own.say("s-1", f"word {number}")
    for number in range(60):
        own.bring(own.accept("s-1", f"sent {number}").command_id, CommandState.DONE)

    with console.visit(path="#/session/s-1") as page:
        expect(page.get_by_text("sent 59", exact=True)).to_be_in_viewport()
        scroll_to(page, "word 69")
        scroll_to(page, "word 0")
        expect(page.get_by_role("button", name="Earlier")).to_be_hidden()
        own.say("s-1", "newest")
        page.get_by_role("button", name="New messages").click()

        expect(page.locator(".messages").get_by_text("newest", exact=True)).to_be_in_viewport()


def test_what_is_left_out_is_said_and_shown_on_demand(console: Console) -> None:
    console.router.own.say("s-1", "first")
    for number in range(230):
        console.router.own.accept("s-1", f"sent {number}")

    with console.visit(path="#/session/s-1") as page:
        expect(page.get_by_text("sent 229", exact=True)).to_be_in_viewport()
        scroll_to(page, "first")
        scroll_to(page, "sent 0")

        expect(page.get_by_text("is left out")).to_have_count(0)


def scroll_to(page: Page, words: str) -> None:
    """Up, as somebody who looks for them does."""

    def is_there() -> bool:
        page.locator(".scroller").evaluate("one => one.scrollBy(0, -600)")
        return page.locator(".messages").get_by_text(words, exact=True).count() > 0

    wait_until(is_there)


def test_of_many_receipts_only_the_newest_is_a_panel_and_a_tab_stop(console: Console) -> None:
    own = console.router.own
    for number in range(5):
        own.bring(own.accept("s-1", f"{number}").command_id, CommandState.RECEIVED, CommandState.DONE)

    with console.visit(path="#/session/s-1") as page:
        expect(page.locator(".receipt[open]")).to_have_count(1)
        expect(page.locator(".sent").last.locator(".track")).to_be_visible()
        expect(page.locator(".receipt:not([open]) summary[tabindex='-1']")).to_have_count(3)
        heights = page.locator(".receipt:not([open])").evaluate_all("all => all.map(one => one.offsetHeight)")
        page.locator(".receipt summary:not([tabindex])").first.focus()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")

        expect(page.locator(".receipt[open]")).to_have_count(2)
        assert max(heights) < 30


@pytest.mark.parametrize(
    ("changes", "fate"),
    [
        ({}, "Typed into api on devbox at once."),
        ({"state": SessionState.UNKNOWN}, "Typed into api on devbox at once."),
        ({"state": SessionState.BUSY}, "It is working: your text is typed in now, and api takes it when it is ready."),
        ({"state": SessionState.WAITING}, "It waits for an answer to its question: your text is typed after that."),
        ({"machine_id": "attic", "connected": False}, "attic is away: your text waits for it, up to 24 hours."),
        ({"backend": "command"}, "Runs the command of api on devbox with your text."),
    ],
)
def test_what_will_happen_to_a_text_is_said_before_it_is_sent(
    console: Console, changes: dict[str, object], fate: str
) -> None:
    console.router.own.add_session(a_session("s-9", label="api", **changes))

    with console.visit(PHONE, path="#/session/s-9") as page:
        expect(page.locator("#composer-fate")).to_have_text(fate)
        expect(page.locator("#composer-fate")).to_be_in_viewport()


def test_a_long_name_of_a_file_keeps_within_the_page(console: Console) -> None:
    path = "/".join(["a-folder-with-a-long-name"] * 4)
    console.router.own.do("s-1", "said", by="ASSISTANT", text="Look.")
    console.router.own.say("s-1", path)

    with console.visit(PHONE, path="#/session/s-1") as page:
        expect(page.locator(".mark > span")).to_have_text(path)
        box = page.locator(".mark > span").bounding_box()

        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE[0]


def test_a_deep_folder_is_shown_by_its_end(console: Console) -> None:
    console.router.own.add_session(a_session("deep", label="api", cwd="/srv/build/ada/src/api"))

    with console.visit(PHONE, path="#/session/deep") as page:
        expect(page.locator(".where")).to_have_text("devbox · pty · …/src/api")
        expect(page.locator(".where")).to_have_attribute("title", "deep · /srv/build/ada/src/api")


def test_a_plain_terminal_is_not_expected_to_finish(console: Console) -> None:
    console.router.own.known_sessions[0] = replace(console.router.own.known_sessions[0], state=SessionState.UNKNOWN)
    console.router.own.accept("s-1", "make")

    with console.visit(path="#/session/s-1") as page:
        wait_for_stations(page, "Accepted passed, On the machine now, Typed in ahead")
        (command,) = console.router.own.known_commands
        console.router.own.bring(command, CommandState.RECEIVED, CommandState.DONE)

        wait_for_stations(page, "Accepted passed, On the machine passed, Typed in passed")


def test_a_key_is_pressed_and_finishes_nothing(console: Console) -> None:
    command = console.router.own.accept("s-1", key="esc")
    console.router.own.bring(command.command_id, CommandState.RECEIVED, CommandState.DONE)

    with console.visit(path="#/session/s-1") as page:
        wait_for_stations(page, "Accepted passed, On the machine passed, Pressed passed")


def test_every_time_tells_the_whole_of_it_on_hover(console: Console) -> None:
    console.router.own.say("s-1", "Done.")
    for number in range(2):
        console.router.own.bring(console.router.own.accept("s-1", f"{number}").command_id, CommandState.DONE)

    with console.visit(path="#/session/s-1") as page:
        expect(page.locator(".sent")).to_have_count(2)
        shown = page.locator("time").filter(has_text=re.compile("[0-9]|now"))
        year = str(datetime.now(UTC).year)
        assert [title for title in map(title_of, shown.all()) if year not in title] == []
        assert shown.count() >= 8


def title_of(found: Locator) -> str:
    return found.get_attribute("title") or f"none: {found.inner_text()}"


def test_a_toast_covers_no_words(console: Console) -> None:
    console.router.own.say("s-1", "The newest words.", Button("Go on", "continue"))
    console.router.own.known_sessions[0] = replace(console.router.own.known_sessions[0], session_id="s-0")

    with console.visit(PHONE, path="#/session/s-0") as page:
        page.get_by_label("Message to api-refactor").fill("x")
        console.router.tells = "Which session?"
        page.get_by_role("button", name="Send", exact=True).tap()
        expect(page.locator(".toast")).to_have_text("Which session?")

        boxes = "[...document.querySelectorAll('.toasts, .main')].map(one => one.getBoundingClientRect().toJSON())"
        toast, main = page.evaluate(boxes)
        assert toast["bottom"] <= main["top"]


def test_what_a_refusal_asks_stays_a_question(console: Console) -> None:
    with console.visit(path="#/session/s-1") as page:
        field = page.get_by_label("Message to api-refactor")
        expect(field).to_be_focused()
        failure = RouterError("FAILED_PRECONDITION", "the session has ended. Start another?", "SESSION_ENDED")
        console.router.own.failure = failure
        field.fill("x")
        field.press("Enter")

        expect(page.locator(".pending")).to_contain_text("Not sent: The session has ended. Start another?")
        expect(page.locator(".pending")).not_to_contain_text("?.")

    console.complaints[:] = [line for line in console.complaints if "404" not in line]


def test_a_picture_that_a_session_sends_is_shown_and_what_only_calls_itself_one_is_a_link(console: Console) -> None:
    picture = b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
    own = console.router.own
    own.attach(own.say("s-1", "The page."), "shot.png", "evil.png")
    sizes = tuple(replace(one, size=len(picture)) for one in own.known_notifications[0].files)
    own.known_notifications[0] = replace(own.known_notifications[0], files=sizes)
    console.router.files |= {
        "file-shot.png": [picture],
        "file-evil.png": [b"<svg onload='alert(1)'/>".ljust(len(picture))],
    }

    with console.visit(path="#/session/s-1") as page:
        expect(page.get_by_role("img", name="shot.png")).to_have_js_property("naturalWidth", 1)
        expect(page.get_by_role("link", name="evil.png")).to_be_visible()
        expect(page.get_by_role("img", name="evil.png")).to_have_count(0)

    console.complaints[:] = [line for line in console.complaints if "400" not in line]
