"""What a session is saying appears as it is typed, and is replaced by the whole of it."""

from playwright.sync_api import Page, expect

from tests.rigs.browsed_console import IN_BROWSER, Console
from tests.waiting import wait_until

pytestmark = IN_BROWSER

# How often each text was there at once, as somebody sees it: read after each change of the page.
WATCH = """() => {
  window.most = 0;
  window.least = 9;
  new MutationObserver(() => {
    const seen = document.querySelector(".messages").textContent.split("pelican").length - 1;
    window.most = Math.max(window.most, seen);
    window.least = Math.min(window.least, seen);
  }).observe(document.querySelector(".scroller"), { childList: true, subtree: true, characterData: true });
}"""


def following(console: Console) -> None:
    """Until somebody listens to the session for the page."""
    wait_until(lambda: console.router.own.listened)


def test_it_grows_and_the_whole_takes_its_place_once(console: Console) -> None:
    own = console.router.own
    own.do("s-1", "said", by="USER", text="Which bird?")

    with console.visit(path="#/session/s-1") as page:
        expect(page.get_by_text("Which bird?")).to_be_visible()
        following(console)
        own.says("s-1", "The **pelican**")
        expect(page.locator(".saying strong")).to_have_text("pelican")
        page.evaluate(WATCH)
        own.says("s-1", " is a large", before=15)
        expect(page.locator(".saying .bubble")).to_have_text("The pelican is a large")
        own.says("s-1", "large bird", before=21)
        expect(page.locator(".saying .bubble")).to_have_text("The pelican is a large bird")
        own.do("s-1", "said", by="ASSISTANT", text="The **pelican** is a large bird.")
        expect(page.get_by_text("The pelican is a large bird.")).to_be_visible()

        expect(page.locator(".saying")).to_have_count(0)
        expect(page.locator(".said")).to_have_count(1)
        assert page.evaluate("[window.least, window.most]") == [1, 1]


def test_who_comes_in_the_middle_sees_the_end_of_it(console: Console) -> None:
    own = console.router.own

    with console.visit(path="#/session/s-1") as page:
        following(console)
        own.says("s-1", "and so on", before=5000)

        expect(page.locator(".saying .bubble")).to_have_text("…and so on")


def test_another_answer_begins_anew(console: Console) -> None:
    own = console.router.own

    with console.visit(path="#/session/s-1") as page:
        following(console)
        own.says("s-1", "One")
        expect(page.locator(".saying .bubble")).to_have_text("One")
        own.says("s-1", "Two", answer="a-2")

        expect(page.locator(".saying .bubble")).to_have_text("Two")


def test_what_comes_late_of_an_answer_that_is_there_is_not_shown(console: Console) -> None:
    own = console.router.own
    own.do("s-1", "said", by="ASSISTANT", text="It is done.")

    with console.visit(path="#/session/s-1") as page:
        following(console)
        own.says("s-1", "It is done.")
        own.do("s-1", "said", by="USER", text="Thank you.")

        expect(page.get_by_text("Thank you.")).to_be_visible()
        expect(page.locator(".saying")).to_have_count(0)


def test_only_the_session_that_is_open_is_listened_to(console: Console) -> None:
    own = console.router.own

    with console.visit(path="#/session/team%2Fdocs") as page:
        following(console)
        own.says("s-1", "Nobody looks")
        own.says("team/docs", "Somebody looks")

        expect(page.locator(".saying .bubble")).to_have_text("Somebody looks")
        assert set(own.listened) == {"team/docs"}
        show(page, "s-1")
        expect(page.locator(".saying .bubble")).to_have_text("Nobody looks")


def show(page: Page, session_id: str) -> None:
    page.evaluate("(id) => (location.hash = `#/session/${id}`)", session_id)
