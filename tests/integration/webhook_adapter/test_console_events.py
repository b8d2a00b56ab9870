"""One timeline of what a session does and what was sent to it, in a real browser."""

import json
import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, Request, expect

from pointsman.client.errors import RouterError
from pointsman.client.records import CommandState
from tests.rigs.browsed_console import IN_BROWSER, Console
from tests.waiting import wait_until

pytestmark = IN_BROWSER

AGES = timedelta(seconds=30)
DIFF = "--- a.py\n+++ a.py\n@@ -1,2 +1,2 @@\n def f():\n-    return 1\n+    return 2"


def rows(page: Page) -> list[str]:
    """The conversation in a word each: what kind of row it is, and how it begins."""
    found = page.locator(".messages .chunk > li:not(.day)")
    words = "one.querySelector('.bubble, .tool-title, .mark > span')?.textContent ?? one.textContent"
    shown = found.evaluate_all(f"all => all.map(one => `${{one.className.split(' ')[0]}}: ${{{words}}}`)")
    return [str(row).split("\n")[0][:60] for row in shown]


def test_the_desk_and_afar_are_one_timeline(console: Console) -> None:
    own, begun = console.router.own, datetime.now(UTC) - AGES
    own.do("s-1", "said", begun, by="USER", text="Fix the test.")
    own.do("s-1", "said", begun, by="ASSISTANT", text="It is fixed.")

    with console.visit(path="#/session/s-1") as page:
        expect(page.locator(".sent .from")).to_have_text("At the desk")
        own.do("s-1", "said", by="ASSISTANT", text="Anything else?")
        expect(page.locator(".said").last).to_contain_text("Anything else?")

        assert rows(page) == ["sent: Fix the test.", "said: It is fixed.", "said: Anything else?"]


def test_a_text_from_here_is_a_receipt_until_the_session_says_it_and_is_never_there_twice(console: Console) -> None:
    own = console.router.own
    own.do("s-1", "said", datetime.now(UTC) - AGES, by="ASSISTANT", text="Ready.")

    with console.visit(path="#/session/s-1") as page:
        page.get_by_label("Message to api-refactor").fill("Run  the tests")
        page.keyboard.press("Enter")
        expect(page.locator(".sent .track")).to_be_visible()
        (command,) = own.known_commands
        own.bring(command, CommandState.SENT, CommandState.RECEIVED, CommandState.DONE)
        own.do("s-1", "said", own.tick(), by="USER", text="Run the tests")

        expect(page.locator(".sent .track")).to_be_hidden()
        expect(page.locator(".sent")).to_have_count(1)
        expect(page.locator(".sent .from")).to_have_text("You")
        expect(page.locator(".sent .receipt-head")).to_have_text("Typed in")
        own.mark(command, "taken_at", "finished_at")
        expect(page.locator(".sent .receipt-head")).to_have_text("Finished")
        assert rows(page) == ["said: Ready.", "sent: Run the tests"]


def test_the_same_text_sent_twice_is_there_twice(console: Console) -> None:
    own = console.router.own
    for _ in range(2):
        command = own.accept("s-1", "yes")
        own.bring(command.command_id, CommandState.DONE)
        own.do("s-1", "said", own.tick(), by="USER", text="yes")
    own.accept("s-1", "yes")

    with console.visit(path="#/session/s-1") as page:
        expect(page.locator(".sent")).to_have_count(3)
        expect(page.locator(".sent .track").filter(visible=True)).to_have_count(1)


def test_a_message_that_repeats_what_was_said_is_a_line(console: Console) -> None:
    own = console.router.own
    own.do("s-1", "said", own.tick(), by="ASSISTANT", text="All **41** tests pass.")
    own.say("s-1", "✅ Finished.\n\nAll **41** tests pass.")
    own.say("s-1", "The build machine is warm.")

    with console.visit(path="#/session/s-1") as page:
        expect(page.get_by_text("The build machine is warm.").last).to_be_visible()

        assert rows(page) == ["said: All 41 tests pass.", "mark: ✅ Finished.", "mark: The build machine is warm."]


def test_a_message_that_is_what_was_said_and_nothing_else_is_no_line(console: Console) -> None:
    own = console.router.own
    own.do("s-1", "said", own.tick(), by="ASSISTANT", text="Two tests are left.\n\nShall I go on?")
    own.say("s-1", "Two tests are left.\n\nShall I go on?")
    own.say("s-1", "Shall I go on?")

    with console.visit(path="#/session/s-1") as page:
        expect(page.get_by_text("Shall I go on?").last).to_be_visible()

        assert rows(page) == ["said: Two tests are left.", "mark: Shall I go on?"]


def test_a_file_from_here_is_the_path_that_was_typed_for_it(console: Console) -> None:
    own = console.router.own
    sent = own.accept("s-1", "notes.txt", kind="file")
    own.bring(sent.command_id, CommandState.DONE)
    own.do("s-1", "said", own.tick(), by="USER", text="Read this /var/files/7f/notes.txt")

    with console.visit(path="#/session/s-1") as page:
        expect(page.locator(".sent")).to_have_count(1)
        expect(page.locator(".sent .from")).to_have_text("You")
        expect(page.locator(".sent")).to_contain_text("Read this /var/files/7f/notes.txt")


