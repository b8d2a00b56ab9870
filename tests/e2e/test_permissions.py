"""The real Claude Code asks whether it may; whoever answers first has answered, and the other side is told."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.claude_desk import LONG, Desk, desk
from tests.e2e.system import CHAT, message
from tests.fakes.telegram_state import Message
from tests.programs import needed
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

_numbers = itertools.count(1)
_updates = itertools.count(71_000)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("asked")) as one:
        yield one


def asks_for_file(here: Desk) -> tuple[Path, Message]:
    """Make it ask for a file; the file, and the question on the phone."""
    name = f"made{next(_numbers)}"
    here.type(f"%bash touch {name}")
    return here.home.project / name, question(here, f"touch {name}")


def question(here: Desk, words: str) -> Message:
    """The question with these words, once its dialog is open as well."""
    (asked,) = wait_until(lambda: [one for one in here.messages(words) if one.buttons], LONG)
    wait_until(lambda: here.home.status() == "waiting", LONG)
    return asked


def answered(here: Desk, asked: Message, how: str) -> None:
    """The message says how it ended, and has no buttons; the program is at rest again."""
    wait_until(lambda: how in asked.text and not asked.buttons, LONG)
    wait_until(lambda: here.home.status() == "idle", LONG)


def turns_of(here: Desk, program: str) -> list[Message]:
    """What it said at the end of each turn in which it ran the program."""
    return [one for one in here.messages("tool said") if program in one.text]


def test_it_is_allowed_from_the_phone(here: Desk) -> None:
    file, asked = asks_for_file(here)

    here.system.telegram.press(asked, "✅ Allow", user_id=CHAT)

    wait_until(file.exists, LONG)
    answered(here, asked, "✅ Allowed by Ada")


def test_it_is_denied_with_a_reason(here: Desk) -> None:
    file, asked = asks_for_file(here)

    here.system.delivered(asked.message_id)
    here.system.webhook(message(next(_updates), "use the other folder", reply_to=asked.message_id))

    here.shows("use the other folder")
    answered(here, asked, "❌ Denied by Ada")
    assert not file.exists()


def test_a_yes_at_the_terminal_comes_first(here: Desk) -> None:
    file, asked = asks_for_file(here)

    wait_until(lambda: here.press("Enter") or file.exists(), LONG)  # it is deaf for half a second

    answered(here, asked, "☑️ Answered at the terminal")


def test_esc_at_the_terminal_comes_first(here: Desk) -> None:
    file, asked = asks_for_file(here)

    here.press("Escape")

    answered(here, asked, "☑️ Answered at the terminal")
    assert not file.exists()


def test_a_question_is_answered_in_ones_own_words(here: Desk) -> None:
    here.type("%ask Which colour? | Red | Blue")
    asked = question(here, "Which colour?")
    assert {"Red", "Blue"} <= set(asked.buttons)

    here.system.delivered(asked.message_id)
    here.system.webhook(message(next(_updates), "a pale green", reply_to=asked.message_id))

    here.shows("a pale green")
    answered(here, asked, "💬 Answered by Ada")


def test_what_is_allowed_always_is_not_asked_again(here: Desk) -> None:
    needed("curl")
    here.type("%bash curl --version")
    asked = question(here, "curl --version")
    [always] = [label for label in asked.buttons if label.startswith("✅ Always: Bash(curl")]

    here.system.telegram.press(asked, always, user_id=CHAT)
    answered(here, asked, "✅ Allowed by Ada")
    wait_until(lambda: len(turns_of(here, "curl")) == 1, LONG)
    here.type("%bash curl --version")

    wait_until(lambda: len(turns_of(here, "curl")) == 2, LONG)
    assert here.messages("curl --version") == [asked]


@pytest.mark.parametrize("program", ["agent", "router", "adapter-http", "courier"])
def test_it_can_still_be_answered_after_a_kill(here: Desk, program: str) -> None:
    file, asked = asks_for_file(here)
    here.system.delivered(asked.message_id)  # else a courier that dies may bring it twice

    here.system.kill(program)
    here.system.telegram.press(asked, "✅ Allow", user_id=CHAT)

    wait_until(file.exists, LONG)
    answered(here, asked, "✅ Allowed by Ada")


def test_what_nobody_answers_is_over_with_the_program(here: Desk) -> None:
    _, asked = asks_for_file(here)

    here.terminal.run("kill-server")

    wait_until(lambda: not asked.buttons, LONG)
    assert "✅" not in asked.text
