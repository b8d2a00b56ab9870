"""What is not Claude Code, with nothing but `pointsman run` and `pointsman notify`: a REPL, and a build that asks."""

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.system import CHAT, POINTSMAN, System, message, press, running
from tests.fakes.telegram_state import Message
from tests.integration.agent.backends.terminal import Terminal
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

LONG = 30.0  # seconds; other programs share the cores
BUILD = """
pointsman() { "$PYTHON" -I -m pointsman "$@"; }
echo building
pointsman notify "$POINTSMAN_SESSION_ID" "The build is done. Deploy?" --button Yes=yes --button No=no
read answer
echo "answered: $answer"
exit 3
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("any")) as one:
        yield one


def run(system: System, label: str, *command: str) -> Terminal:
    """A person's terminal with `pointsman run` in it."""
    environ = system.environ() | {"POINTSMAN_ROUTER": system.router, "PYTHON": sys.executable, "TERM": "dumb"}
    named = [f"{name}={value}" for name, value in environ.items()]
    return Terminal(["env", "-i", *named, *POINTSMAN, "run", "--label", label, "--", *command])


def session(system: System, label: str) -> str:
    """The id of the session, once there is one."""
    return str(wait_until(lambda: ids(system, label), LONG)[0])


def ids(system: System, label: str, *, ended: bool = False) -> list[str]:
    return [one["sessionId"] for one in system.sessions(ended=ended) if one["label"] == label]


def told(system: System, words: str) -> Message:
    """The message in the chat, once it is there."""
    found = wait_until(lambda: [m for m in system.telegram.bot_messages(CHAT) if words in (m.text or "")], LONG)
    system.delivered(found[-1].message_id)
    return found[-1]


def test_a_repl_asks_and_evaluates_the_reply(system: System) -> None:
    with closing(run(system, "repl", sys.executable, "-q", "-i")) as terminal:
        name = session(system, "repl")
        wait_until(lambda: b">>> " in terminal.screen, LONG)
        system.cli("notify", name, "What next?")
        asked = told(system, "What next?")

        system.webhook(message(61_001, "print(6 * 7, 'from afar')", reply_to=asked.message_id))
        wait_until(lambda: b"42 from afar" in terminal.screen, LONG)
        system.cli("key", name, "ctrl-d")

        assert terminal.exit_code() == 0
    wait_until(lambda: not ids(system, "repl"), LONG)


def test_a_build_asks_and_goes_on_with_the_button_that_is_pressed(system: System, tmp_path: Path) -> None:
    script = tmp_path / "build.sh"
    script.write_text(BUILD)
    with closing(run(system, "build", "sh", str(script))) as terminal:
        asked = told(system, "Deploy?")

        system.webhook(press(61_002, asked.message_id, asked.buttons["Yes"]))
        code = terminal.exit_code()

    assert b"answered: y" in terminal.screen
    assert code == 3
