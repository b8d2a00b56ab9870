"""After a run in which much fails, nothing that it left behind holds a secret or a text that was typed.

Looked at: every command line of the machine while it ran, all output and logs, figures, answers that refuse, and every
file, but for those that are there to hold them: the databases, files of secrets, and what was typed into. Looked for:
each kind of secret that `tests/rigs/kept_secrets.py` knows.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.e2e.system import CHAT, POINTSMAN, Pane, System, message, running
from tests.fakes.telegram_faults import Fault, FaultKind
from tests.rigs.kept_secrets import JWT, all_kinds, is_kept_in
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

PROGRAMS = ("agent", "courier", "adapter-http", "router")
WORD = "hunter2"  # in every text
WRONG = "pmk_" + "w" * 43
ANY_CORE = ("sh", "-c", 'ulimit -c "$(ulimit -H -c)"; exec "$@"', "sh")  # a shell whose crashes leave their memory


@dataclass
class Left:
    """What there is to look through, by where it was."""

    texts: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)


class CommandLines:
    """All command lines of the machine that were there while it looked."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "CommandLines":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def text(self) -> str:
        return "\n".join(sorted(self._seen))

    def _look(self) -> None:
        while not self._over.wait(0.03):
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self._seen.add(entry.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Left:
    """A run in which much fails, looked through afterwards."""
    folder = tmp_path_factory.mktemp("left")
    left = Left()
    with CommandLines() as lines, running(folder, ANY_CORE) as system:
        pane = system.pane("work")
        left.secrets |= all_kinds(system, folder / "certificates") | {"a key that is wrong": WRONG}
        left.texts["answers"] = "\n".join(refusals(system, pane))
        crash(system, pane)
        left.texts["metrics"] = system.rest("GET", "/metrics").text
        left.texts["doctor"] = told(system, "doctor") + told(system, "doctor", "--settings")
        left.texts["limits of core dumps"] = json.dumps(core_limits(system))
        left.texts["limit of a session's program"] = own_limit(system, folder / "limit")
    left.texts["output and logs"] = system.log()
    left.texts["command lines"] = lines.text()
    for path in folder.rglob("*"):
        if path.is_file() and not is_kept_in(path) and path != folder / "work.txt":
            left.texts[str(path.relative_to(folder))] = path.read_bytes().decode(errors="replace")
    return left


def refusals(system: System, pane: Pane) -> Iterator[str]:
    """Texts that cannot be taken, each in its way; what was answered."""
    for body in (
        {"sessionId": "nowhere", "text": f"{WORD} to nowhere"},
        {"sessionId": pane.session_id, "text": f"{WORD} " * 20_000},
        {"sessionId": pane.session_id, "text": {"no text": WORD}},
        {"sessionId": pane.session_id, "text": f"{WORD} \ud800"},
    ):
        yield system.rest("POST", "/commands", body).text
    yield system.rest("POST", "/commands", {"sessionId": pane.session_id, "text": f"{WORD} by nobody"}, key=WRONG).text
    yield system.webhook(b'{"message": {"text": "' + WORD.encode()).text
    yield system.webhook(message(70_001, f"{WORD} of a stranger", chat=666, user=666)).text
    yield system.webhook(message(70_002, f"/use {WORD}")).text
    yield system.webhook(message(70_003, f"/cmd WRONGTOKEN {WORD}")).text
    done = subprocess.run(
        [*POINTSMAN, "machines", "--router", system.router],
        env=system.environ() | {"POINTSMAN_API_KEY": WRONG}, capture_output=True, text=True, cwd="/",
    )  # fmt: skip
    assert done.returncode != 0
    yield done.stdout + done.stderr


def crash(system: System, pane: Pane) -> None:
    """Programs die with texts in their memory, the platform fails, and the terminal goes."""
    system.telegram.fail(
        "sendMessage", Fault(FaultKind.REFUSE, description="Bad Request: can't parse entities"), times=3
    )
    system.telegram.fail("sendMessage", Fault(FaultKind.HTML_PAGE), times=2)
    system.rest(
        "POST", "/notifications/send", {"sessionId": pane.session_id, "chatId": CHAT, "text": f"{WORD} is told"}
    )
    assert system.webhook(message(70_010, "/use work")).status_code == 200
    assert system.webhook(message(70_011, f"{WORD} is typed")).status_code == 200
    assert pane.wait_for(1) == [f"{WORD} is typed"]
    for name in PROGRAMS:
        old = system.programs(name)[0]
        old.send_signal(signal.SIGABRT)
        wait_until(lambda old=old, name=name: [one for one in system.programs(name) if one.pid != old.pid], 30)
    system.replies([message(70_012, f"{WORD} after all that")])
    assert pane.wait_for(2)[1:] == [f"{WORD} after all that"]


def told(system: System, *argv: str) -> str:
    env = system.environ() | {"POINTSMAN_ROUTER": system.router}
    done = subprocess.run([*POINTSMAN, *argv], env=env, capture_output=True, text=True, cwd="/", timeout=60)
    return done.stdout + done.stderr


def core_limits(system: System) -> dict[str, int]:
    return {name: system.programs(name)[0].rlimit(psutil.RLIMIT_CORE)[0] for name in PROGRAMS}


def own_limit(system: System, path: Path) -> str:
    """What a program that is started in a session has."""
    told(system, "session", "register", "--command", f"ulimit -c > {path}", "--session", "limits")
    told(system, "send", "limits", "go", "--wait")
    return path.read_text().strip()


def test_there_was_something_to_find(left: Left) -> None:
    assert {"output and logs", "command lines", "metrics", "answers"} < set(left.texts)
    assert "pointsman" in left.texts["command lines"]
    assert "pointsman_router_up" in left.texts["metrics"]
    assert "SESSION_UNKNOWN" in left.texts["answers"]


def test_no_text_is_in_it(left: Left) -> None:
    assert [place for place, text in left.texts.items() if WORD in text] == []


def test_no_secret_is_in_it(left: Left) -> None:
    found = [
        (name, place) for name, secret in left.secrets.items() for place, text in left.texts.items() if secret in text
    ]

    assert found == []


def test_no_credential_that_signs_for_a_machine_or_a_session_is_in_it(left: Left) -> None:
    assert [place for place, text in left.texts.items() if JWT.search(text)] == []


def test_a_crash_leaves_no_memory_behind(left: Left) -> None:
    assert json.loads(left.texts["limits of core dumps"]) == dict.fromkeys(
        ("router", "agent", "courier", "adapter-http"), 0
    )


def test_programs_of_sessions_have_the_limit_of_whoever_started_the_agent(left: Left) -> None:
    asked = [*ANY_CORE, "sh", "-c", "ulimit -c"]
    told = subprocess.run(asked, capture_output=True, text=True, env={"PATH": os.defpath}).stdout

    assert left.texts["limit of a session's program"] == told.strip()


def test_a_shell_that_wants_core_dumps_would_have_got_them() -> None:
    """Else the test before says nothing."""
    asked = [*ANY_CORE, sys.executable, "-c", "import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])"]
    told = subprocess.run(asked, capture_output=True, text=True, env={"PATH": os.defpath}).stdout

    if told.strip() == "0":
        pytest.skip("this machine allows no core dumps")
    assert told.strip() != "0"
