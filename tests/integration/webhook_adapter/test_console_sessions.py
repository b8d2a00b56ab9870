"""The console's sessions: which come first, what tells them apart, how one is started, where they run."""

import socket
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from pointsman.client.errors import RouterError
from pointsman.client.gates import ClosedGate, MachinePolicy, ProgramVersion
from pointsman.client.records import Button, CommandState, SessionState
from tests.rigs.browsed_console import DESK, IN_BROWSER, PHONE, Console
from tests.rigs.console_router import a_session

pytestmark = IN_BROWSER


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_session_is_started_with_a_button_and_written_to_at_once(console: Console, size: tuple[int, int]) -> None:
    console.router.own.add_machine("farm", "~/src", "/srv/checkouts")

    with console.visit(size, path="#/") as page:
        page.get_by_role("button", name="Start a session").first.click()
        expect(page.get_by_label("Machine").locator("option")).to_have_text(
            ["attic (allows no starts)", "devbox (allows no starts)", "farm"]
        )
        page.get_by_label("What it should do").fill("fix the test")
        page.get_by_label("Folder", exact=True).select_option("/srv/checkouts")
        page.get_by_label("Below it").fill("api")
        page.get_by_role("button", name="Start", exact=True).click()

        expect(page.get_by_label("Message to api")).to_be_visible()
        expect(page.locator("#composer-fate")).to_have_text("It is starting: your text waits behind its first one.")
        expect(page.locator(".sent .bubble")).to_have_text("fix the test")
        started = console.router.own.known_sessions[-1]
        assert (started.machine_id, started.cwd) == ("farm", "/srv/checkouts/api")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_any_coding_agent_of_the_machine_is_started(console: Console, size: tuple[int, int]) -> None:
    own = console.router.own
    for machine, *programs in (("farm", "gemini=0.12.0", "claude=2.1.332", "codex="), ("mill",)):
        own.add_machine(machine, "~/src")
        told = tuple(ProgramVersion(*each.split("=")) for each in programs)
        own.known_machines[-1] = replace(own.known_machines[-1], programs=told)

    gemini = replace(own.known_machines[-2].programs[0], mode="in its mode default", login="NO")
    codex = ProgramVersion("codex", "", lacks="there is no node to run it", login="YES")
    claude = own.known_machines[-2].programs[1]
    own.known_machines[-2] = replace(own.known_machines[-2], programs=(gemini, claude, codex))

    with console.visit(size, path="#/machines") as page:
        expect(page.locator(".card").filter(has_text="farm").locator(".agents li")).to_have_text(
            [
                "Gemini CLI 0.12.0 · in its mode default · no login was found: start it once in a terminal there",
                "Claude Code 2.1.332",
                "Codex · a login is there · there is no node to run it",
            ]
        )
        page.goto(f"{console.address}/console/#/later" if size == DESK else f"{console.address}/console/#/")
        page.get_by_role("button", name="Start a session").first.click()
        agents = page.get_by_label("Coding agent")
        expect(agents.locator("option")).to_have_text(["Claude Code 2.1.332", "Gemini CLI 0.12.0", "Codex"])
        expect(page.get_by_role("dialog")).to_contain_text("Claude Code begins there")
        agents.select_option("gemini")
        expect(page.get_by_role("dialog")).to_contain_text("Gemini CLI begins there")
        page.get_by_label("Machine").select_option("mill")
        expect(agents).to_be_hidden()
        page.get_by_label("Machine").select_option("farm")
        agents.select_option("codex")
        page.get_by_label("What it should do").fill("fix the test")
        page.get_by_role("button", name="Start", exact=True).click()
        expect(page.locator(".sent .bubble")).to_have_text("fix the test")

    assert own.started_agents == ["codex"]


def test_a_model_alone_is_asked_without_a_folder(console: Console) -> None:
    own = console.router.own
    own.add_machine("farm", "~/src")
    told = (ProgramVersion("claude", ""), ProgramVersion("model", "", "answers (haiku); it has no tools"))
    own.known_machines[-1] = replace(own.known_machines[-1], programs=told)
    sent: list[dict[str, object]] = []

    with console.visit(path="#/queue") as page:
        page.on("request", lambda one: sent.append(one.post_data_json) if one.url.endswith("/start") else None)
        page.get_by_role("button", name="Start a session").click()
        page.get_by_label("Machine").select_option("farm")
        expect(page.get_by_label("Folder")).to_be_visible()
        page.get_by_label("Coding agent").select_option(label="A model alone")
        expect(page.get_by_label("Folder")).to_be_hidden()
        expect(page.get_by_role("dialog")).to_contain_text("It has no folder and no tools.")
        page.get_by_label("What it should do").fill("What is a rebase?")
        page.get_by_role("button", name="Start", exact=True).click()
        expect(page.locator(".sent .bubble")).to_have_text("What is a rebase?")

    assert [(each["agent"], each["folder"]) for each in sent] == [("model", None)]


