"""The real Claude Code without a terminal: prompts, words, questions, ends, and the way back into a conversation."""

import asyncio
import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from agent.backends.claude.headless import HeadlessBackend
from agent.backends.claude.questions import Asker
from agent.backends.model.prompts import Prompts
from agent.backends.open_questions import NOTHING, Beside
from agent.domain.claude_question import ToolUse, verdict
from agent.domain.command import Ending, Input, KeyPress, Outcome, Reason
from agent.domain.permission import Decision
from agent.domain.session import Conversation, Session, SessionState
from agent.processes import identify
from tests.fakes.claude_program import ClaudeHome
from tests.fakes.model_api import ModelApi
from tests.integration.agent.backends.notes import Notes
from tests.rigs.agent_rig import eventually

LONG = 30.0  # seconds; other programs share the cores
IDLE = SessionState.IDLE


@pytest.fixture
def api() -> Iterator[ModelApi]:
    with ModelApi() as one:
        yield one


@pytest.fixture
def home(data_dir: Path, api: ModelApi) -> ClaudeHome:
    return ClaudeHome(data_dir, api)


class Person:
    """Says yes once told to."""

    def __init__(self) -> None:
        self.questions: list[tuple[str, ToolUse]] = []
        self.yes = asyncio.Event()
        self.withdrawn = False

    async def ask(self, session_id: str, asker: str, use: ToolUse) -> tuple[Mapping[str, object], Beside]:
        assert asker
        self.questions.append((session_id, use))
        try:
            await self.yes.wait()
        except asyncio.CancelledError:
            self.withdrawn = True
            raise
        return verdict(use, [Decision("allow")]), NOTHING


class Scene:
    """One session of an agent; `async with` is the agent's life."""

    def __init__(
        self,
        home: ClaudeHome,
        talk: Conversation | None = None,
        asker: Asker | None = None,
        trusted: Sequence[Path] = (),
        told: Callable[[Session], str] = lambda _: "",
    ) -> None:
        self.notes = Notes()
        self.notes.talk = talk
        environ = home.environ | {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "not ours"}
        self.backend = HeadlessBackend(environ, trusted=trusted, told=told)
        self.backend.connect(self.notes, asker)
        self._session = Session(
            "s1", "headless", cwd=str(home.project), target={"program": str(home.program)}, conversation=talk
        )

    async def __aenter__(self) -> "Scene":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.backend.close()

    def target(self, **more: str) -> None:
        """How it was begun, beside its program."""
        self._session = replace(self._session, target=dict(self._session.target) | more)

    def move(self, folder: Path) -> None:
        """The session is in this folder."""
        self._session = replace(self._session, cwd=str(folder))

    @property
    def session(self) -> Session:
        return replace(self._session, conversation=self.notes.talk)

    async def say(self, text: str) -> Outcome:
        return await self.backend.deliver(self.session, Input(text))

    async def turn(self, text: str) -> str:
        """The words at the end of a turn that this text begins."""
        before = len(self.notes.texts)
        assert await self.say(text) == Outcome.done()
        await eventually(lambda: len(self.notes.texts) > before and self.notes.states[-1:] == [IDLE], LONG)
        return self.notes.texts[-1]

    @property
    def pid(self) -> int:
        assert self.notes.talk is not None
        return self.notes.talk.process.pid


async def test_a_text_is_taken_exactly_and_the_last_words_come_back(home: ClaudeHome, api: ModelApi) -> None:
    texts = ["hello", "!touch made", "/tmp/x is a path", "one\n\n  two;\n\tthree 日本語 'quotes'"]
    async with Scene(home) as scene:
        words = [await scene.turn(text) for text in texts]

    assert words == [f"echo: {text}" for text in texts]
    assert api.prompts == texts
    assert scene.notes.states[:2] == [SessionState.BUSY, IDLE]
    assert not (home.project / "made").exists()


async def test_it_is_told_first_what_its_owner_says_and_nothing_that_a_branch_brings(
    home: ClaudeHome, api: ModelApi, tmp_path: Path
) -> None:
    own = {"work.md": "No force, 'ever'.", "work/github.md": "Be short.", "repositories/acme/api.md": "-- Run tox."}
    theirs = {name: f"said-by-a-branch {name}" for name in own}
    for folder, files in ((tmp_path / "own", own), (home.project, theirs)):
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    async with Scene(home, told=Prompts(tmp_path / "own").of_work) as scene:
        scene.target(platform="github", repository="acme/api")
        await scene.turn("hello")

    [system] = api.systems
    assert "No force, 'ever'.\\n\\nBe short.\\n\\n-- Run tox." in system
    assert "said-by-a-branch" not in system


