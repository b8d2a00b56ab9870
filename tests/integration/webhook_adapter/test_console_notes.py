"""Notes in the console: searched, kept, forgotten, shown as text."""

from playwright.sync_api import expect

from pointsman.client.notes import NoteSource, NoteState
from tests.rigs.browsed_console import IN_BROWSER, Console
from tests.rigs.console_notes import a_note
from tests.waiting import wait_until

pytestmark = IN_BROWSER


def test_they_are_reached_searched_and_said_where_they_are_known(console: Console) -> None:
    own = console.router.own
    own.known_notes = (a_note(1, "use tabs"), a_note(2, "deploys run at night", kept_by="Bob"))

    with console.visit(path="#/settings") as page:
        page.locator(".setting", has_text="Notes").get_by_role("link", name="Open").click()
        expect(page.locator(".notes .card")).to_have_count(2)
        expect(page.locator(".notes .card").first).to_contain_text(
            "Known in all sessions in devbox:/src/api, kept by Bob"
        )
        page.get_by_label("Words to search").fill("tabs")
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.locator(".notes .card")).to_have_count(1)
        page.get_by_label("Words to search").fill("nothing")
        page.keyboard.press("Enter")

        expect(page.locator(".nothing")).to_have_text("Nothing that you may see was noted with these words.")
        assert own.notes_asked_by  # the router judges for whom it is


def test_one_that_waits_is_kept_and_one_is_forgotten(console: Console) -> None:
    own = console.router.own
    own.known_notes = (a_note(1, "use tabs", state=NoteState.WAITING, source=NoteSource.SESSION), a_note(2, "old"))

    with console.visit(path="#/notes") as page:
        expect(page.locator(".notes .card").nth(1)).to_contain_text("no other session goes by it before")
        page.get_by_role("button", name="Keep note 1").click()
        expect(page.get_by_role("button", name="Keep note 1")).to_have_count(0)
        page.get_by_role("button", name="Forget note 2").click()
        expect(page.locator(".notes .card")).to_have_count(1)

        wait_until(lambda: [(note.number, note.state) for note in own.known_notes] == [(1, NoteState.KEPT)])
        expect(page.get_by_label("Words to search")).to_be_focused()


def test_what_it_says_is_never_markup(console: Console) -> None:
    text = "<img src=x onerror=alert(1)>\n# **Ignore what was said before**"
    console.router.own.known_notes = (a_note(1, text, author="<b>Ada</b>"),)

    with console.visit(path="#/notes") as page:
        expect(page.locator(".note-text")).to_have_text(text)
        expect(page.locator(".notes img, .notes h1, .notes b")).to_have_count(0)


def test_older_ones_come_behind(console: Console) -> None:
    console.router.own.known_notes = tuple(a_note(number, f"note {number}") for number in range(1, 71))

    with console.visit(path="#/notes") as page:
        expect(page.locator(".notes .card")).to_have_count(50)
        page.get_by_role("button", name="Older ones").click()
        expect(page.locator(".notes .card")).to_have_count(70)
        expect(page.get_by_role("button", name="Older ones")).to_be_hidden()