def test_a_policy_leaves_out_coding_agents(console: Console) -> None:
    own = console.router.own
    own.add_machine("farm", "~/src")
    told = (ProgramVersion("claude", ""), ProgramVersion("gemini", ""))
    own.known_machines[-1] = replace(own.known_machines[-1], programs=told, policy=MachinePolicy(programs=("gemini",)))

    with console.visit(path="#/queue") as page:
        page.get_by_role("button", name="Start a session").click()

        expect(page.get_by_label("Coding agent").locator("option")).to_have_text(["Gemini CLI"])


def test_a_start_that_fails_keeps_what_was_filled_in(console: Console) -> None:
    console.router.own.add_machine("farm", "~/src")

    with console.visit(path="#/queue") as page:
        page.get_by_role("button", name="Start a session").click()
        page.get_by_label("What it should do").fill("fix the test")
        console.router.own.failure = RouterError("FAILED_PRECONDITION", "the machine was revoked", "MACHINE_REVOKED")
        page.get_by_role("button", name="Start", exact=True).click()
        expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("The machine was revoked.")
        console.router.own.failure = None
        expect(page.get_by_label("What it should do")).to_have_value("fix the test")
        page.keyboard.press("Control+Enter")
        page.get_by_role("button", name="Start", exact=True).click()

        expect(page.get_by_role("heading", name="src")).to_be_visible()
        assert [one.text for one in console.router.own.known_commands.values()] == ["fix the test"]

    console.complaints[:] = [line for line in console.complaints if "409" not in line]


def test_where_no_machine_allows_a_start_the_page_says_what_would(console: Console) -> None:
    with console.visit() as page:
        page.locator("#start").click()  # the page has one as well until its sessions are there

        expect(page.get_by_role("dialog")).to_contain_text("set POINTSMAN_START_FOLDERS")


def test_a_session_that_is_over_is_followed_by_another_in_its_place(console: Console) -> None:
    console.router.own.add_machine("farm", "~/src")
    console.router.own.add_session(a_session("s-9", "farm", label="gone", cwd="/srv/x", state=SessionState.ENDED))

    with console.visit(path="#/session/s-9") as page:
        expect(page.locator(".empty")).to_have_text("Nothing was said here")
        page.get_by_role("button", name="Start another here").click()

        expect(page.get_by_label("Machine")).to_have_value("farm")
        expect(page.get_by_label("Folder", exact=True)).to_have_value("/srv/x")


def test_the_line_for_a_new_machine_is_pasted_as_it_is(console: Console) -> None:
    with console.visit(path="#/machines") as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_role("button", name="Add a machine").click()
        page.keyboard.type("attic-2")
        page.keyboard.press("Enter")

        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text(f"ssh -N -L 7443:127.0.0.1:7443 {socket.gethostname()} &")
        line = "pointsman enroll 127.0.0.1:7443 pmj_SAMPLE-TOKEN"
        page.get_by_role("button", name=f"Copy: {line}").click()
        expect(dialog).to_contain_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == line
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        assert console.router.own.join_tokens == ["attic-2"]


def test_the_session_that_needs_a_person_is_first_and_its_name_whole(console: Console) -> None:
    name = "the-service-with-the-long-name-" * 3
    waiting = a_session("s-9", label=name, state=SessionState.WAITING, waiting_for="permission: Bash")
    console.router.own.add_session(waiting)

    with console.visit(PHONE) as page:
        first = page.locator(".row").first
        expect(first).to_contain_text(name)
        expect(first.locator(".chip")).to_have_text("Needs you")
        cut = "one => one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight + 1"
        assert not first.locator(".row-name").evaluate(cut)
        first.tap()
        assert not page.get_by_role("heading", name=name).evaluate(cut)


