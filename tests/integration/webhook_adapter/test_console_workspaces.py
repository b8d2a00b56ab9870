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
        expect(cards.nth(1).get_by_role("link")).to_have_count(0)


def test_where_there_is_none_it_says_how_to_make_one(console: Console) -> None:
    with console.visit(path="#/workspaces") as page:
        expect(page.locator(".nothing")).to_contain_text("pointsman start --workspace")
