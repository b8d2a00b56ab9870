"""Workspaces in the console: reached from the settings, shown as they stand, as text."""

from playwright.sync_api import expect

from pointsman.client.workspaces import WorkspaceState
from tests.rigs.browsed_console import IN_BROWSER, Console
from tests.rigs.console_workspaces import a_workspace

pytestmark = IN_BROWSER


def test_they_are_reached_and_say_what_is_in_them(console: Console) -> None:
    console.router.own.known_workspaces = (
        a_workspace("github:acme/api#12", WorkspaceState.IN_USE, unpushed=2, dirty=True),
        a_workspace("<b>x</b>", WorkspaceState.CLOSING, session_id="", decision="keep: its machine is away"),
    )

    with console.visit(path="#/settings") as page:
        page.locator(".setting", has_text="Workspaces").get_by_role("link", name="Open").click()
        cards = page.locator(".workspaces .card")
        expect(cards).to_have_count(2)
        expect(cards.first).to_contain_text("in use on devbox · 2 unpushed, changed")
        expect(cards.first.get_by_role("link", name="Conversation")).to_have_attribute("href", "#/session/s-1")
        expect(cards.nth(1)).to_contain_text("<b>x</b>")
        expect(cards.nth(1)).to_contain_text("keep: its machine is away")
        expect(cards.nth(1).get_by_role("link")).to_have_count(0)  # nobody was in it


def test_where_there_is_none_it_says_how_to_make_one(console: Console) -> None:
    with console.visit(path="#/workspaces") as page:
        expect(page.locator(".nothing")).to_contain_text("pointsman start --workspace")


def test_one_is_closed_and_kept(console: Console) -> None:
    own = console.router.own
    own.known_workspaces = (a_workspace("github:5#12"), a_workspace("acme/web"))

    with console.visit(path="#/workspaces") as page:
        page.get_by_role("button", name="Close github:5#12").click()
        first = page.locator(".workspaces .card").first
        expect(first).to_contain_text("closing: 7 days of grace")
        expect(page.get_by_role("button", name="Close github:5#12")).to_have_count(0)
        page.get_by_role("button", name="Keep github:5#12").click()
        expect(first).to_contain_text("Kept by Ada")
        expect(page.get_by_role("button", name="Keep github:5#12")).to_have_count(0)

    assert own.workspaces_asked_by  # the router judges for whom it is


def test_what_the_janitor_would_do_is_shown_and_nothing_done(console: Console) -> None:
    console.router.own.known_workspaces = (a_workspace("acme/web", WorkspaceState.CLOSING),)

    with console.visit(path="#/workspaces") as page:
        page.get_by_role("button", name="What would the janitor do?").click()
        expect(page.locator(".decision")).to_have_text("It would be archived: over; changed")


def test_one_of_a_revoked_machine_is_shown_as_such(console: Console) -> None:
    console.router.own.known_workspaces = (a_workspace("acme/web", machine_revoked=True),)

    with console.visit(path="#/workspaces") as page:
        expect(page.locator(".workspaces .card")).to_contain_text("devbox, which was revoked: what is in it is on that")