def test_an_answer_is_done_when_it_is_given(console: Console) -> None:
    own = console.router.own
    given = own.accept("s-1", "", kind="permission_decision", option_id="allow")
    own.bring(given.command_id, CommandState.SENT, CommandState.RECEIVED, CommandState.DONE)

    with console.visit(path="#/session/s-1") as page:
        expect(page.locator(".sent .stop-name")).to_have_text(["Accepted", "On the machine", "Done"])


def test_markdown_is_shown_and_markup_is_not(console: Console) -> None:
    text = (
        "**bold** and `code` <b>not</b>\n\n- one\n- two\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n"
        "[good](https://example.org) [bad](javascript:alert(1)) ![picture](https://evil.example/x.png)\n\n"
        "```python\ndef f():\n    return 1\n```\n<script>alert(1)</script><img src=x onerror=alert(2)>"
    )
    console.router.own.do("s-1", "said", by="ASSISTANT", text=text)

    with console.visit(path="#/session/s-1") as page:
        said = page.locator(".said .prose")
        expect(said.locator("strong")).to_have_text("bold")
        expect(said.locator("ul li")).to_have_text(["one", "two"])
        expect(said.locator("td")).to_have_text(["1", "2"])
        expect(said).to_contain_text("<b>not</b>")
        expect(said).to_contain_text("<script>alert(1)</script><img src=x onerror=alert(2)>")
        expect(said.locator(".hl-keyword")).to_have_text(["def", "return"])
        expect(said.get_by_role("link", name="good")).to_have_attribute("rel", "noopener noreferrer nofollow")
        expect(said.get_by_role("link", name="picture")).to_have_attribute("href", "https://evil.example/x.png")
        assert said.locator("b, script, img, [onerror]").count() == 0
        assert page.locator("a[href^=javascript]").count() == 0


def test_code_is_copied(console: Console) -> None:
    console.router.own.do("s-1", "said", by="ASSISTANT", text="```sh\nmake  test\n```")

    with console.visit(path="#/session/s-1") as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_role("button", name="Copy the code").click()

        expect(page.get_by_role("button", name="Copy the code")).to_contain_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == "make  test"


def test_a_tool_is_one_line_with_its_state_and_opens_to_what_it_did(console: Console) -> None:
    own = console.router.own
    given = json.dumps({"command": "make test", "description": "Run the tests"})
    own.do("s-1", "tool", id="t", name="Bash", kind="RUN", title="make test", input=given, state="RUNNING")

    with console.visit(path="#/session/s-1") as page:
        tool = page.locator(".tool")
        expect(tool).to_have_attribute("data-state", "running")
        expect(tool.locator("summary")).to_have_text(re.compile(r"Run\s*make test.*running"))
        own.do("s-1", "tool", id="t", state="FAILED", output="1 failed, 41 passed")
        expect(tool).to_have_attribute("data-state", "failed")
        tool.locator("summary").click()

        expect(tool.locator(".code")).to_contain_text("make test")
        expect(tool.locator(".tool-output")).to_have_text("1 failed, 41 passed")
        expect(page.locator(".tool")).to_have_count(1)


def test_a_change_of_a_file_is_a_diff(console: Console) -> None:
    console.router.own.do("s-1", "tool", id="t", name="Edit", kind="EDIT", title="a.py", state="DONE", diff=DIFF)

    with console.visit(path="#/session/s-1") as page:
        lines = page.locator(".diff-line")
        expect(lines.and_(page.locator("[data-mark='+']"))).to_have_text("+    return 2")
        expect(lines.and_(page.locator("[data-mark='-']"))).to_have_text("-    return 1")
        expect(page.locator(".diff-sums")).to_contain_text("+1")
        expect(lines.and_(page.locator("[data-mark='+']"))).to_have_attribute("data-to", "2")


def test_a_plan_is_a_list_and_an_older_one_a_line(console: Console) -> None:
    own = console.router.own
    own.do("s-1", "plan", entries=[{"text": "Look", "state": "RUNNING"}, {"text": "Fix", "state": "PENDING"}])
    for name in ("TodoWrite", "TaskUpdate"):
        own.do("s-1", "tool", id=name, name=name, kind="OTHER", title="", state="RUNNING")
        own.do("s-1", "tool", id=name, name="", kind="UNSPECIFIED", title="", state="DONE")

    with console.visit(path="#/session/s-1") as page:
        expect(page.locator(".plan-entries li")).to_have_text(["Look, running", "Fix, not begun"])
        own.do("s-1", "plan", entries=[{"text": "Look", "state": "DONE"}, {"text": "Fix", "state": "RUNNING"}])

        expect(page.locator(".plan[open] summary")).to_contain_text("1 of 2 done")
        expect(page.locator(".plan")).to_have_count(2)
        expect(page.locator(".plan[open]")).to_have_count(1)
        expect(page.locator(".tool")).to_have_count(0)

        own.do("s-1", "tool", id="no", name="TaskCreate", kind="OTHER", title="", state="RUNNING")
        own.do("s-1", "tool", id="no", name="", kind="UNSPECIFIED", title="", state="FAILED", output="No such tool")
        expect(page.locator(".tool[data-state=failed] .tool-name")).to_have_text("TaskCreate")


