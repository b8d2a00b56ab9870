"""A program in `pointsman run` that reaches neither the agent nor a key, as in a container: its token will do."""

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.system import CHAT, POINTSMAN, System, running
from tests.integration.agent.backends.terminal import Terminal
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

LONG = 30.0  # seconds; other programs share the cores
INSIDE = """
inside() { POINTSMAN_DATA_DIR="$EMPTY" "$PYTHON" -I -m pointsman "$@"; }
echo begun
read go
inside notify "$POINTSMAN_SESSION_ID" "From inside." > /dev/null && echo notified
inside send "$POINTSMAN_SESSION_ID" "to myself" > /dev/null && echo sent
read answer
echo "heard: $answer"
inside send "$OTHER" "to another" 2> /dev/null | grep -q waiting && echo "people are asked"
inside notify "$OTHER" "for another" 2> /dev/null || echo "refused: $?"
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("inside")) as one:
        yield one


def test_it_speaks_for_its_session_until_that_ends(system: System, tmp_path: Path) -> None:
    other = system.cli("session", "register", "--command", "cat", "--label", "other")
    script = tmp_path / "inside.sh"
    script.write_text(INSIDE)
    environ = system.environ() | {
        "POINTSMAN_ROUTER": system.router, "PYTHON": sys.executable, "TERM": "dumb", "EMPTY": str(tmp_path),
        "OTHER": other,
    }  # fmt: skip
    named = [f"{name}={value}" for name, value in environ.items()]
    argv = ["env", "-i", *named, *POINTSMAN, "run", "--label", "inside", "--", "sh", str(script)]

    with closing(Terminal(argv)) as terminal:
        wait_until(lambda: "inside" in [one["label"] for one in system.sessions()], LONG)
        system.cli("send", "inside", "go")
        assert terminal.exit_code() == 0

    for line in (b"notified", b"sent", b"heard: to myself", b"people are asked", b"refused: 5"):
        assert line in terminal.screen
    assert terminal.screen.count(b"refused: 5") == 1
    assert [one.text for one in system.telegram.bot_messages(CHAT) if "for another" in (one.text or "")] == []
    wait_until(lambda: any("From inside." in (one.text or "") for one in system.telegram.bot_messages(CHAT)), LONG)
    wait_until(lambda: len(list((system.data / "agent" / "workers").glob("*/token"))) == 1, LONG)  # of the other one
