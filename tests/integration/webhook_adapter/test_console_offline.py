"""The console as an app in a real browser: installed, without a line, and with what other apps share."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from pointsman.client.errors import RouterError
from tests.rigs.browsed_console import IN_BROWSER
from tests.rigs.console_line import Line
from tests.waiting import wait_until
from webhook_adapter.console import worker
from webhook_adapter.model import Submission, Submitted

pytestmark = IN_BROWSER


def state(page: Page) -> Any:
    return page.evaluate("() => kept.get('state')")


def queued(page: Page) -> list[str]:
    return list(page.evaluate("() => kept.queue().then((all) => all.map((one) => one.body.text))"))


def texts(line: Line) -> list[str]:
    return [each.text for each in line.router.submissions]


def reload_without_a_line(line: Line, page: Page) -> None:
    wait_until(lambda: state(page))
    line.cut()
    page.reload()
    expect(page.get_by_role("heading", name="Pointsman is out of reach")).to_be_visible()


def test_it_can_be_installed(line: Line) -> None:
    with line.visited() as visit:
        debugger = visit.page.context.new_cdp_session(visit.page)
        found = debugger.send("Page.getAppManifest")
        problems = debugger.send("Page.getInstallabilityErrors")["installabilityErrors"]

    manifest = json.loads(found["data"])
    assert found["errors"] == []
    assert (manifest["display"], manifest["start_url"], manifest["scope"]) == ("standalone", "/console/", "/console/")
    # A context of a test is a private window, which installs nothing whatever the page is.
    assert [each["errorId"] for each in problems if each["errorId"] != "in-incognito"] == []


@pytest.mark.parametrize("name", ["icon", "icon-maskable"])
@pytest.mark.parametrize("size", [192, 512])
def test_its_icons_are_as_large_as_they_say(name: str, size: int) -> None:
    data = (Path(worker.__file__).parent / "static" / f"{name}-{size}.png").read_bytes()

    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (size, size)


def test_an_update_takes_the_place_of_what_is_kept(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    with line.visited() as visit:
        [before] = visit.page.evaluate("() => caches.keys()")
        script = worker.script().replace(before.removeprefix("pointsman-"), "another-version")
        monkeypatch.setattr(worker, "script", lambda: script)
        line.cut()
        line.mend()
        visit.page.evaluate("() => navigator.serviceWorker.getRegistration('/console/').then((one) => one.update())")

        wait_until(lambda: visit.page.evaluate("() => caches.keys()") == ["pointsman-another-version"])


def test_without_a_line_the_last_state_is_shown(line: Line) -> None:
    line.router.own.say("s-1", "Finished <all> & a_b")
    with line.visited("#/session/s-1") as visit:
        expect(visit.page.locator(".messages")).to_contain_text("Finished")
        reload_without_a_line(line, visit.page)
        visit.page.get_by_text("api-refactor · devbox").click()

        expect(visit.page.get_by_text("Finished <all> & a_b")).to_be_visible()
        expect(visit.page.get_by_text("docs · devbox")).to_be_visible()


def test_the_page_comes_back_with_the_line(line: Line) -> None:
    with line.visited("#/session/s-1") as visit:
        reload_without_a_line(line, visit.page)
        line.mend()
        visit.page.get_by_role("button", name="Try again").click()

        expect(visit.page.get_by_role("heading", name="api-refactor")).to_be_visible()


def test_what_is_written_without_a_line_waits_and_goes_once_in_order(line: Line) -> None:
    with line.visited("#/session/s-1") as visit:
        page = visit.page
        reload_without_a_line(line, page)
        page.get_by_text("api-refactor · devbox").click()
        for text in ("one", "two"):
            page.get_by_label("Message to api-refactor").fill(text)
            page.get_by_role("button", name="Send when the line is back").first.click()
            expect(page.get_by_label("Message to api-refactor")).to_have_value("")
        expect(page.get_by_role("heading", name="2 texts wait to be sent")).to_be_visible()
        line.mend()
        page.get_by_role("button", name="Try again").click()
        wait_until(lambda: len(texts(line)) == 2)
        expect(page.get_by_role("heading", name="texts wait")).to_be_hidden()
        page.reload()
        page.evaluate("() => navigator.serviceWorker.controller.postMessage('flush')")

        assert queued(page) == []
    assert texts(line) == ["one", "two"]
    assert [each.session_id for each in line.router.submissions] == ["s-1", "s-1"]


def test_what_was_sent_while_the_line_broke_outlives_the_page(line: Line) -> None:
    with line.visited("#/session/s-1") as visit:
        page = visit.page
        wait_until(lambda: state(page))
        line.cut()
        page.get_by_label("Message to api-refactor").fill("before it broke")
        page.get_by_role("button", name="Send").click()
        wait_until(lambda: queued(page) == ["before it broke"])
        page.goto("about:blank")  # the page that would try again is gone
        line.mend()
        page.goto(f"{line.address}/console/#/session/s-1")
        wait_until(lambda: texts(line))

        wait_until(lambda: queued(page) == [])
    assert texts(line) == ["before it broke"]


def test_with_a_line_a_text_goes_at_once_and_leaves_nothing(line: Line) -> None:
    with line.visited("#/session/s-1") as visit:
        visit.page.get_by_label("Message to api-refactor").fill("hello")
        visit.page.get_by_role("button", name="Send").click()
        expect(visit.page.locator(".sent .bubble")).to_have_text("hello")

        wait_until(lambda: texts(line) == ["hello"])
        wait_until(lambda: queued(visit.page) == [])


def test_what_is_refused_says_why_and_is_kept_until_it_is_discarded(line: Line) -> None:
    with line.visited("#/session/s-1") as visit:
        page = visit.page
        line.router.own.failure = RouterError("INVALID_ARGUMENT", "The text is too odd.")
        item = {"key": "odd-text-1", "path": "send", "body": {"key": "odd-text-1", "session": "s-1", "text": "odd"}}
        page.evaluate("(item) => kept.enqueue({ ...item, who: '', at: 0, tried: 0, refused: '' })", item)
        page.evaluate("() => navigator.serviceWorker.controller.postMessage('flush')")
        wait_until(lambda: page.evaluate("() => kept.queue().then(([one]) => one.refused)"))
        line.router.own.failure = None
        expect(page.get_by_text("The text is too odd.")).to_be_visible()
        page.get_by_role("button", name="Discard: odd").click()
        expect(page.get_by_text("The text is too odd.")).to_be_hidden()

        assert queued(page) == []
    assert texts(line) == []
    line.complaints[:] = [words for words in line.complaints if "400" not in words]


def test_what_somebody_else_wrote_is_not_sent_as_ours_nor_shown(line: Line) -> None:
    line.router.codes |= {"k7qf-3m2x-pawb": ("Ada", "OPERATOR"), "a7qf-3m2x-pawb": ("Bob", "OPERATOR")}
    with line.visited("#/session/s-1", code="k7qf-3m2x-pawb") as visit:
        page = visit.page
        item = {"key": "adas-text-1", "path": "send", "body": {"key": "adas-text-1", "session": "s-1", "text": "Adas"}}
        page.goto("about:blank")
        line.logs_in(page.context, "a7qf-3m2x-pawb")
        page.goto(f"{line.address}/console/#/session/s-1")
        page.evaluate("(item) => kept.enqueue({ ...item, who: 'Ada', at: 0, tried: 0, refused: '' })", item)
        wait_until(lambda: page.evaluate("() => kept.get('login').then((one) => one.person)") == "Bob")
        page.evaluate("() => navigator.serviceWorker.controller.postMessage('flush')")

        expect(page.get_by_text("1 of somebody else")).to_be_visible()
        expect(page.get_by_text("Adas")).to_be_hidden()
        assert texts(line) == []


def test_a_page_that_has_not_said_whose_it_is_sends_for_nobody_else(line: Line) -> None:
    with line.visited("#/session/s-1") as visit:
        page = visit.page
        wait_until(lambda: state(page))
        item = {"key": "adas-text-1", "path": "send", "body": {"key": "adas-text-1", "session": "s-1", "text": "Adas"}}
        page.evaluate("() => kept.put('login', { csrf: 'of a page of hers', person: 'Ada' })")
        page.evaluate("(item) => kept.enqueue({ ...item, who: 'Ada', at: 0, tried: 0, refused: '' })", item)
        page.get_by_label("Message to api-refactor").fill("mine")
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".sent .bubble")).to_have_text("mine")  # which is shown before it is sent
        wait_until(lambda: texts(line))

        wait_until(lambda: queued(page) == ["Adas"])
    assert texts(line) == ["mine"]


def test_what_had_arrived_is_not_sent_twice(line: Line) -> None:
    with line.visited("#/session/s-1") as visit:
        page = visit.page
        body = {"key": "arrived-001", "session": "s-1", "text": "arrived"}
        sent = """(body) => kept.get('login').then(({ csrf }) => fetch("/console/api/send", { method: "POST",
            headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf }, body: JSON.stringify(body) }))
            .then((answer) => answer.status)"""
        assert page.evaluate(sent, body) == 200
        item = {"key": body["key"], "path": "send", "body": body, "who": "", "at": 0, "tried": 0, "refused": ""}
        page.evaluate("(item) => kept.enqueue({ ...item, tried: Date.now() })", item)
        page.evaluate("() => navigator.serviceWorker.controller.postMessage('flush')")

        wait_until(lambda: queued(page) == [])
    assert texts(line) == ["arrived"]


def test_what_may_have_been_sent_days_ago_is_not_sent_by_itself(line: Line) -> None:
    with line.visited("#/session/s-1") as visit:
        page = visit.page
        item = {"key": "old-text-01", "path": "send", "body": {"key": "old-text-01", "session": "s-1", "text": "old"}}
        page.evaluate("(item) => kept.enqueue({ ...item, who: '', at: 0, tried: 1, refused: '' })", item)
        page.evaluate("() => navigator.serviceWorker.controller.postMessage('flush')")

        expect(page.get_by_text("It may have been sent already")).to_be_visible()
    assert texts(line) == []


def test_nothing_is_left_after_a_logout(line: Line) -> None:
    with line.visited("#/session/s-1") as visit:
        wait_until(lambda: state(visit.page))
        visit.page.get_by_role("button", name="Log out").click()
        expect(visit.page.get_by_label("API key")).to_be_visible()

        assert visit.worker.evaluate("() => Promise.all([kept.get('state'), kept.get('login'), kept.queue()])") == [
            None,
            None,
            [],
        ]


def test_nor_after_a_logout_that_the_service_worker_does_not_see(line: Line) -> None:
    with line.visited("#/session/s-1") as visit:
        page = visit.page
        wait_until(lambda: state(page))
        with page.expect_navigation():
            page.context.new_cdp_session(page).send("Page.reload", {"ignoreCache": True})
        assert page.evaluate("() => navigator.serviceWorker.controller") is None
        expect(page.locator("#push dialog")).to_be_attached()
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("API key")).to_be_visible()

        wait_until(lambda: visit.worker.evaluate("() => kept.get('state')") is None)


def test_what_another_app_shares_goes_to_the_session_that_is_chosen(line: Line) -> None:
    with line.visited() as visit:
        page = visit.page
        shares(page, text="Look at this", url="https://example.net/a", file="log.txt")
        expect(page.get_by_label("Text")).to_have_value("Look at this\nhttps://example.net/a")
        expect(page.get_by_text("log.txt (9 bytes)")).to_be_visible()
        page.get_by_label("Session").select_option("docs · devbox")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("heading", name="docs")).to_be_visible()

        assert page.evaluate("() => kept.get('shared')") is None
    [sent] = line.router.submissions
    assert (sent.session_id, sent.text) == ("team/docs", "Look at this\nhttps://example.net/a")
    assert sent.file is not None
    assert (sent.file.name, line.router.files) == ("log.txt", {sent.file.file_id: [b"all is ok"]})


def test_what_is_shared_without_a_line_is_kept(line: Line) -> None:
    with line.visited() as visit:
        wait_until(lambda: state(visit.page))
        line.cut()
        shares(visit.page, text="Look at this")
        wait_until(lambda: visit.page.evaluate("() => kept.get('shared')"))
        line.mend()
        visit.page.goto(f"{line.address}/console/static/share.html")

        expect(visit.page.get_by_label("Text")).to_have_value("Look at this")


def test_what_is_shared_again_after_a_lost_answer_is_one_message(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    submit, losses = line.router.submit, iter([RouterError("UNAVAILABLE", "the router is away", "UNAVAILABLE")])

    def lost(submission: Submission) -> Submitted:
        answer = submit(submission)
        if failure := next(losses, None):
            raise failure
        return answer

    monkeypatch.setattr(line.router, "submit", lost)
    with line.visited() as visit:
        shares(visit.page, text="Look at this", file="log.txt")
        visit.page.get_by_role("button", name="Send").click()
        expect(visit.page.locator("#state")).to_contain_text("the router is away")
        visit.page.get_by_role("button", name="Send").click()
        expect(visit.page.get_by_role("heading", name="api-refactor")).to_be_visible()

    assert [sent.text for sent in line.router.submissions] == ["Look at this"]
    line.complaints[:] = [words for words in line.complaints if "503" not in words]


def shares(page: Page, file: str = "", **fields: str) -> None:
    """As a browser does for another app: a form is posted to the address of the manifest."""
    page.evaluate(
        """([fields, file]) => {
          const form = Object.assign(document.createElement("form"), { method: "post", action: "/console/share" });
          form.enctype = "multipart/form-data";
          const input = (said) => Object.assign(document.createElement("input"), said);
          for (const [name, value] of Object.entries(fields)) form.append(input({ name, value }));
          if (file) {
            const picked = input({ type: "file", name: "files" });
            const all = new DataTransfer();
            all.items.add(new File(["all is ok"], file));
            picked.files = all.files;
            form.append(picked);
          }
          document.body.append(form);
          form.submit();
        }""",
        [fields, file],
    )
    page.wait_for_url("**/console/static/share.html")
