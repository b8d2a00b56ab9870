"""Real coding agents ask their people by themselves, through `pointsman mcp`, whatever is restarted meanwhile."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import grpc
import pytest

from tests.e2e.claude_desk import LONG, Desk, desk, install, startable
from tests.e2e.system import CHAT, POINTSMAN, System, message, running
from tests.fakes.acp_programs import EVERY, AcpHome
from tests.fakes.model_dialects import Models
from tests.fakes.telegram_state import Message
from tests.integration.agent.backends.terminal import Terminal
from tests.waiting import NeverHappened, wait_until

pytestmark = pytest.mark.e2e

SLOW = 100.0  # seconds; OpenCode alone uses a core for ten until it is there
ASKED = {"question": "Which way?", "options": ["Rebase", "Merge"]}
# Without a blank: OpenCode puts what has one between quotes.
ASKS = f"ask_person {json.dumps(ASKED, separators=(',', ':')).replace(' ', chr(92) + 'u0020')}"
NOTED = "make lint comes first"
REMEMBERS = f"remember {json.dumps({'text': NOTED}, separators=(',', ':')).replace(' ', chr(92) + 'u0020')}"
RECALLS = 'recall {"query":"lint"}'


def question(system: System, patience: float = LONG) -> Message:
    """The question on the phone, once it is there."""

    def found() -> list[Message]:
        return [one for one in system.telegram.bot_messages(CHAT) if "Which way?" in one.text and one.buttons]

    [asked] = wait_until(found, patience)
    system.delivered(asked.message_id)
    return asked


def seen(system: System, terminal: Terminal) -> Message:
    """The same; where it does not come, what the program shows."""
    try:
        return question(system, SLOW)
    except NeverHappened:
        raise AssertionError(terminal.screen.decode(errors="replace")[-3000:]) from None


def wish(system: System) -> Message:
    """What a session wants to be known, once the phone has it, with its buttons."""
    [asked] = wait_until(lambda: [m for m in system.telegram.bot_messages(CHAT) if NOTED in m.text and m.buttons], LONG)
    system.delivered(asked.message_id)
    return asked


def keep(system: System, asked: Message) -> None:
    """Returns when everybody in its folder knows it."""
    system.telegram.press(asked, "✅ Keep", user_id=CHAT)
    wait_until(lambda: "✓ ✅ Keep" in asked.text, LONG)


def restart_everything(system: System) -> None:
    for program in ("agent", "router", "adapter-http", "courier"):
        system.kill(program)
    wait_until(lambda: is_back(system), LONG)


def is_back(system: System) -> bool:
    """Whether the machine has its router again."""
    try:
        system.wait_for_machine("devbox", connected=True)
    except grpc.RpcError:
        return False  # it does not listen yet
    return True


def test_claude_code_asks_and_remembers_and_is_answered_over_a_restart_of_everything(tmp_path: Path) -> None:
    with desk(tmp_path, "--mcp") as here:
        here.type(f'%tool mcp__pointsman__remember {{"text":"{NOTED}"}}')
        wished = wish(here.system)
        here.shows("Kept as note 1")
        here.type('%tool mcp__pointsman__ask_person {"question":"Which way?"}')
        asked = question(here.system)
        restart_everything(here.system)
        here.system.replies([message(91_001, "Merge", reply_to=asked.message_id)])  # the door may come back last
        keep(here.system, wished)
        here.shows("Merge")
        with closing(other_claude(here, f"%tool mcp__pointsman__{RECALLS}")) as other:
            code = other.exit_code()

        assert "Merge" in here.screen().partition("Which way?")[2].partition("tool said:")[2]
        assert len(here.messages("Which way?")) == 1  # nobody was asked whether it may ask
        assert code == 0, other.screen
        assert NOTED.encode() in other.screen.partition(b"tool said:")[2]


def other_claude(here: Desk, prompt: str) -> Terminal:
    """Another session in the same folder, for one turn."""
    environ = here.system.environ() | here.home.environ | {"POINTSMAN_ROUTER": here.system.router, "TERM": "dumb"}
    named = [f"{key}={value}" for key, value in environ.items()]
    allowed = ["--allowedTools", "mcp__pointsman__recall"]  # with -p it asks nobody, not even its hooks
    run = [*POINTSMAN, "run", "--label", "other", "--", str(here.home.program), "-p", prompt, *allowed]
    return Terminal(["env", "-i", "-C", str(here.home.project), *named, *run])


def test_without_a_terminal_and_in_a_folder_that_nobody_trusts_it_asks_as_well(tmp_path: Path) -> None:
    with startable(tmp_path) as (system, home):
        install(system, home, "--mcp")
        system.cli("start", f"%tool mcp__pointsman__{ASKS}", "--machine", "devbox")
        system.telegram.press(question(system), "Rebase", user_id=CHAT)
        said = wait_until(lambda: [m.text for m in system.telegram.bot_messages(CHAT) if "tool said" in m.text], LONG)

    assert "Rebase" in said[0].partition("tool said")[2]


@pytest.fixture
def models() -> Iterator[Models]:
    with Models() as one:
        yield one


RUNS = {
    "codex": ("codex", ["exec", "--skip-git-repo-check"]),
    "opencode": ("opencode", ["run"]),
}


def started(system: System, home: AcpHome, project: Path, name: str, use: str) -> Terminal:
    """The program in a terminal of `pointsman run`, told to use a tool so."""
    program, arguments = RUNS[name]
    environ = system.environ() | home.environ | {"POINTSMAN_ROUTER": system.router, "TERM": "dumb"}
    named = [f"{key}={value}" for key, value in environ.items()]
    prompt = ["%tool", *use.split()]
    words = prompt if name == "opencode" else [" ".join(prompt)]
    command = [str(home.program.path.with_name(program)), *arguments, *words]
    return Terminal(["env", "-i", "-C", str(project), *named, *POINTSMAN, "run", "--label", name, "--", *command])


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", RUNS if EVERY else ["codex"])  # the quickest
def test_it_asks_and_remembers_over_a_restart_of_everything(name: str, tmp_path: Path, models: Models) -> None:
    home, project = AcpHome(name, tmp_path, models.url), tmp_path / "project"
    project.mkdir()
    with running(tmp_path) as system:
        system.cli("hooks", "install", "--mcp", **home.environ)
        with closing(started(system, home, project, name, REMEMBERS)) as remembering:
            codes = [remembering.exit_code()]
        wished = wish(system)
        with closing(started(system, home, project, name, ASKS)) as asking:
            asked = seen(system, asking)
            restart_everything(system)
            system.telegram.press(asked, "Merge", user_id=CHAT)
            codes.append(asking.exit_code())
        keep(system, wished)
        with closing(started(system, home, project, name, RECALLS)) as recalling:
            codes.append(recalling.exit_code())

    assert codes == [0, 0, 0]
    assert b"Kept as note 1" in remembering.screen.partition(b"tool said:")[2]
    assert b"Merge" in asking.screen.partition(b"tool said:")[2]
    assert NOTED.encode() in recalling.screen.partition(b"tool said:")[2]
