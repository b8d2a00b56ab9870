"""Turns of the real Claude Code in each kind of session, as a page of the console has them, held against its record.

A turn of ours is a prompt for each thing: three tools, a task more in its plan, a question, a subagent and an error.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.e2e.claude_desk import LONG, in_place
from tests.e2e.system import POINTSMAN, System, running
from tests.fakes.claude_program import ClaudeHome
from tests.fakes.model_api import ModelApi
from tests.faults.watched import Seen, Watched, judged
from tests.faults.watchers import Watcher, over_page
from tests.integration.agent.backends.stages import NvimFixture, TmuxServerFixture
from tests.integration.agent.backends.terminal import Terminal
from tests.waiting import NeverHappened, wait_until

Opened = AbstractContextManager[object]
Json = Mapping[str, Any]
_ALLOWED = ("Bash", "Read", "Write", "Agent")
_OVER = re.compile(r"<task-notification>.*<tool-use-id>(\w+)</tool-use-id>.*<status>completed", re.DOTALL)
_OURS = (
    "said echo: ",
    "said tool said: ",
    "tool ",
    "plan ",
)  # of what is in the record, what the stand-in for the model says


def _in_tmux(_system: System, folder: Path, home: ClaudeHome) -> Opened:
    return closing(TmuxServerFixture(folder, in_place(home)))


def _in_run(system: System, _folder: Path, home: ClaudeHome) -> Opened:
    named = [f"{name}={value}" for name, value in system.environ().items()]
    return closing(Terminal(["env", *named, *POINTSMAN, "run", "--", *in_place(home)]))


def _in_nvim(_system: System, folder: Path, home: ClaudeHome) -> Opened:
    return closing(NvimFixture(folder, in_place(home)))


def _without(system: System, _folder: Path, _home: ClaudeHome) -> Opened:
    system.cli("start", "hello there", "--machine", "devbox")
    return nullcontext()


KINDS: dict[str, tuple[str, Callable[[System, Path, ClaudeHome], Opened]]] = {
    "tmux": ("tmux", _in_tmux), "run": ("pty", _in_run), "nvim": ("nvim", _in_nvim), "headless": ("headless", _without),
}  # fmt: skip


@dataclass
class Turns:
    """One session, and the pages that follow it."""

    system: System
    home: ClaudeHome
    session: str
    place: object = None  # its terminal
    at: dict[int, float] = field(default_factory=dict)  # the program's own time of what has one, by its number
    _since: list[tuple[str, Json]] = field(default_factory=list)  # of the newest turn, what the first page has
    _watchers: list[Watcher] = field(default_factory=list)
    _count: int = 0

    @property
    def seen(self) -> list[Seen]:
        """By the first page."""
        return self._watchers[0].watched.seen

    def joined(self) -> Watched:
        """One page more, from now on."""
        is_first = not self._watchers
        watched = Watched(f"page {len(self._watchers) + 1}", is_whole=False)
        told = self._told if is_first else bool
        comes = over_page(self.system.console.partition("//")[2], self.session, self.system.api_key, told)
        self._watchers.append(Watcher(watched, comes))
        return watched

    def turn(self, strike: Callable[[], object] = bool) -> None:
        """All of it once; `strike` comes in the middle of each prompt."""
        self._count += 1
        for prompt in self._prompts(self._count):
            self.says(prompt, strike)

    def says(self, prompt: str, strike: Callable[[], object] = bool) -> None:
        """A prompt, until the page has the end of its turn."""
        self._since.clear()
        try:
            wait_until(lambda: self._is_sent(prompt), LONG)
            # Sooner, what dies may leave in doubt whether it was typed.
            wait_until(lambda: any(content.get("text") == prompt for _, content in self._since), 2 * LONG)
            strike()
            if prompt.startswith("%ask"):
                wait_until(self.answered, LONG)
            wait_until(lambda: _is_over(list(self._since), prompt), 2 * LONG)
        except NeverHappened as never:
            raise NeverHappened(f"{prompt}: {never}; {self._account()}") from None

    def problems(self) -> list[str]:
        """What is wrong between the program's record and what the pages have."""
        files = self.record()
        pages = [one.watched for one in self._watchers]
        last = files[0][-1]
        wait_until(lambda: all(any(each.key == last for each in page.seen) for page in pages), LONG)
        times = Counter[str]()
        files = [[_nth(key, times) for key in file] for file in files]
        held = {key for file in files for key in file}
        seen = [_keyed(page, held) for page in pages]
        verdict, problems = judged(files, seen)
        return [*(f"{name}: {sorted(keys)}" for name, keys in verdict.broken.items()), *problems]

    def close(self) -> None:
        for watcher in self._watchers:
            watcher.close()

    def _account(self) -> str:
        """How it stands, for whoever waits in vain."""
        page = self._watchers[0].watched
        return (
            f"{page.broke_off!r} {[each.key for each in page.seen][-9:]} {self.home.records()} {self.system.account()}"
        )

    def _told(self, event: Json) -> None:
        if event["kind"] in ("said", "tool", "plan") and event["at"] is not None:
            self.at[event["seq"]] = event["at"]
            self._since.append((event["kind"], event["content"]))

    def _prompts(self, number: int) -> Iterator[str]:
        file = self.home.project / f"made-{number}"
        yield f"%bash expr 7000 + {number}"
        yield f"%tool Write {json.dumps({'file_path': str(file), 'content': f'made {number}'})}"
        yield f"%tool Read {json.dumps({'file_path': str(file)})}"
        yield f"%tool TaskCreate {json.dumps({'subject': f'Task {number}', 'description': 'To be done.'})}"
        yield f"%ask Which {number}? | Red | Blue"
        yield f"%agent %bash expr 8000 + {number}"
        yield f"%bash expr 9000 + {number}; false"

    def _is_sent(self, prompt: str) -> bool:
        name = f"{self.session} {self._count} {prompt}"[:120]
        sent = self._asked("POST", "/commands", {"sessionId": self.session, "text": prompt, "requestId": name})
        return sent is not None

    def answered(self) -> bool:
        """Answer what it asks from afar; whether it did ask."""
        for one in self._asked("GET", f"/permissions?sessionId={self.session}") or ():
            given = {"inputDigest": one["inputDigest"], "answers": [{"optionIds": ["option-1"]}]}
            return self._asked("POST", f"/permissions/{one['permissionId']}", given) is not None
        return False

    def _asked(self, method: str, path: str, body: object = None) -> Any:
        """None where nobody answers now."""
        try:
            answer = self.system.rest(method, path, body)
        except OSError:
            return None
        return answer.json() if answer.ok else None

    def record(self) -> list[list[str]]:
        """What stands in the files of its record, that of the talk first; each thing by its key."""
        files = sorted((self.home.config / "projects").rglob("*.jsonl"), key=lambda file: len(file.parts))
        # What is being written now is no row yet.
        found = [_held(file.read_text().rpartition("\n")[0].splitlines()) for file in files]
        # A subagent's end may stand there as a result and as news of it: it ends once.
        return [
            [key for at, key in enumerate(file) if not (key.startswith("tool ") and key in file[:at])] for file in found
        ]


