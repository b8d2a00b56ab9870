"""What a session's head offers in the console: its terminal, search, files, keys of the keyboard, its menu."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from pointsman.client.records import SessionState
from tests.rigs.browsed_console import IN_BROWSER, PHONE, Console
from tests.rigs.console_router import a_session
from tests.waiting import wait_until

pytestmark = IN_BROWSER


def test_the_head_says_with_what_a_session_works(console: Console) -> None:
    own = console.router.own
    own.do("s-1", "metadata", title="Refactor", model="claude-opus-4-5", mode="plan", branch="api-v2")
    own.do("s-1", "usage", model="claude-opus-4-5", contextTokens=62_000)
    own.do("s-1", "usage", contextSize=200_000, costUsd=1.234)

    with console.visit(path="#/session/s-1") as page:
        expect(page.locator(".facts")).to_have_text(
            " · claude-opus-4-5 · plan · api-v2 · 62k of 200k tokens in use · $1.23"
        )
        expect(page.locator(".head")).to_contain_text("Refactor · devbox · pty · ~/src/api")


def test_the_terminal_is_shown_in_its_colours_and_takes_keys(console: Console) -> None:
    own = console.router.own
    own.screens["s-1"] = "\x1b[31mred\x1b[0m \x1b[38;2;1;2;3mown\x1b[0m\x1b]0;title\x07<b>plain</b>"

    with console.visit(path="#/session/s-1") as page:
        page.get_by_role("button", name="Show the terminal").click()
        terminal = page.locator(".terminal")
        expect(terminal).to_contain_text("red own")
        expect(terminal).to_contain_text("<b>plain</b>")
        expect(terminal.locator("span").filter(has_text="own")).to_have_css("color", "rgb(1, 2, 3)")
        expect(terminal).to_be_focused()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Control+c")
        page.keyboard.press("Escape")
        wait_until(lambda: len(own.known_commands) == 3)
        expect(terminal).to_be_visible()
        own.screens["s-1"] = "another"
        expect(terminal).to_have_text("another")
        page.get_by_role("button", name="Close the terminal").click()

        expect(page.locator(".screen")).to_have_count(0)
        assert [one.key for one in own.known_commands.values()] == ["down", "ctrl-c", "esc"]


def test_why_a_terminal_cannot_be_seen_is_said(console: Console) -> None:
    with console.visit(path="#/session/s-1") as page:
        page.get_by_role("button", name="Show the terminal").click()

        expect(page.locator(".screen .notice")).to_have_text("This kind of session has no screen.")

    console.complaints[:] = [line for line in console.complaints if "409" not in line]


def test_what_was_said_is_found_and_opened_at_its_place(console: Console) -> None:
    own = console.router.own
    for number in range(450):
        own.do("s-1", "said", by="ASSISTANT", text=f"needle {number}" if number == 7 else f"hay {number}")

    with console.visit(path="#/search") as page:
        page.get_by_label("Words to search").fill("needle")
        page.keyboard.press("Enter")
        expect(page.locator(".hit mark")).to_have_text("needle")
        page.locator(".hit").click()

        expect(page.get_by_text("needle 7", exact=True)).to_be_in_viewport()
        expect(page.locator(".found")).to_contain_text("needle 7")


def test_nothing_found_is_said(console: Console) -> None:
    with console.visit(path="#/search/s-1") as page:
        page.get_by_label("Words to search").fill("nowhere")
        page.keyboard.press("Enter")

        expect(page.get_by_text("Nothing was said with all of these words.")).to_be_visible()
        expect(page.get_by_label("Where to search")).to_have_value("s-1")


def test_a_file_is_chosen_and_arrives_whole_with_the_words_beside_it(console: Console, tmp_path: Path) -> None:
    (tmp_path / "build log.txt").write_bytes(b"x" * 600_000)

    with console.visit(path="#/session/s-1") as page:
        page.get_by_label("Message to api-refactor").fill("the log")
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Attach a file").click()
        chooser.value.set_files(tmp_path / "build log.txt")
        wait_until(lambda: console.router.submissions)

        [sent] = console.router.submissions
        assert sent.file is not None
        assert (sent.text, sent.file.name, sent.file.size) == ("the log", "build-log.txt", 600_000)
        assert b"".join(console.router.files[sent.file.file_id]) == b"x" * 600_000
        expect(page.locator(".uploads li")).to_have_count(0)
        expect(page.get_by_label("Message to api-refactor")).to_have_value("")


def test_a_file_is_dropped_or_pasted(console: Console) -> None:
    drop = """(type) => {
      const data = new DataTransfer();
      data.items.add(new File(["hello"], `${type}.txt`));
      const target = document.querySelector(type === "paste" ? "textarea" : ".chat");
      const how = { bubbles: true, cancelable: true };
      const event = type === "paste" ? new ClipboardEvent("paste", { clipboardData: data, ...how })
        : new DragEvent("drop", { dataTransfer: data, ...how });
      target.dispatchEvent(event);
    }"""

    with console.visit(path="#/session/s-1") as page:
        expect(page.get_by_label("Message to api-refactor")).to_be_visible()
        for number, kind in enumerate(("drop", "paste"), 1):
            page.evaluate(drop, kind)
            wait_until(lambda number=number: len(console.router.submissions) == number)

        assert [one.file.name for one in console.router.submissions if one.file] == ["drop.txt", "paste.txt"]


def test_a_phone_offers_its_camera(console: Console) -> None:
    with console.visit(PHONE, path="#/session/s-1") as page:
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Take a picture").tap()

        assert chooser.value.element.get_attribute("capture") == "environment"


def test_keys_lead_through_the_page_and_a_sheet_names_them(console: Console) -> None:
    with console.visit(path="#/session/s-1") as page:
        expect(page.get_by_label("Message to api-refactor")).to_be_focused()
        page.keyboard.type("?")  # in a field it is a letter
        expect(page.get_by_label("Message to api-refactor")).to_have_value("?")
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_contain_text("The next session that needs you")
        page.keyboard.press("Escape")
        page.keyboard.press("j")
        expect(page.get_by_role("heading", name="docs", level=1)).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("g")
        page.keyboard.press("i")
        expect(page.get_by_role("heading", name="Inbox")).to_be_visible()
        page.keyboard.press("/")
        expect(page.get_by_label("Words to search")).to_be_focused()


def test_a_session_without_a_terminal_is_ended_from_its_menu(console: Console) -> None:
    console.router.own.add_session(a_session("c-1", label="claude", backend="headless", state=SessionState.BUSY))

    with console.visit(path="#/session/c-1") as page:
        page.get_by_label("More about this session").click()
        page.get_by_role("button", name="End the session…").click()
        page.get_by_role("button", name="End it").click()
        wait_until(lambda: console.router.own.known_commands)

        assert [one.kind for one in console.router.own.known_commands.values()] == ["stop_session"]


CHANGED = {
    "Interrupt it": (None, ("interrupt", "")),
    "Mode: default…": (lambda page: page.get_by_role("combobox", name="Mode").select_option("plan"), ("mode", "plan")),
    "Model: opus…": (lambda page: page.get_by_role("textbox", name="Model").fill("haiku"), ("model", "haiku")),
    "Compact its context": (None, ("compact", "")),
    "Clear its context…": (bool, ("clear", "")),
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_its_program_lets_be_changed_is_changed_from_its_menu(console: Console, name: str) -> None:
    chosen, signal = CHANGED[name]
    changes = {"mode": "default", "modes": ("default", "plan"), "model": "opus"}
    controls = ("MODE", "MODEL", "INTERRUPT", "COMPACT", "CLEAR")
    console.router.own.add_session(a_session("c-1", label="claude", backend="tmux", controls=controls, **changes))
    console.router.tells = "It is in a dialog."

    with console.visit(PHONE, path="#/session/c-1") as page:
        page.get_by_label("More about this session").tap()
        page.get_by_role("button", name=name).tap()
        if chosen:
            chosen(page)
            page.get_by_role("dialog").get_by_role("button", name=re.compile("^(Set|Clear)$")).tap()
        expect(page.locator(".toast")).to_contain_text("It is in a dialog.")

    assert [one.control for one in console.router.submissions] == [signal]


def test_what_cannot_be_changed_from_afar_says_so(console: Console) -> None:
    console.router.own.add_session(a_session("c-1", label="claude", backend="pty", controls=("MODEL", "INTERRUPT")))

    with console.visit(path="#/session/c-1") as page:
        page.get_by_label("More about this session").click()
        page.get_by_role("button", name="Mode: at its terminal alone").click()
        expect(page.locator(".toast")).to_contain_text("Change the mode there, with Shift+Tab.")

    assert console.router.submissions == []


def test_what_was_read_on_one_page_is_read_on_another(console: Console) -> None:
    with console.visit(path="#/session/team%2Fdocs") as desk, console.visit(path="#/queue") as phone:
        console.router.own.say("s-1", "It is done.")
        for page in (desk, phone):
            expect(page.locator(".row[data-fresh]").filter(has_text="It is done.")).to_be_visible()

        desk.locator(".row").filter(has_text="It is done.").click()
        expect(desk.get_by_label("Message to api-refactor")).to_be_visible()
        wait_until(lambda: "s-1" in console.router.read)
        console.router.own.happened()

        for page in (desk, phone):
            expect(page.locator(".row").filter(has_text="It is done.")).to_be_visible()
            expect(page.locator(".row[data-fresh]").filter(has_text="It is done.")).to_have_count(0)


def test_a_muted_session_is_neither_counted_nor_read_out(console: Console) -> None:
    with console.visit(path="#/session/s-1") as page:
        page.get_by_label("More about this session").click()
        page.get_by_role("button", name="Mute it in this browser").click()
        page.get_by_role("link", name="docs").click()
        console.router.own.say("s-1", "Noise.")
        expect(page.locator(".row").filter(has_text="Noise.")).to_be_visible()

        expect(page).to_have_title("docs · Pointsman")
        expect(page.locator("#announce")).to_have_text("")


def test_a_session_is_given_another_name(console: Console) -> None:
    with console.visit(path="#/session/s-1") as page:
        page.get_by_label("More about this session").click()
        page.get_by_role("button", name="Rename it…").click()
        page.get_by_label("Name", exact=True).fill("the API")
        page.keyboard.press("Enter")

        expect(page.get_by_role("heading", name="the API", level=1)).to_be_visible()
        expect(page.locator(".row").filter(has_text="the API")).to_be_visible()


def test_what_its_program_offers_behind_a_slash_is_completed(console: Console) -> None:
    console.router.own.do("s-1", "metadata", commands=["compact", "cost", "review"])

    with console.visit(path="#/session/s-1") as page:
        expect(page.get_by_label("Message to api-refactor")).to_be_focused()
        page.keyboard.type("/co")
        expect(page.locator(".offers button")).to_have_text(["/compact", "/cost"])
        page.keyboard.press("Tab")
        expect(page.get_by_label("Message to api-refactor")).to_have_value("/compact ")
        expect(page.locator(".offers")).to_be_hidden()
        page.keyboard.type("x")
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Attach a file")).to_be_focused()
