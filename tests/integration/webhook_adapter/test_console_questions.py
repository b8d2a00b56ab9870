"""Questions in the console: pinned until they are answered, in an inbox of all sessions, each answered for itself."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from pointsman.client.permission_records import PermissionDetails, PermissionOption
from pointsman.client.records import Button
from tests.rigs.browsed_console import IN_BROWSER, PHONE, Console
from tests.rigs.console_scene import ALLOW, DENY, EDIT, FORMAT

pytestmark = IN_BROWSER


def ask(console: Console, permission_id: str, session_id: str, tool: str, text: str, *buttons: Button) -> str:
    """The id of the message that asks."""
    console.router.own.ask(permission_id, session_id, tool, text)
    said = console.router.own.say(session_id, f"May it use {tool}?\n\n{text}", *buttons, permission_id=permission_id)
    return said.notification_id


def over(console: Console, permission_id: str) -> None:
    """Somebody has answered it elsewhere."""
    own = console.router.own
    [asked] = [one for one in own.asked if one.permission_id == permission_id]
    own.asked.remove(asked)
    own.say(asked.session_id, "Allowed by Ada", permission_id=permission_id)


def test_a_change_that_is_asked_about_is_a_diff_and_its_text_is_a_press_away(console: Console) -> None:
    ask(console, "q", "s-1", "Edit", EDIT, ALLOW, DENY)

    with console.visit(PHONE, path="#/session/s-1") as page:
        question = page.locator(".asked .question")
        expect(question.locator(".diff-line[data-mark='-']")).to_have_text(["-sleep(1)", "-assert done"])
        expect(question.locator(".diff-line[data-mark='+']")).to_have_text("+wait_until(done)")
        expect(question.locator(".path")).to_have_text("tests/test_flaky.py")
        question.get_by_text("As text").tap()
        expect(question.locator(".as-is")).to_contain_text("replace_all: False")
        expect(page.get_by_role("button", name="Allow")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize(
    ("tool", "text", "hidden"),
    [
        ("Edit", f"{EDIT}\nand *more* than that", "and *more* than that"),
        # Texts that look like fields of their own.
        ("Write", "file_path: a.sh\ncontent:\n```\necho ok\n```\nrm: -rf /", "rm: -rf /"),
        ("Write", "file_path: a.sh\ncontent:\n```\necho ok\n```\ncontent: rm -rf /", "content: rm -rf /"),
        ("Edit", EDIT.replace("replace_all: False", "replace_all: rm -rf /"), "replace_all: rm -rf /"),
        ("Bash", EDIT, "replace_all: False"),
    ],
)
def test_what_is_not_understood_whole_is_shown_as_it_is(console: Console, tool: str, text: str, hidden: str) -> None:
    ask(console, "q", "s-1", tool, text, ALLOW, DENY)

    with console.visit(path="#/session/s-1") as page:
        expect(page.locator(".asked .question")).to_contain_text(hidden)
        expect(page.locator(".asked .diff, .asked .as-is")).to_have_count(0)


def test_the_inbox_holds_the_questions_of_all_sessions_and_each_answer_is_for_its_own(console: Console) -> None:
    asked = [
        ask(console, f"q-{session}", session, "Bash", f"make {session}", ALLOW, DENY)
        for session in ("s-1", "team/docs")
    ]

    with console.visit(path="#/inbox") as page:
        cards = page.locator(".inbox .card")
        expect(cards).to_have_count(2)
        expect(page.get_by_role("link", name="Inbox")).to_contain_text("2")
        cards.filter(has_text="docs").get_by_role("button", name="Deny", exact=True).click()
        expect(cards.filter(has_text="docs").get_by_role("button", name="Deny", exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )

        [sent] = console.router.submissions
        assert (sent.chat.message_id, sent.button) == (asked[1], "cmd:T2:deny")
        over(console, "q-team/docs")
        expect(cards).to_have_count(1)


def test_several_are_allowed_at_once_each_by_a_press_of_its_own(console: Console) -> None:
    asked = [ask(console, f"q-{n}", "s-1", "Bash", f"make part-{n}", ALLOW, DENY) for n in range(3)]
    console.router.own.ask("form", "s-1", "AskUserQuestion", FORMAT, kind="QUESTION")
    console.router.own.say("s-1", FORMAT, Button("HTML", "option-1"), permission_id="form")

    with console.visit(path="#/inbox") as page:
        page.get_by_role("button", name="Choose all that take a yes or no").click()
        expect(page.get_by_text("3 questions chosen")).to_be_visible()
        page.get_by_label("Choose it").nth(1).uncheck()
        page.get_by_role("button", name="Allow these").click()
        expect(page.locator(".toast")).to_have_text("2 questions allowed.")

        assert [(one.chat.message_id, one.button) for one in console.router.submissions] == [
            (asked[0], "cmd:T1:allow"),
            (asked[2], "cmd:T3:allow"),
        ]


def test_what_one_of_several_needs_is_told_and_the_rest_are_answered(console: Console) -> None:
    ask(console, "q-1", "s-1", "Bash", "make", ALLOW, DENY)
    console.router.tells = "This needs a code."

    with console.visit(path="#/inbox") as page:
        page.get_by_label("Choose it").check()
        page.get_by_role("button", name="Allow these").click()

        expect(page.locator(".toast")).to_contain_text("0 questions allowed. This needs a code.")
        expect(page.get_by_text("1 question chosen")).to_be_visible()


@pytest.fixture
def form(console: Console) -> Iterator[Page]:
    """Two things asked at once, as a router that knows forms tells them."""
    console.router.own.ask("form", "s-1", "AskUserQuestion", FORMAT, kind="QUESTION")
    said = console.router.own.say("s-1", FORMAT, Button("HTML", "option-1"), permission_id="form")
    options = [
        {"option_id": f"option-{n}", "label": label, "description": ""} for n, label in enumerate(("HTML", "PDF"), 1)
    ]
    parts = [
        {"text": "Which format?", "header": "", "multi_select": True, "options": options},
        {"text": "When?", "header": "", "multi_select": False, "options": []},
    ]
    with console.visit() as page:
        page.route("**/console/api/live*", lambda route: _with_fields(route, said.notification_id, {"form": parts}))
        page.goto(f"{console.address}/console/#/inbox")
        page.reload()
        yield page
        page.unroute_all(behavior="ignoreErrors")


def _with_fields(route: object, message_id: str, fields: dict[str, object]) -> None:
    answer = route.fetch()  # type: ignore[attr-defined]
    marked = f'"notification_id":"{message_id}"'
    more = json.dumps(fields)[1:-1]
    body = answer.text().replace(marked, f"{marked},{more}")
    route.fulfill(response=answer, body=body)  # type: ignore[attr-defined]


def test_a_form_is_answered_whole_with_several_choices_and_own_words(form: Page) -> None:
    sent: list[dict[str, object]] = []
    form.route(
        "**/console/api/answer",
        lambda route: (
            sent.append(route.request.post_data_json),
            route.fulfill(json={"command_id": "c", "answer": ""}),
        ),
    )

    expect(form.get_by_role("button", name="Send the answers")).to_be_disabled()
    form.get_by_label("HTML").check()
    form.get_by_label("PDF").check()
    form.get_by_label("Your own answer to: When?").fill("tomorrow")
    form.get_by_role("button", name="Send the answers").click()

    expect(form.locator(".form")).to_be_visible()
    [answer] = sent
    assert answer["input_digest"] == "d" * 64
    assert answer["answers"] == [
        {"option_ids": ["option-1", "option-2"], "text": ""},
        {"option_ids": [], "text": "tomorrow"},
    ]


def test_what_is_allowed_may_be_changed_where_the_router_lets_it(console: Console) -> None:
    message_id = ask(console, "q", "s-1", "Bash", "make", ALLOW, DENY)
    options = [
        {"option_id": "allow", "label": "", "verdict": "allow"},
        {"option_id": "deny", "label": "", "verdict": "deny"},
    ]
    fields = {"editable": True, "input_json": '{"command": "make"}', "options": options}
    sent: list[dict[str, object]] = []

    with console.visit() as page:
        page.route("**/console/api/live*", lambda route: _with_fields(route, message_id, fields))
        page.route(
            "**/console/api/answer",
            lambda route: (
                sent.append(route.request.post_data_json),
                route.fulfill(json={"command_id": "c", "answer": ""}),
            ),
        )
        page.goto(f"{console.address}/console/#/session/s-1")
        page.reload()
        page.get_by_role("button", name="Change it…").click()
        page.get_by_role("button", name="As JSON").click()
        field = page.get_by_label("The input, as JSON")
        expect(page.get_by_role("button", name="Deny", exact=True)).to_be_hidden()
        expect(page.get_by_label("A reason to deny, or your own answer")).to_be_hidden()
        page.get_by_role("button", name="Leave it as it is").click()
        expect(page.get_by_role("button", name="Deny", exact=True)).to_be_visible()
        page.get_by_role("button", name="Change it…").click()
        field.fill("{oh")
        page.get_by_role("button", name="Allow this instead").click()
        expect(page.locator(".toast")).to_contain_text("not a JSON object")
        field.fill('{"command": "make test"}')
        page.get_by_role("button", name="Allow this instead").click()
        expect(page.get_by_role("button", name="Deny", exact=True)).to_have_attribute("aria-disabled", "true")
        page.unroute_all(behavior="ignoreErrors")

    [answer] = sent
    assert (answer["message_id"], answer["option"], answer["input"]) == (
        message_id,
        "allow",
        '{"command": "make test"}',
    )


def test_each_text_of_what_is_allowed_has_a_field_of_its_own(console: Console) -> None:
    own = console.router.own
    given = {"command": "make", "description": "Build it\r\nanew"}
    options = tuple(PermissionOption(name, "", name.upper()) for name in ("allow", "deny"))
    details = PermissionDetails(input_json=json.dumps(given), editable=True)
    own.ask("q", "s-1", "Bash", "make", options=options, details=details)
    own.say("s-1", "May it use Bash?\n\nmake", ALLOW, DENY, permission_id="q")
    sent: list[dict[str, str]] = []

    with console.visit(PHONE, path="#/session/s-1") as page:
        page.route("**/console/api/answer", lambda route: _noted(route, sent))
        page.get_by_role("button", name="Change it…").tap()
        page.get_by_label("command", exact=True).fill("make test")
        page.get_by_role("button", name="As JSON").tap()
        expect(page.get_by_label("The input, as JSON")).to_have_value(
            json.dumps({**given, "command": "make test"}, indent=2)
        )
        page.get_by_label("The input, as JSON").fill("[]")
        page.get_by_role("button", name="As JSON").tap()
        expect(page.locator(".toast")).to_contain_text("it is allowed as JSON")
        page.get_by_label("The input, as JSON").fill(json.dumps({**given, "command": "make all"}))
        page.get_by_role("button", name="As JSON").tap()
        expect(page.get_by_label("command", exact=True)).to_have_value("make all")
        page.get_by_role("button", name="Allow this instead").tap()
        expect(page.get_by_role("button", name="Deny", exact=True)).to_have_attribute("aria-disabled", "true")

    assert [json.loads(each["input"]) for each in sent] == [{**given, "command": "make all"}]


def _noted(route: Route, sent: list[dict[str, str]]) -> None:
    sent.append(route.request.post_data_json)
    route.fulfill(json={"command_id": "c", "answer": ""})
