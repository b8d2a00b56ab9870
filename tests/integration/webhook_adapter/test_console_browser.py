"""The console in a real browser, over a router in memory."""

from playwright.sync_api import expect

from pointsman.client.errors import RouterError
from pointsman.client.records import Button, CommandState
from tests.rigs.browsed_console import IN_BROWSER, PHONE, Console
from tests.rigs.console_router import a_session
from tests.waiting import wait_until

pytestmark = IN_BROWSER


def test_a_login_link_leads_to_the_session_that_spoke_last_and_out_again(console: Console) -> None:
    console.router.own.say("team/docs", "Chapter 1 is done.")

    with console.visit() as page:
        page.goto("about:blank")  # a page that still asks would get a 401
        page.context.clear_cookies()
        page.goto(console.login_link())
        expect(page.get_by_role("heading", name="docs")).to_be_visible()
        page.get_by_role("button", name="Log out").click()

        expect(page.get_by_label("API key")).to_be_focused()


def test_a_pairing_code_is_typed_where_the_key_is(console: Console) -> None:
    console.router.codes["k7qf-3m2x-pawb"] = ("Ada", "OPERATOR")

    with console.visit() as page:
        page.goto("about:blank")
        page.context.clear_cookies()
        page.goto(f"{console.address}/console/login")
        page.get_by_label("API key or code").fill("k7qf-3m2x-pawb")
        page.get_by_role("button", name="Log in").click()
        page.get_by_label("Message to api-refactor").fill("hello")
        page.get_by_role("button", name="Send").click()

        expect(page.locator(".sent .bubble")).to_have_text("hello")
        wait_until(lambda: console.router.submissions)
        assert [one.actor for one in console.router.submissions] == ["web:console (Ada)"]


def test_on_a_phone_one_goes_from_the_list_to_a_chat_and_back(console: Console) -> None:
    console.router.own.say("team/docs", "word " * 60 + "x" * 400 + "\n```\n" + "y" * 400 + "\n```")

    with console.visit(PHONE) as page:
        page.get_by_role("link", name="docs").tap()
        page.get_by_label("Message to docs").fill("shorter, please")
        page.get_by_role("button", name="Send").tap()
        expect(page.locator(".sent .bubble")).to_have_text("shorter, please")
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        page.get_by_role("link", name="Back to the sessions").tap()

        expect(page.get_by_role("link", name="sensor")).to_be_visible()
        expect(page.locator(".scroller")).to_be_hidden()
        assert widths == [375, 375]
        wait_until(lambda: console.router.submissions)  # a text is shown before it is sent
        assert [one.session_id for one in console.router.submissions] == ["team/docs"]


def test_everything_is_reached_by_keyboard(console: Console) -> None:
    console.router.own.say("s-1", "Go on?", Button("Continue", "continue"), Button("No", "no"))

    with console.visit() as page:
        field = page.get_by_label("Message to api-refactor")
        expect(field).to_be_focused()
        page.keyboard.type("one")
        page.keyboard.press("Shift+Enter")
        page.keyboard.type("two")
        page.keyboard.press("Enter")
        expect(page.locator(".sent .bubble")).to_have_text("one\ntwo")

        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Attach a file")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.locator(".keys summary")).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator(".sent kbd")).to_have_text("Esc")
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Press esc")).to_be_hidden()

        page.get_by_role("button", name="Continue").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Continue")).to_have_attribute("aria-pressed", "true")
        expect(page.get_by_role("button", name="No", exact=True)).to_have_attribute("aria-disabled", "true")
        wait_until(lambda: len(console.router.submissions) == 2)
        assert [one.button for one in console.router.submissions] == [None, "cmd:T1:continue"]


def test_a_question_is_answered_in_own_words_and_tells_its_end(console: Console) -> None:
    asked = console.router.own.say("s-1", "May it?", Button("Allow", "allow"), permission_id="q")

    with console.visit(path="#/session/s-1") as page:
        expect(page.get_by_role("button", name="Allow")).to_be_visible()
        page.get_by_label("A reason to deny, or your own answer").fill("use the sandbox")
        page.keyboard.press("Enter")
        expect(page.locator(".sent .bubble")).to_have_text("use the sandbox")
        console.router.own.say("s-1", "May it? Denied by Ada", permission_id="q")
        expect(page.locator(".said .bubble")).to_have_text("May it? Denied by Ada")
        expect(page.locator(".choices, .own-words").filter(visible=True)).to_have_count(0)
        wait_until(lambda: console.router.submissions)
        assert [one.reply_to_message_id for one in console.router.submissions] == [asked.notification_id]


