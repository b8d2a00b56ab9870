"""Notifications of the console in a real browser: subscribing, showing, answering."""

from typing import Any

from playwright.sync_api import Page, expect

from pointsman.client.records import Button
from tests.rigs.browsed_console import IN_BROWSER
from tests.rigs.console_line import Line
from tests.waiting import wait_until

pytestmark = IN_BROWSER
OPTIONS = [
    ["Allow", "cmd:tok:allow"],
    ["Always", "cmd:tok:always"],
    ["Deny", "cmd:tok:deny"],
    ["Why", "cmd:tok:reason"],
]
QUESTION: dict[str, Any] = {"id": "note-00001", "kind": "question", "body": "May it?", "options": OPTIONS}
TAG = "question:note-00001"


def set_up(page: Page) -> None:
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("button", name="Set up").click()


def test_a_browser_subscribes_and_lets_go(line: Line) -> None:
    with line.visited() as visit:
        set_up(visit.page)
        visit.page.get_by_label("Quiet hours").fill("22:00-07:00")
        visit.page.get_by_role("button", name="Turn on in this browser").click()
        expect(visit.page.get_by_role("button", name="Turn off in this browser")).to_be_visible()
        [(subscription, quiet)] = line.router.subscribed.values()
        visit.page.get_by_role("button", name="Turn off in this browser").click()
        expect(visit.page.get_by_role("button", name="Turn on in this browser")).to_be_visible()

    assert subscription.endpoint == "https://push.example.net/send/1"
    assert (len(subscription.p256dh), len(subscription.auth)) == (65, 16)
    assert (subscription.origin, quiet) == (line.address, "22:00-07:00")
    assert line.router.subscribed == {}


def test_a_browser_that_logs_in_again_subscribes_again(line: Line) -> None:
    with line.visited() as visit:
        set_up(visit.page)
        visit.page.get_by_role("button", name="Turn on in this browser").click()
        wait_until(lambda: line.router.subscribed)
        before = set(line.router.subscribed)
        line.logs_in(visit.page.context)
        visit.page.reload()

        wait_until(lambda: set(line.router.subscribed) - before)


def test_what_is_open_is_said_to_be_looked_at(line: Line) -> None:
    with line.visited("#/session/team%2Fdocs") as visit:
        wait_until(lambda: line.router.looks)
        visit.page.goto(f"{line.address}/console/#/queue")
        wait_until(lambda: line.router.looks[-1] == "")

    assert line.router.looks[0] == "team/docs"


def test_a_question_is_shown_with_yes_and_no(line: Line) -> None:
    with line.visited("#/queue") as visit:
        visit.pushed(**QUESTION)
        [shown] = visit.screen()
        badge = visit.worker.evaluate("() => self.badge")

    assert (shown["title"], shown["body"], shown["tag"]) == ("devbox · api-refactor", "May it?", TAG)
    assert [each["title"] for each in shown["actions"]] == ["Allow", "Deny"]
    assert (shown["silent"], badge) == (False, 1)


def test_what_comes_twice_is_shown_once(line: Line) -> None:
    words = {"id": "note-00002", "kind": "words", "body": "Finished"}
    with line.visited("#/queue") as visit:
        visit.pushed(**words)
        visit.worker.evaluate("() => self.screen[0].close()")
        visit.pushed(**words)

        assert visit.screen() == []


def test_of_a_session_the_newest_words_stand_there(line: Line) -> None:
    with line.visited("#/queue") as visit:
        for number in (2, 3):
            visit.pushed(id=f"note-0000{number}", kind="words", body=f"words {number}")
        visit.pushed(id="note-00004", kind="words", body="of another", session="team/docs")

        assert [each["body"] for each in visit.screen()] == ["words 3", "of another"]


def test_a_question_that_is_over_says_how_without_a_sound(line: Line) -> None:
    with line.visited("#/queue") as visit:
        visit.pushed(**QUESTION)
        visit.pushed(**QUESTION | {"change": True, "silent": True, "body": "Allowed by Ada", "options": []})
        [shown] = visit.screen()
        badge = visit.worker.evaluate("() => self.badge")

    assert (shown["body"], shown["silent"], shown["actions"], badge) == ("Allowed by Ada", True, [], 0)


def test_the_end_of_a_question_that_stands_nowhere_leaves_nothing(line: Line) -> None:
    with line.visited("#/queue") as visit:
        visit.pushed(**QUESTION | {"change": True, "silent": True, "body": "Allowed by Ada", "options": []})

        assert visit.screen() == []


def test_one_tap_answers_that_question_and_no_other(line: Line) -> None:
    with line.visited("#/queue") as visit:
        visit.pushed(**QUESTION)
        visit.clicks(TAG, "cmd:tok:allow")
        [shown] = visit.screen()

    [sent] = line.router.submissions
    assert (sent.button, sent.chat.transport, sent.chat.chat_id) == ("cmd:tok:allow", "push", "chat-1")
    assert (sent.chat.message_id, sent.update_key) == ("note-00001", "push:note-00001-0")
    assert sent.login_id in line.router.open_browsers
    assert (shown["silent"], shown["actions"]) == (True, [])


def test_a_tap_without_the_pages_token_answers_nothing(line: Line) -> None:
    with line.visited("#/queue") as visit:
        visit.pushed(**QUESTION)
        visit.worker.evaluate("() => kept.put('login', { csrf: 'of another page', person: '' })")
        visit.clicks(TAG, "cmd:tok:allow")

        assert line.router.submissions == []
        expect(visit.page.get_by_role("heading", name="api-refactor")).to_be_visible()
    line.complaints[:] = [words for words in line.complaints if "403" not in words]


def test_what_wants_a_second_factor_opens_the_page(line: Line) -> None:
    line.router.wants_second_factor = True
    with line.visited("#/queue") as visit:
        visit.pushed(**QUESTION)
        visit.clicks(TAG, "cmd:tok:allow")

        expect(visit.page.get_by_role("heading", name="api-refactor")).to_be_visible()
        assert visit.screen() == []


def test_a_tap_without_a_line_says_that_nothing_was_answered(line: Line) -> None:
    with line.visited("#/queue") as visit:
        visit.pushed(**QUESTION)
        line.cut()
        visit.clicks(TAG, "cmd:tok:allow")

        [shown] = visit.screen()
        assert "not answered" in shown["body"]


def test_a_press_on_the_words_opens_the_session_and_takes_them_away(line: Line) -> None:
    line.router.own.say("team/docs", "Chapter 1 is done.", Button("Go on", "continue"))
    with line.visited("#/queue") as visit:
        visit.pushed(id="note-00005", kind="words", body="Chapter 1 is done.", session="team/docs")
        visit.clicks("session:team/docs")

        expect(visit.page.get_by_role("heading", name="docs")).to_be_visible()
        assert visit.screen() == []


def test_nothing_of_a_push_is_left_after_a_logout(line: Line) -> None:
    with line.visited("#/queue") as visit:
        visit.pushed(**QUESTION)
        visit.page.get_by_role("button", name="Log out").click()
        expect(visit.page.get_by_label("API key")).to_be_visible()

        assert visit.screen() == []
        assert visit.worker.evaluate("() => kept.get('login')") is None