async def test_esc_stops_what_it_does_and_nothing_is_said(home: ClaudeHome, api: ModelApi) -> None:
    async with Scene(home) as scene:
        await scene.say("%slow 60 a b c d")
        await eventually(lambda: api.prompts, LONG)

        stopped = await scene.backend.deliver(scene.session, KeyPress("esc"))
        words = await scene.turn("after")

    assert stopped == Outcome.done()
    assert scene.notes.texts == [words] == ["echo: after"]


async def test_a_text_sent_while_it_is_busy_is_taken_at_once(home: ClaudeHome) -> None:
    async with Scene(home) as scene:
        await scene.say("%slow 2 a b")
        outcome = await scene.say("second")
        busy = scene.notes.states[-1]
        await eventually(lambda: scene.notes.texts == ["a b", "echo: second"], LONG)

    assert (outcome, busy) == (Outcome.done(), SessionState.BUSY)


async def test_what_nobody_can_be_asked_about_is_denied_with_words(home: ClaudeHome) -> None:
    async with Scene(home) as scene:
        words = await scene.turn("%bash touch made")

    assert "Nobody could be asked" in words
    assert not (home.project / "made").exists()


async def test_what_a_person_allows_is_done(home: ClaudeHome) -> None:
    person = Person()
    async with Scene(home, asker=person) as scene:
        await scene.say("%bash touch made")
        await eventually(lambda: scene.notes.states[-1:] == [SessionState.WAITING] and person.questions, LONG)
        person.yes.set()
        await eventually(lambda: scene.notes.texts, LONG)

    ((session_id, use),) = person.questions
    assert (session_id, use.tool, use.given["command"]) == ("s1", "Bash", "touch made")
    assert use.suggestions
    assert (home.project / "made").exists()


async def test_a_question_is_void_when_the_turn_is_stopped(home: ClaudeHome) -> None:
    person = Person()
    async with Scene(home, asker=person) as scene:
        await scene.say("%bash touch made")
        await eventually(lambda: person.questions, LONG)
        await scene.backend.deliver(scene.session, KeyPress("ctrl-c"))
        await eventually(lambda: person.withdrawn, LONG)

    assert not (home.project / "made").exists()


async def test_a_program_that_is_killed_is_told_of_and_its_conversation_goes_on(home: ClaudeHome) -> None:
    async with Scene(home) as scene:
        await scene.turn("first")
        first = scene.notes.talk
        os.kill(scene.pid, signal.SIGKILL)
        await eventually(lambda: "ended by SIGKILL" in scene.notes.texts[-1], LONG)

        words = await scene.turn("again")

    assert words == "echo: again"
    assert first is not None
    assert scene.notes.talk is not None
    assert scene.notes.talk.conversation_id == first.conversation_id
    assert scene.notes.talk.process != first.process


async def test_it_ends_with_the_agent_and_the_next_agent_takes_the_conversation_up(home: ClaudeHome) -> None:
    async with Scene(home) as scene:
        await scene.turn("first")
        pid = scene.pid
    ended = identify(pid) is None
    async with Scene(home, scene.notes.talk) as later:
        await later.turn("again")

    assert ended
    assert later.notes.talk is not None
    assert scene.notes.talk is not None
    assert later.notes.talk.conversation_id == scene.notes.talk.conversation_id
    assert scene.notes.texts == ["echo: first"]


async def test_what_a_dead_agent_left_running_is_ended_first(home: ClaudeHome) -> None:
    async with Scene(home) as dead, Scene(home) as later:
        await dead.turn("first")
        later.notes.talk = dead.notes.talk
        words = await later.turn("again")
        left = identify(dead.pid)

    assert (words, left) == ("echo: again", None)


async def test_a_conversation_that_is_open_elsewhere_is_left_alone(home: ClaudeHome, api: ModelApi) -> None:
    async with Scene(home) as scene, Scene(home) as other:
        await scene.turn("first")
        assert scene.notes.talk is not None
        target = {**other.session.target, "resume": scene.notes.talk.conversation_id}
        refused = await other.backend.deliver(replace(other.session, target=target), Input("second"))

    assert (refused.ending, refused.reason) == (Ending.FAILED, Reason.CONVERSATION_OPEN)
    assert str(scene.pid) in refused.detail
    assert api.prompts == ["first"]