def _is_over(told: list[tuple[str, Json]], prompt: str) -> bool:
    """Whether a turn has an answer behind the last thing done in it; a subagent is part of it until it is over."""
    asked = next(at for at, (_, content) in enumerate(told) if content.get("text") == prompt)
    open_, is_answered = set[str](), False
    for kind, content in told[asked:]:
        if kind == "tool":
            (open_.add if content["state"] == "RUNNING" else open_.discard)(content["id"])
            is_answered = is_answered and bool(content.get("parentId"))
        elif kind == "said":
            is_answered = content["by"] == "ASSISTANT" and not content.get("isError")
    return is_answered and not open_


def _held(lines: list[str]) -> list[str]:
    tasks: list[str] = []
    return [key for line in lines for key in _keys(json.loads(line), tasks)]


def _keys(row: Json, tasks: list[str]) -> Iterator[str]:
    """What is the same in each turn, such as what is said of a subagent that works on, is nobody's key."""
    content, result = row.get("message", {}).get("content"), row.get("toolUseResult")
    if row["type"] not in ("user", "assistant", "attachment"):
        return  # what the program asks the API holds the same blocks
    if isinstance(result, dict) and result.get("isAsync"):
        return  # it works on; its end comes by itself
    news = row["attachment"].get("prompt") if row["type"] == "attachment" else content
    if row["type"] != "assistant" and isinstance(news, str) and (over := _OVER.search(news)):
        yield f"tool {over[1]} DONE"
    for block in content if isinstance(content, list) else ():
        match block.get("type"):
            case "tool_use":
                yield f"tool {block['id']} RUNNING"
            case "tool_result":
                yield f"tool {block['tool_use_id']} {'FAILED' if block.get('is_error') else 'DONE'}"
                if isinstance(result, dict) and (made := result.get("task")):
                    tasks.append(made["subject"])
                    yield f"plan {', '.join(tasks)}"
            case "text" if row["type"] == "assistant" and not row.get("isSidechain") and "toolu_" not in block["text"]:
                yield f"said {block['text']}"


def _nth(key: str, times: Counter[str]) -> str:
    """What is said again is another thing."""
    times[key] += 1
    return f"{key} #{times[key]}"


def _keyed(page: Watched, held: Container[str]) -> Watched:
    """What a page has; what the program adds by itself, and no record of ours names, is nobody's thing."""
    times, seen = Counter[str](), list[Seen]()
    for each in page.seen:
        key = _nth(each.key, times)
        seen.append(replace(each, key=key if key in held or each.key.startswith(_OURS) else ""))
    return replace(page, seen=seen)


@contextmanager
def turns(folder: Path, kind: str, launcher: Sequence[str] = (), **settings: str) -> Iterator[Turns]:
    """The product with one session of that kind, which rests; a page follows it. `launcher` as `running` has it."""
    backend, opened = KINDS[kind]
    with ExitStack() as stack:
        api = stack.enter_context(ModelApi())
        (folder / "claude").mkdir()
        home = ClaudeHome(folder / "claude", api)
        rules = {"permissions": {"defaultMode": "default", "allow": list(_ALLOWED)}}
        (home.config / "settings.json").write_text(json.dumps(rules | {"env": {"CLAUDE_CODE_ENABLE_TODO_TOOLS": "1"}}))
        path = f"{home.program.parent}:{home.environ['PATH']}"
        environ = home.environ | {"PATH": path, "POINTSMAN_START_FOLDERS": str(home.project)} | settings
        system = stack.enter_context(running(folder, launcher, **environ))
        if kind != "headless":
            system.cli("hooks", "install", "--claude", str(home.program), CLAUDE_CONFIG_DIR=str(home.config))
        place = stack.enter_context(opened(system, folder, home))

        def there() -> str:
            found = [one for one in system.sessions() if one["backend"] == backend]
            return str(found[0]["sessionId"]) if found and found[0]["state"] == "IDLE" else ""

        one = Turns(system, home, wait_until(there, 2 * LONG), place)
        stack.callback(one.close)
        one.joined()
        if kind != "headless":
            one.says("hello there")
        yield one
