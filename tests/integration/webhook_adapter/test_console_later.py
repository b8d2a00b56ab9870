"""What is to be done later, on the console's pages: a month of it, made, changed, and going on after a usage limit."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from pointsman.client.deferred import DeferredState, DeferredTask
from tests.rigs.browsed_console import DESK, IN_BROWSER, PHONE, Console
from tests.waiting import wait_until

pytestmark = IN_BROWSER

SIZES = pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])


def noon(days: int = 0) -> datetime:
    today = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    return today + timedelta(days=days)


def cell(page: Page, day: datetime) -> str:
    """What is read out of a day."""
    return page.locator(f'[data-day="{day.year}-{day.month}-{day.day}"] .unseen').inner_text()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


@SIZES
def test_a_month_shows_what_is_to_come_and_a_day_of_it(console: Console, size: tuple[int, int]) -> None:
    own = console.router.own
    times = [noon(), noon() + timedelta(hours=4)]
    own.keeps("run the tests", "every 4h", session_id="s-1", times=times)
    own.keeps("stand-up", "today 12:00", DeferredTask.REMINDER, times=[noon()])

    with console.visit(size, path="#/later") as page:
        expect(page.locator(".times li")).to_have_count(3)
        assert cell(page, noon()).endswith(", 3 times")
        expect(page.locator(".times li").first).to_contain_text("run the tests · Written to api-refactor")
        expect(page.locator(".times li").nth(1)).to_contain_text("stand-up · Reminder")
        (until, since, zone) = own.asked_for[-1]
        assert since is not None
        assert until - since in (timedelta(weeks=5), timedelta(weeks=6), timedelta(weeks=4))
        assert zone


def test_another_month_is_asked_for(console: Console) -> None:
    far = noon(40)
    console.router.own.keeps("renew the certificate", "then", session_id="s-1", times=[far])

    with console.visit(path="#/later") as page:
        expect(page.get_by_text("Nothing is planned for this day.")).to_be_visible()
        for _ in range((far.year - noon().year) * 12 + far.month - noon().month):
            press(page, "The next month")
        day = page.locator(f'[data-day="{far.year}-{far.month}-{far.day}"]')
        expect(day).to_contain_text("renew the certificate")
        day.click()
        expect(day).to_be_focused()
        expect(page.locator(".times li")).to_contain_text("renew the certificate")
        press(page, "Today")
        expect(page.get_by_text("Nothing is planned for this day.")).to_be_visible()


@SIZES
def test_what_waits_is_paused_moved_done_now_and_taken_back(console: Console, size: tuple[int, int]) -> None:
    own = console.router.own
    known = own.keeps("sync", "every 2h", session_id="s-1", times=[noon(1)]).deferred_id

    with console.visit(size, path="#/later") as page:
        press(page, "Pause")
        expect(page.locator(".card .chip")).to_have_text("Paused")
        press(page, "Go on")
        expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
        press(page, "Do it now")
        expect(page.locator(".card")).to_contain_text("done 1 time so far")
        press(page, "Move…")
        page.get_by_label("When", exact=True).fill("some day")
        press(page, "Move it")
        expect(page.get_by_role("dialog")).to_contain_text("When is not clear from 'some day'")
        press(page, "every weekday 9:00")
        press(page, "Move it")
        expect(page.locator(".card")).to_contain_text("every weekday 9:00")
        press(page, "Take it back…")
        page.get_by_role("dialog").get_by_role("button", name="Take it back").click()
        expect(page.get_by_text("Nothing waits to be done later.")).to_be_visible()

    assert own.known_deferred[known].state is DeferredState.CANCELLED
    console.complaints[:] = [line for line in console.complaints if "400" not in line]


@SIZES
def test_something_is_asked_for_and_stands_there(console: Console, size: tuple[int, int]) -> None:
    own = console.router.own
    own.known_machines[0] = replace(own.known_machines[0], start_folders=("~/src", "~/web"))

    with console.visit(size, path="#/later") as page:
        press(page, "Do something later")
        page.get_by_label("What", exact=True).select_option("Start a session")
        expect(page.get_by_label("Session", exact=True)).to_be_hidden()
        page.get_by_label("Folder", exact=True).select_option("~/web")
        page.get_by_label("Text", exact=True).fill("look at the failures")
        page.get_by_label("When", exact=True).fill("every weekday 9:00")
        press(page, "Keep it")
        expect(page.locator(".cards .card")).to_contain_text("Starts on devbox")

    [kept] = own.known_deferred.values()
    assert (kept.task, kept.machine_id, kept.folder) == (DeferredTask.START, "devbox", "~/web")
    assert (kept.text, kept.when) == ("look at the failures", "every weekday 9:00")
    assert own.wanted_at == list(console.router.open_browsers)


def test_nothing_is_asked_for_before_it_is_known_what_there_is(console: Console) -> None:
    own = console.router.own
    own.known_machines[0] = replace(own.known_machines[0], start_folders=("~/src",))

    with console.visit(path="#/later") as page:
        page.route("**/console/api/live*", lambda _: None)
        page.reload()
        later = page.get_by_role("button", name="Do something later", exact=True)
        expect(later).to_be_disabled()
        page.unroute_all(behavior="ignoreErrors")  # what was held goes on
        later.click()
        expect(page.get_by_label("What", exact=True).locator("option")).to_have_text(
            ["Write to a session", "Remind people", "Start a session"]
        )


@SIZES
def test_words_in_the_field_are_sent_later(console: Console, size: tuple[int, int]) -> None:
    own = console.router.own

    with console.visit(size, path="#/session/s-1") as page:
        page.get_by_label("Message to api-refactor").fill("run the tests")
        press(page, "Keep it for later")
        expect(page.get_by_label("Text", exact=True)).to_have_value("run the tests")
        page.get_by_label("When", exact=True).fill("on rest")
        press(page, "Keep it")
        expect(page.locator(".toast")).to_have_text("Kept: on rest.")
        expect(page.get_by_label("Message to api-refactor")).to_have_value("")

    [kept] = own.known_deferred.values()
    assert (kept.task, kept.session_id, kept.text) == (DeferredTask.TEXT, "s-1", "run the tests")


@SIZES
def test_a_session_at_its_limit_goes_on_then(console: Console, size: tuple[int, int]) -> None:
    own = console.router.own
    until = datetime.now(UTC) + timedelta(hours=1)
    own.known_sessions[0] = replace(own.known_sessions[0], limited_until=until)

    with console.visit(size, path="#/session/s-1") as page:
        expect(page.locator(".limit")).to_contain_text("At its usage limit until")
        expect(page.locator("#composer-fate")).to_contain_text("your text waits until that is over")
        press(page, "Continue then")
        expect(page.locator(".limit")).to_contain_text("It goes on then")

    wait_until(lambda: own.known_deferred)
    [kept] = own.known_deferred.values()
    assert (kept.task, kept.session_id) == (DeferredTask.CONTINUE, "s-1")


def test_one_at_no_limit_says_nothing_of_it(console: Console) -> None:
    own = console.router.own
    over = datetime.now(UTC) - timedelta(minutes=1)
    own.known_sessions[0] = replace(own.known_sessions[0], limited_until=over)

    with console.visit(path="#/session/s-1") as page:
        expect(page.locator("#composer-fate")).to_have_text("Typed into api-refactor on devbox at once.")
        expect(page.locator(".limit")).to_be_hidden()
