"""GitHub's stand-in with real git, the adapter's programs and a machine with the real Claude Code, all to be killed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
from agentlink.v1 import control_pb2 as pb

from tests.fakes.claude_program import ClaudeHome
from tests.fakes.github.github import GitHubStandIn
from tests.fakes.github.world import Comment, Issue
from tests.fakes.model_api import ModelApi
from tests.faults.chat import ProgramVictim
from tests.faults.load import METADATA
from tests.faults.processes import Died, Process
from tests.faults.programs import Life
from tests.faults.world import World, enrol, world
from tests.ports import free_port
from tests.rigs.upstream import Upstream
from tests.waiting import wait_until

LONG = 120.0  # seconds for one run; a link that was lost is dialled again within a minute
SECRET, PATH_SECRET = "It is a secret to nobody else", "p" * 43
MACHINE = "devbox"


@dataclass
class Run:
    """One pull request, with one mention."""

    number: int
    pull: Issue
    mention: Comment
    answered: set[str] = field(default_factory=set)  # questions

    @property
    def branch(self) -> str:
        return f"topic-{self.number}"

    @property
    def word(self) -> str:
        return f"turn-{self.number}"


class Stage:
    """Everything that runs."""

    def __init__(self, world: World, github: GitHubStandIn, api: ModelApi) -> None:
        self.world, self.github, self.api = world, github, api
        self.ada, self.repository = github.world.add_user("ada"), github.world.add_repository("acme/api", private=True)
        self.repository.roles[self.ada.id] = "write"
        self.upstream = Upstream(world.folder / "elsewhere")
        github.git.keep(self.repository, self.upstream.path)
        github.install(self.repository)
        limits = github.throttle()  # its time is not the courier's
        limits.spacing, limits.points.most, limits.content_minute.most = False, 1_000_000, 1_000_000
        limits.content_hour.most = limits.primary_limit = 1_000_000
        settings = self._settings(world.folder, port := free_port())
        self.http, self.courier = (ProgramVictim(world, name, settings) for name in ("http", "github-courier"))
        github.app.hook_url = f"http://127.0.0.1:{port}/github/webhook/{PATH_SECRET}"
        self.agent = Worker(self)
        self._runs = 0
        self.judged = set[str]()  # what was told of already

    def start(self) -> None:
        self.agent.enrol()
        space, name = str(self.repository.id), self.repository.full_name
        binding = pb.Binding(
            transport="github", space=space, name=name, machine_id=MACHINE, writers=True, autostart=True
        )
        self.world.door.control.Bind(pb.BindRequest(binding=binding), metadata=METADATA)
        for each in (self.http, self.courier, self.agent):
            each.start("", 0)
        wait_until(lambda: self.world.is_connected(MACHINE), LONG)

    def stop(self) -> None:
        for each in (self.agent, self.courier, self.http):
            each.kill()

    def begins(self) -> Run:
        """Somebody makes a pull request, and mentions us there."""
        self._runs += 1
        branch, file = f"topic-{self._runs}", f"turn-{self._runs}.txt"
        self.upstream.push(f"refs/heads/{branch}", {f"{branch}.txt": "a beginning\n"})
        self.github.git.keep(self.repository, self.upstream.path)
        pull = self.github.opens(self.repository, branch, self.ada, branch=branch)
        bash = (
            f"echo it >> {file} && echo mine >> notes.txt && git add {file} && git commit -qm {file}"
            f" && git push -q origin HEAD:{branch} && echo pushed"
        )
        mention = self.github.writes(pull, f"@pointsman turn-{self._runs}\n%bash {bash}", self.ada)
        return Run(self._runs, pull, mention)

    def runner(self) -> list[psutil.Process]:
        """The program that works in a workspace."""
        found = []
        for each in psutil.process_iter():
            with suppress(psutil.Error):
                if str(self.world.folder) in each.cwd() and each.name().startswith("claude"):
                    found.append(each)
        return found

    def _settings(self, folder: Path, port: int) -> dict[str, str]:
        github, file = self.github, folder / "app.json"
        told = {"app_id": github.app.id, "slug": github.app.slug, "private_key": github.app.pem}
        file.write_text(json.dumps(told | {"webhook_secret": SECRET, "path_secret": PATH_SECRET}))
        file.chmod(0o600)
        return {
            "POINTSMAN_ROUTER": self.world.door_wire.address, "POINTSMAN_HTTP_LISTEN": f"127.0.0.1:{port}",
            "POINTSMAN_GITHUB_APP": str(file), "POINTSMAN_GITHUB_API": github.base_url,
        }  # fmt: skip


class Worker:
    """The machine's agent, with the hands that it has in earnest."""

    machines = (MACHINE,)

    def __init__(self, stage: Stage) -> None:
        self._stage, self._process = stage, None
        self._process: Process | None
        here, home = stage.world, stage.world.folder / "claude"
        home.mkdir()
        claude = ClaudeHome(home, stage.api)
        self.repositories = stage.github.lets_clone(home, stage.ada)
        environ = claude.environ | {
            "PATH": f"{claude.program.parent}:{claude.environ['PATH']}",
            "POINTSMAN_ROUTER": here.door_wire.address, "POINTSMAN_REPOSITORIES": f"{self.repositories}acme/",
            "GRPC_ENABLE_FORK_SUPPORT": "0",
        }  # fmt: skip
        self._life: Life = here.life("worker", here.folder / MACHINE, **environ)

    def enrol(self) -> None:
        enrol(self._stage.world.door, MACHINE, Path(self._life.environ["POINTSMAN_DATA_DIR"]) / "agent")

    @property
    def log(self) -> str:
        return self._life.log.read_text()

    def start(self, point: str, passes: int) -> None:
        self._process = Process(replace(self._life, point=point, passes=passes))
        self._process.ready()

    def again(self, point: str = "") -> None:
        """Another one on the same data, which may die of a point."""
        self.kill()
        try:
            self.start(point, 1)
        except Died:  # it reached its point before it was ready
            self.again()

    def is_dead(self) -> bool:
        return self._process is not None and self._process.dead(0)

    def strike(self) -> None:
        assert self._process
        self._process.kill()

    def kill(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None


@contextmanager
def stage() -> Iterator[Stage]:
    """All of it, inside the block."""
    with world() as one, GitHubStandIn(secret=SECRET) as github, ModelApi() as api:
        made = Stage(one, github, api)
        made.start()
        try:
            yield made
        finally:
            made.stop()