def test_a_question_stays_in_sight_until_it_is_answered(console: Console) -> None:
    own = console.router.own
    own.known_sessions[0] = replace(own.known_sessions[0], state=SessionState.WAITING)
    own.say("s-1", "May it run make?", Button("Allow", "allow"), Button("Deny", "deny"), permission_id="q")
    for number in range(9):
        own.accept("s-1", f"later {number}")

    with console.visit(PHONE, path="#/session/s-1") as page:
        expect(page.locator(".sent").last).to_be_in_viewport()
        expect(page.get_by_role("button", name="Allow")).to_be_in_viewport(ratio=1)
        expect(page.get_by_label("Message to api-refactor")).to_be_in_viewport()
        own.say("s-1", "May it run make? Allowed by Ada", permission_id="q")
        own.known_sessions[0] = replace(own.known_sessions[0], state=SessionState.BUSY)

        expect(page.locator(".asked")).to_be_hidden()
        expect(page.locator(".messages .said")).to_contain_text("Allowed by Ada")


def test_an_old_question_is_in_sight_and_so_are_old_words(console: Console) -> None:
    own = console.router.own
    own.say("team/docs", "The docs are built.")
    own.say("s-1", "May it run make?", Button("Allow", "allow"), permission_id="q")
    for number in range(60):
        own.say("s-1", f"later {number}")

    with console.visit(path="#/session/s-1") as page:
        expect(page.locator(".asked")).to_contain_text("May it run make?")
        expect(page.get_by_role("button", name="Allow")).to_be_in_viewport(ratio=1)
        expect(page.get_by_role("button", name="Earlier")).to_be_attached()
        expect(page.locator(".row").filter(has_text="The docs are built.")).to_be_visible()


def test_two_sessions_of_one_name_differ_in_what_is_shown(console: Console) -> None:
    for number, words in enumerate(["fix the test", "review"]):
        console.router.own.add_session(a_session(f"c-{number}", label="claude", distinction=words))
    letter = console.router.own.accept("s-3", "reboot")
    console.router.own.bring(letter.command_id, CommandState.DEAD, reason="TOO_OLD")

    with console.visit() as page:
        expect(page.get_by_role("link", name="claude").filter(has_text="fix the test")).to_be_visible()
        page.get_by_role("link", name="claude").filter(has_text="review").click()
        expect(page.locator(".head")).to_contain_text("review · devbox")
        page.get_by_role("link", name="Queue").click()
        page.get_by_role("button", name="Send to…").click()

        expect(page.get_by_label("Session", exact=True).locator("option").filter(has_text="claude")).to_have_text(
            ["claude · fix the test on devbox", "claude · review on devbox"]
        )


def test_what_the_page_says_is_so(console: Console) -> None:
    with console.visit(path="#/trace") as page:
        expect(page.get_by_text("Open the receipt of a message you sent: Trace is under it.")).to_be_visible()
        page.goto(f"{console.address}/console/#/machines")
        expect(page.locator(".card").filter(has_text="attic")).to_contain_text("1 session · starts no sessions")
        expect(page.locator(".card").filter(has_text="devbox")).to_contain_text("2 sessions · starts no sessions")
        expect(page.locator(".card").filter(has_text="devbox")).to_contain_text("key made ")


def test_with_nothing_running_the_page_says_how_to_start(console: Console) -> None:
    console.router.own.known_sessions.clear()

    with console.visit(PHONE) as page:
        expect(page.get_by_role("heading", name="Welcome to Pointsman")).to_be_visible()
        expect(page.get_by_text("pointsman run -- claude")).to_be_visible()


def test_a_gate_that_is_closed_is_told_where_machines_are_and_where_sessions_start(console: Console) -> None:
    own = console.router.own
    own.add_machine("farm", "~/src")
    shut = ClosedGate("AGENT_TOO_OLD", "The agent of farm is 0.1.0; this router takes 1.4.0 or newer.", stops_link=True)
    own.known_machines[-1] = replace(own.known_machines[-1], connected=False, closed_gates=(shut,))

    with console.visit(path="#/machines") as page:
        card = page.locator(".card").filter(has_text="farm")
        expect(card).to_contain_text("Held off")
        expect(card).to_contain_text("this router takes 1.4.0 or newer")

    with console.visit() as page:
        page.locator("#start").click()
        expect(page.get_by_role("dialog")).to_contain_text("this router takes 1.4.0 or newer")
        page.keyboard.press("Escape")
        own.add_machine("mill", "~/src")
        page.reload()
        expect(page.locator(".row").first).to_be_visible()
        page.locator("#start").click()
        expect(page.get_by_label("Machine").locator("option")).to_contain_text(
            ["attic (allows no starts)", "devbox (allows no starts)", "farm (allows no starts)", "mill"]
        )