def test_after_a_break_what_was_missed_comes_in_order_and_once(console: Console) -> None:
    own = console.router.own
    own.do("s-1", "said", by="ASSISTANT", text="one")

    with console.visit(path="#/session/s-1") as page:
        expect(page.locator(".said")).to_have_count(1)
        own.failure = RouterError("UNAVAILABLE", "the router is away", "UNAVAILABLE")
        own.happened()  # ends the wait that is under way
        expect(page.locator("#banner")).to_contain_text("The router is away.")
        for words in ("two", "three"):
            own.do("s-1", "said", by="ASSISTANT", text=words)
        own.failure = None

        expect(page.locator(".said")).to_have_count(3)
        assert rows(page) == ["said: one", "said: two", "said: three"]

    console.complaints[:] = [line for line in console.complaints if "503" not in line]


def test_what_was_before_comes_by_scrolling_and_the_page_begins_where_it_was_left(console: Console) -> None:
    own, begun = console.router.own, datetime.now(UTC) - timedelta(hours=1)
    for number in range(500):
        own.do("s-1", "said", begun + timedelta(seconds=number), by="ASSISTANT", text=f"word {number}")

    with console.visit(path="#/session/s-1") as page:
        expect(page.get_by_text("word 499", exact=True)).to_be_in_viewport()

        def is_at_the_beginning() -> bool:
            page.locator(".scroller").evaluate("one => one.scrollBy(0, -2000)")
            return page.get_by_text("word 0", exact=True).count() == 1

        wait_until(is_at_the_beginning)
        assert page.locator(".said").count() < 250  # what is far away is not there
        expect(page.get_by_role("button", name="Earlier")).to_be_hidden()
        page.get_by_role("link", name="docs").click()
        page.get_by_role("link", name="api-refactor").click()
        expect(page.get_by_text("word 499", exact=True)).to_be_in_viewport()


def test_the_page_asks_for_nothing_but_the_stream(console: Console) -> None:
    """The page is told: it does not ask again and again. It says what was read, once."""
    with console.visit(path="#/session/s-1") as page:
        expect(page.get_by_text("Nothing said yet").last).to_be_visible()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        console.router.own.say("s-1", "Ready.")
        expect(page.locator(".said")).to_have_count(1)

        others = [url for url in asked if "/console/api/live" not in url]
        assert others in ([], [f"{console.address}/console/api/read"])
        assert len(asked) < 8


def waiting_requests(tab: Page) -> list[Request]:
    """Those in which the page waits for news now."""
    under_way = list[Request]()
    tab.on("request", lambda each: under_way.append(each) if "/api/live" in each.url else None)
    tab.on("requestfinished", lambda each: under_way.remove(each) if each in under_way else None)
    tab.on("requestfailed", lambda each: under_way.remove(each) if each in under_way else None)
    return under_way


def hidden_while_it_waits(tab: Page, turn: str, under_way: list[Request]) -> bool:
    """Whether a request was under way as it was hidden; else it is shown again, and begins one."""
    tab.evaluate(turn, True)
    if under_way:
        return True
    tab.evaluate(turn, False)
    return False


def test_of_hidden_tabs_one_alone_keeps_a_request_open_and_the_others_catch_up(console: Console) -> None:
    own = console.router.own
    hiding = "Object.defineProperty(document, 'hidden', { get: () => globalThis.isHidden ?? false })"
    turn = "(on) => { globalThis.isHidden = on; document.dispatchEvent(new Event('visibilitychange')); }"
    with console.visit(path="#/session/s-1") as first:
        first.context.add_init_script(hiding)
        tabs = [first, first.context.new_page()]
        for tab in tabs:
            tab.goto(f"{console.address}/console/#/session/team%2Fdocs")
            under_way = waiting_requests(tab)
            tab.reload()
            expect(tab.get_by_label("Message to docs")).to_be_visible()
            wait_until(lambda tab=tab, under_way=under_way: hidden_while_it_waits(tab, turn, under_way))
        own.say("s-1", "ends what is under way")
        for tab in tabs:
            expect(tab.locator(".row").filter(has_text="ends what is under way")).to_be_visible()

        own.say("s-1", "to one of them")
        told = [tab.locator(".row").filter(has_text="to one of them") for tab in tabs]
        wait_until(lambda: sum(row.count() for row in told) == 1)
        own.say("s-1", "to the same")
        same = [tab.locator(".row").filter(has_text="to the same") for tab in tabs]
        wait_until(lambda: sum(row.count() for row in same) == 1)
        for tab in tabs:
            tab.evaluate(turn, False)
            expect(tab.locator(".row").filter(has_text="to the same")).to_be_visible()
