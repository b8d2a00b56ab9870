"""On the console's pages: who hears of a session, how somebody is asked again, summaries, rules, and for how long."""

import pytest
from playwright.sync_api import Page, expect

from pointsman.client.people_records import Ladder
from pointsman.client.records import Button
from tests.rigs.browsed_console import DESK, IN_BROWSER, PHONE, Console
from tests.rigs.console_audience import MAIL, TELEGRAM, a_rule
from tests.waiting import wait_until

pytestmark = IN_BROWSER

SIZES = pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


@SIZES
def test_rules_are_shown_and_ended(console: Console, size: tuple[int, int]) -> None:
    own = console.router.own
    own.known_rules = (a_rule("r-1"), a_rule("r-2", tool="Edit", pattern="<b>x</b>", folder="~/src/api"))

    with console.visit(size, path="#/settings") as page:
        page.locator(".setting", has_text="Rules").get_by_role("link", name="Open").click()
        expect(page.locator(".rules .card")).to_have_count(2)
        expect(page.locator(".rules .card").first).to_contain_text("It has answered 3 times.")
        expect(page.locator(".rules .pattern").nth(1)).to_have_text("<b>x</b>")
        press(page, 'End it: Bash: {"command":"npm test"}')
        expect(page.locator(".rules .card")).to_have_count(1)
        press(page, "End it: Edit: <b>x</b>")
        expect(page.locator(".nothing")).to_contain_text("No rule answers by itself.")

    assert own.ended_by.startswith("web")
    assert [rule.holds for rule in own.known_rules] == [False, False]


@SIZES
def test_who_hears_of_a_session_is_shown_and_changed(console: Console, size: tuple[int, int]) -> None:
    own = console.router.own

    with console.visit(size, path="#/session/s-1") as page:
        page.get_by_label("More about this session").click()
        press(page, "Who hears of it…")
        press(page, "Leave it out: Telegram · 4711")
        expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("Nobody else would hear of api then.")
        press(page, "Let it hear: E-mail · ada@example.org")
        expect(page.get_by_label("They hear of it").locator("li")).to_have_count(2)
        press(page, "Leave it out: Telegram · 4711")
        expect(page.get_by_label("They do not").locator("li")).to_contain_text("Telegram · 4711")
        press(page, "Close")

    assert own.told_chats == (MAIL,)
    assert own.other_chats == (TELEGRAM,)
    console.complaints[:] = [line for line in console.complaints if "409" not in line]


@SIZES
def test_a_ladder_is_set_with_what_goes_up_it(console: Console, size: tuple[int, int]) -> None:
    own = console.router.own
    own.known_ladder = Ladder("10m push", "failed")

    with console.visit(size, path="#/ladder") as page:
        field = page.get_by_label("Your ladder")
        expect(field).to_have_value("10m push")
        expect(page.get_by_label("What I sent ended badly")).to_be_checked()
        field.fill("soon")
        press(page, "Keep it")
        expect(page.locator(".ladder [role=alert]")).to_contain_text("A ladder is read as")
        field.fill("5m again")
        page.get_by_label("What I sent ended badly").uncheck()
        page.get_by_label("Nothing is heard of a machine").check()
        press(page, "Keep it")
        wait_until(lambda: own.known_ladder == Ladder("5m again", "machine-lost"))
        page.get_by_label("Nothing is heard of a machine").uncheck()
        press(page, "Keep it")
        wait_until(lambda: own.known_ladder == Ladder("5m again", "none"))

    assert own.asked_at in console.router.open_browsers  # the router judges whose it is
    console.complaints[:] = [line for line in console.complaints if "400" not in line]


def test_a_ladder_that_is_not_known_yet_cannot_be_kept(console: Console) -> None:
    with console.visit(path="#/machines") as page:
        page.route("**/console/api/ladder", lambda _: None)  # no answer comes
        page.evaluate("location.hash = '#/ladder'")
        expect(page.get_by_role("button", name="Keep it")).to_be_disabled()
        expect(page.get_by_label("Your ladder")).to_be_disabled()
        page.unroute_all(behavior="ignoreErrors")


@SIZES
def test_a_summary_is_wished_for_and_ended(console: Console, size: tuple[int, int]) -> None:
    own = console.router.own

    with console.visit(size, path="#/ladder") as page:
        row = page.locator(".summaries .card", has_text="Telegram · 4711")
        expect(row).to_contain_text("None comes.")
        row.get_by_label("At: Telegram · 4711").fill("07:30")
        row.get_by_role("button", name="Tell it then").click()
        expect(row).to_contain_text("Comes every day 07:30.")
        assert own.summaries == {"4711": "every day 07:30"}
        row.get_by_role("button", name="No more: Telegram · 4711").click()
        expect(row).to_contain_text("None comes.")


@SIZES
def test_a_session_is_muted_until_a_moment(console: Console, size: tuple[int, int]) -> None:
    with console.visit(size, path="#/session/s-1") as page:
        page.get_by_label("More about this session").click()
        press(page, "Mute it here until…")
        press(page, "Mute it")
        expect(page.locator(".toast")).to_contain_text("not counted")
        page.get_by_label("More about this session").click()
        expect(page.get_by_role("button", name="Unmute it in this browser (until")).to_be_visible()
        page.clock.install()
        page.clock.fast_forward("03:00:00")
        page.reload()
        page.get_by_label("More about this session").click()
        expect(page.get_by_role("button", name="Mute it in this browser", exact=True)).to_be_visible()


@SIZES
def test_for_how_long_is_chosen_under_the_question(console: Console, size: tuple[int, int]) -> None:
    own = console.router.own
    choices = [Button("✅ Allow", "allow"), Button("⏱ Allow for…", "for"), Button("❌ Deny", "deny")]
    note = own.say("s-1", "🔐 May it use Bash?\n\nnpm test", *choices, permission_id="p-1")

    with console.visit(size, path="#/session/s-1") as page:
        question = page.locator(".question")
        expect(question.get_by_role("group", name="For how long")).to_be_hidden()
        press(page, "⏱ Allow for…")
        press(page, "⏱ 2 hours, here")
        wait_until(lambda: console.router.submissions)

    assert console.router.submissions[-1].button == f"cmd:{note.token}:for-120"


@SIZES
def test_many_are_chosen_by_machine_and_by_what_is_risky(console: Console, size: tuple[int, int]) -> None:
    own = console.router.own
    for number, (words, risks) in enumerate((("rm -rf a", ("delete",)), ("ls", ()), ("rm -rf b", ("delete",)))):
        own.ask(f"q-{number}", "s-1", "Bash", words, risks=risks, machine_id="farm" if number == 2 else "devbox")
        own.say("s-1", words, Button("Allow", "allow"), Button("Deny", "deny"), permission_id=f"q-{number}")

    with console.visit(size, path="#/inbox") as page:
        page.get_by_label("What is risky").select_option("delete")
        press(page, "Choose these 2")
        expect(page.get_by_text("2 questions chosen")).to_be_visible()
        page.get_by_label("Machine", exact=True).select_option("farm")
        press(page, "Choose these 1")
        press(page, "Deny these")
        expect(page.locator(".toast")).to_contain_text("1 question denied.")

    assert [one.button for one in console.router.submissions] == ["cmd:T3:deny"]