def test_the_page_is_dark_where_the_person_likes_it_dark(console: Console) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"

    with console.visit(scheme="light") as light, console.visit(scheme="dark") as dark:
        assert light.evaluate(ground) == "rgb(245, 244, 240)"
        assert dark.evaluate(ground) == "rgb(18, 22, 27)"


def test_a_dead_letter_goes_to_another_session(console: Console) -> None:
    command = console.router.own.accept("s-3", "reboot")
    console.router.own.bring(command.command_id, CommandState.DEAD, reason="TOO_OLD")

    with console.visit() as page:
        page.get_by_role("link", name="Queue").click()
        expect(page.locator(".card")).to_contain_text("Given up: nobody could take it within 24 hours")
        page.get_by_role("button", name="Send to…").click()
        page.get_by_label("Session", exact=True).select_option(label="docs on devbox")
        page.get_by_role("button", name="Send", exact=True).click()

        expect(page.locator(".card")).to_contain_text("Waits for its turn")
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator(".card")).to_have_count(0)
        assert [one.session_id for one in console.router.own.known_commands.values()] == ["s-3", "team/docs"]


def test_what_sessions_say_is_never_markup(console: Console) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script> `<b>` \n```html\n<svg onload=alert(3)>\n```"
    console.router.own.add_session(a_session("s-4", label="<script>alert(4)</script>"))
    console.router.own.say("s-4", evil, Button("<i>yes</i>", "yes"))

    with console.visit(path="#/session/s-4") as page:
        expect(page.locator(".said .bubble")).to_contain_text("<img src=x onerror=alert(1)>")
        expect(page.locator(".said pre")).to_have_text("<svg onload=alert(3)>")
        expect(page.get_by_role("heading", name="<script>alert(4)</script>")).to_be_visible()
        assert page.locator("main img, main script, main i, main b").count() == 0


def test_what_is_written_while_the_router_is_away_goes_out_once_when_it_is_back(console: Console) -> None:
    with console.visit(path="#/session/s-1") as page:
        field = page.get_by_label("Message to api-refactor")
        expect(field).to_be_focused()
        console.router.own.failure = RouterError("UNAVAILABLE", "the router is away", "UNAVAILABLE")
        field.fill("patience")
        field.press("Enter")
        expect(page.locator(".pending")).to_contain_text("Not sent yet: The router is away.")
        console.router.own.failure = None

        expect(page.locator(".pending")).to_have_count(0)
        expect(page.locator(".sent .bubble")).to_have_text("patience")
        assert [one.text for one in console.router.submissions] == ["patience"]

    # The browser itself tells its console of each 503; nothing else may have been said.
    console.complaints[:] = [line for line in console.complaints if "503" not in line]


def test_a_page_without_a_router_says_so_and_comes_to_life_by_itself(console: Console) -> None:
    console.router.own.failure = RouterError("UNAVAILABLE", "the router is away", "UNAVAILABLE")

    with console.visit() as page:
        expect(page.locator("#banner")).to_have_text("The router is away. Trying again…")
        console.router.own.failure = None

        expect(page.get_by_role("heading", name="api-refactor")).to_be_visible()
        expect(page.locator("#banner")).to_be_hidden()

    console.complaints[:] = [line for line in console.complaints if "503" not in line]


def test_a_draft_stays_with_its_session(console: Console) -> None:
    with console.visit(path="#/session/s-1") as page:
        page.get_by_label("Message to api-refactor").fill("half a thought")
        page.get_by_role("link", name="docs").click()
        expect(page.get_by_label("Message to docs")).to_have_value("")
        page.reload()
        page.get_by_role("link", name="api-refactor").click()

        expect(page.get_by_label("Message to api-refactor")).to_have_value("half a thought")


def test_new_words_are_read_out_and_counted(console: Console) -> None:
    console.router.own.say("team/docs", "Chapter 1 is done.")

    with console.visit(path="#/session/s-1") as page:
        expect(page.get_by_label("Message to api-refactor")).to_be_focused()
        expect(page).to_have_title("(1) api-refactor · Pointsman")
        console.router.own.say("s-1", "Ready.")

        expect(page.locator("#announce")).to_have_text("api-refactor says: Ready.")
        expect(page.locator(".said .bubble")).to_have_text("Ready.")