async def test_after_a_clear_the_new_conversation_is_the_one_to_take_up(home: ClaudeHome) -> None:
    async with Scene(home) as scene:
        await scene.turn("first")
        first = scene.notes.talk
        await scene.say("/clear")
        await eventually(lambda: scene.notes.talk != first, LONG)
        await scene.turn("second")
    async with Scene(home, scene.notes.talk) as later:
        words = await later.turn("third")

    assert words == "echo: third"


async def test_a_conversation_that_is_gone_is_told_of_and_the_next_text_begins_another(home: ClaudeHome) -> None:
    nobody = identify(os.getpid())
    assert nobody is not None
    lost = Conversation("11111111-2222-3333-4444-555555555555", replace(nobody, started=1.0), str(home.config))
    async with Scene(home, lost) as scene:
        refused = await scene.say("first")
        words = await scene.turn("second")

    assert (refused.ending, refused.reason) == (Ending.FAILED, Reason.BACKEND_ERROR)
    assert "No conversation found" in refused.detail
    assert words == "echo: second"
    assert scene.notes.texts == [words]


async def test_a_session_that_is_over_has_no_program(home: ClaudeHome) -> None:
    async with Scene(home) as scene:
        await scene.turn("first")
        await scene.backend.release(scene.session)
        left = identify(scene.pid)
        nothing = await scene.backend.deliver(scene.session, KeyPress("esc"))

    assert left is None
    assert nothing == Outcome.done("nothing was running")
    assert scene.notes.texts == ["echo: first"]


async def test_a_fresh_program_takes_the_conversation_up_once_the_first_is_at_rest(home: ClaudeHome) -> None:
    async with Scene(home) as scene:
        await scene.say("%slow 2 a b")
        busy = await scene.backend.refresh(scene.session)
        await eventually(lambda: scene.notes.states[-1:] == [IDLE], LONG)
        first = scene.notes.talk
        rests = await scene.backend.refresh(scene.session)
        left = scene.backend.pids
        words = await scene.turn("again")

    assert (busy, rests, left) == (False, True, ())
    assert words == "echo: again"
    assert first is not None
    assert scene.notes.talk is not None
    assert scene.notes.talk.conversation_id == first.conversation_id
    assert scene.notes.talk.process != first.process
    assert scene.notes.texts == ["a b", "echo: again"]


def ran(home: ClaudeHome) -> set[str]:
    """Which commands of settings have run."""
    return {path.name for path in (home.config / "ran").iterdir()}


@pytest.fixture
def branch(home: ClaudeHome) -> ClaudeHome:
    """Checked out: a hook and an MCP server. The person has a hook of their own."""
    (home.config / "ran").mkdir()

    def leaving(name: str) -> dict[str, object]:
        command = {"type": "command", "command": f"touch '{home.config}/ran/{name}'"}
        return {"UserPromptSubmit": [{"hooks": [command]}]}

    (home.project / ".claude").mkdir()
    (home.project / ".claude" / "settings.json").write_text(json.dumps({"hooks": leaving("hook")}))
    (home.project / ".claude" / "settings.local.json").write_text(json.dumps({"hooks": leaving("local hook")}))
    server = {"command": "touch", "args": [f"{home.config}/ran/server"]}
    (home.project / ".mcp.json").write_text(json.dumps({"mcpServers": {"theirs": server}}))
    own = home.config / "settings.json"
    own.write_text(json.dumps({**json.loads(own.read_text()), "hooks": leaving("own hook")}))
    return home


async def test_what_a_branch_brings_along_is_not_run(branch: ClaudeHome) -> None:
    elsewhere = branch.project.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "link").symlink_to(branch.project)
    async with Scene(branch, trusted=[elsewhere]) as scene:
        scene.move(elsewhere / "link")
        words = await scene.turn("hello")

    assert (words, ran(branch)) == ("echo: hello", {"own hook"})


async def test_in_a_folder_that_is_trusted_it_is_run(branch: ClaudeHome) -> None:
    link = branch.project.parent / "link"
    link.symlink_to(branch.project.parent)
    async with Scene(branch, trusted=[link]) as scene:
        await scene.turn("hello")
        await eventually(lambda: ran(branch) == {"own hook", "hook", "local hook", "server"}, LONG)
