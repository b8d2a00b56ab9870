"""GitHub with real git, a router whose time is moved, a real agent with the real Claude Code, and all ways to answer.

What is no fake: git, the agent's process, Claude Code, the router, the courier, the HTTP application, what is between
them. Of time there is one, which a test moves on everywhere.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from agentlink.v1.agent_link_pb2_grpc import AgentLinkStub
from grpc import insecure_channel
from werkzeug.serving import WSGIRequestHandler, make_server

from agent.link import identity
from tests.e2e.two_githubs import SECRET, WHOSE, Check, GitHub
from tests.fakes.claude_program import ClaudeHome
from tests.fakes.github.faults import FaultKind
from tests.fakes.model_api import ModelApi
from tests.fakes.telegram import TelegramStandIn
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.integration.telegram.scene import NoLimits
from tests.rigs.fast_time import FastClock
from tests.rigs.moved_agent import MovedAgent
from tests.waiting import wait_until
from webhook_adapter.config import AdapterConfig
from webhook_adapter.courier.courier import Courier
from webhook_adapter.http.app import create_app
from webhook_adapter.router.client import RouterClient
from webhook_adapter.transports.github import platform as github_platform
from webhook_adapter.transports.github.outbound import route
from webhook_adapter.transports.github.outbound.client import GitHubClient
from webhook_adapter.transports.platform import Platform
from webhook_adapter.transports.registry import platforms
from webhook_adapter.transports.telegram.platform import start_courier, webhook

MINUTE, DAY = 60.0, 24 * 3600.0
LONG = 90.0  # seconds; other programs share the cores
CHAT, MACHINE = 4711, "devbox"
PATH_SECRET = "p" * 43
NOWHERE = "http://127.0.0.1:9"  # nobody listens there
_OFTEN = 0.2  # seconds between looks that are 5 to 60 apart else
_FAST = 1000.0  # the seconds of who paces calls, for each real one


@dataclass
class Stage:
    """What a person sees and does, and what moves time."""

    github: GitHub
    router: RouterUnderTest
    agent: MovedAgent
    api: ModelApi
    telegram: TelegramStandIn
    console: str

    def passes(self, seconds: float) -> None:
        """It is later, for all of them; they have found each other again."""
        self.github.passes(seconds)
        self.agent.advance(seconds)
        self.router.advance(seconds)
        wait_until(self._is_connected, LONG)

    def check(self, pull: int, conclusion: str | None) -> Check | None:
        """What its page shows, if it stands so."""
        return next((each for each in self.github.checks(pull) if each.conclusion == conclusion), None)

    def watches_push(self, pull: int) -> list[Check]:
        """The check that shows that it works, while git has its next push in hand."""
        seen: list[Check] = []

        def works() -> list[Check]:
            return [each for each in self.github.checks(pull) if each.status == "in_progress"]

        def told(is_done: bool) -> None:
            if not is_done:
                seen.extend(wait_until(works, LONG))

        self.github.git.host.fails(FaultKind.TELL, "POST", ".*/git-receive-pack", told=told)
        return seen

    def sees(self, condition: Callable[[], Any]) -> Any:
        """Wait for what becomes of something on GitHub's pages, or on a disk."""
        try:
            return wait_until(condition, LONG)
        except AssertionError as never:
            raise AssertionError(f"{never}\n{self.account()}") from None

    def workspace(self) -> types.Workspace:
        """The only one, also where it is gone."""
        [known] = self.router.control.ListWorkspaces(pb.ListWorkspacesRequest(include_gone=True)).workspaces
        return known

    def sweeps(self) -> None:
        """What the router does every six hours, where its machine is there then."""
        self.router.control.SweepWorkspaces(pb.SweepWorkspacesRequest())

    def workspaces(self) -> list[str]:
        """How they stand, also those that are gone."""
        found = self.router.control.ListWorkspaces(pb.ListWorkspacesRequest(include_gone=True)).workspaces
        return [types.WorkspaceState.Name(each.state).removeprefix("WORKSPACE_STATE_") for each in found]

    def questions(self) -> list[types.Permission]:
        return list(self.router.control.ListPermissions(pb.ListPermissionsRequest(include_closed=True)).permissions)

    def shown_at_console(self) -> str:
        """The message that shows the question there."""
        told = self.router.control.ListNotifications(pb.ListNotificationsRequest(limit=50)).notifications
        return next(each.notification_id for each in told if each.chat.transport == "web" and each.permission_id)

    def programs(self) -> list[psutil.Process]:
        """Those of Claude Code that run in a workspace."""
        found = []
        for each in psutil.process_iter():
            try:
                if "/workspaces/open/" in each.cwd() and "claude" in each.name():
                    found.append(each)
            except psutil.Error:
                continue
        return found

    def account(self) -> str:
        """What there is to see, for whoever reads of a failure."""
        there = (self.github.comments(1), self.github.checks(1))
        asked = [(each.state, each.text, each.detail) for each in self.questions()]
        told = self.router.control.ListNotifications(pb.ListNotificationsRequest(limit=50)).notifications
        notes = [(each.chat.transport, each.state, each.text[:200], each.detail) for each in told]
        return "\n".join(
            [*map(str, (self.workspaces(), there, asked, notes, self.api.prompts)), self.agent.log()[-5000:]]
        )

    def _is_connected(self) -> bool:
        machines = self.router.control.ListMachines(pb.ListMachinesRequest()).machines
        return [each.connected for each in machines] == [True]


@contextmanager
def stage(folder: Path, *, has_address: bool, whose: str = "ours") -> Iterator[Stage]:
    """All of it. `has_address`: GitHub can call us; else its log of deliveries is the only way in."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        telegram = stack.enter_context(TelegramStandIn(seed=7))
        telegram.add_chat(CHAT)
        door = _Door()
        stack.callback(door.server.server_close)
        hook_url = f"{door.address if has_address else NOWHERE}/github/webhook/{PATH_SECRET}"
        github = WHOSE[whose](stack, folder, hook_url)
        api, router = stack.enter_context(ModelApi()), stack.enter_context(serving(config(folder / "router")))
        agent = _agent(folder, github, api, router)
        stack.callback(agent.stop)
        _bind(router, github)
        _hurry(patch, github)
        stack.enter_context(_adapter(folder, door, github, router, telegram))
        made = Stage(github, router, agent, api, telegram, door.address)
        wait_until(made._is_connected, LONG)
        yield made


def _agent(folder: Path, github: GitHub, api: ModelApi, router: RouterUnderTest) -> MovedAgent:
    """A machine whose person has git set up, with a token of theirs."""
    (home := folder / "claude").mkdir()
    claude = ClaudeHome(home, api)
    site = github.git.host.lets_clone(home, github.git.ada, github.api)
    (data := folder / "machine").mkdir(mode=0o700)
    environ = claude.environ | {
        "PATH": f"{claude.program.parent}:{claude.environ['PATH']}",
        "POINTSMAN_DATA_DIR": str(data),
        "POINTSMAN_ROUTER": router.address,
        "POINTSMAN_REPOSITORIES": f"{site}{github.full_name.partition('/')[0]}/",
    }
    _enrol(router, data / "agent")
    agent = MovedAgent(environ, folder / "agent.log")
    agent.start()
    return agent


def _enrol(router: RouterUnderTest, folder: Path) -> None:
    """What `pointsman enroll` does."""
    token = router.join_token()
    key = identity.public_bytes(identity.key_of(folder))
    with insecure_channel(router.address) as channel:
        request = link_pb.EnrollRequest(join_token=token, machine_id=MACHINE, public_key=key)
        enrolled = AgentLinkStub(channel).Enroll(request)
    identity.save(folder, enrolled.machine_id, enrolled.router_id, router.address, token.partition(".")[2])


def _bind(router: RouterUnderTest, github: GitHub) -> None:
    binding = pb.Binding(
        transport="github", space=str(github.repository_id), name=github.full_name, machine_id=MACHINE, writers=True,
        autostart=True,
    )  # fmt: skip
    router.control.Bind(pb.BindRequest(binding=binding))


def _hurry(patch: pytest.MonkeyPatch, github: GitHub) -> None:
    """What looks now and then does so often; what calls GitHub has its time."""
    patch.setattr(github_platform, "POLL_S", _OFTEN)
    patch.setattr(github_platform, "LOOK_S", _OFTEN)
    patch.setattr(route, "_LOOK_S", _OFTEN)
    patch.setattr(route, "GitHubClient", partial(GitHubClient, now=github.now))


class _Quiet(WSGIRequestHandler):
    def log(self, *_args: Any) -> None:
        """Nobody reads it."""


class _Door:
    """Where the adapter's first program is to be found, before it is there."""

    def __init__(self) -> None:
        self.app: list[Any] = []
        self.server = make_server("127.0.0.1", 0, lambda *how: self.app[0](*how), threaded=True, request_handler=_Quiet)
        self.address = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def _adapter(
    folder: Path, door: _Door, github: GitHub, router: RouterUnderTest, telegram: TelegramStandIn
) -> Iterator[None]:
    """The adapter's two programs."""
    file = folder / "app.json"
    file.write_text(json.dumps(github.app | {"webhook_secret": SECRET, "path_secret": PATH_SECRET}))
    file.chmod(0o600)
    settings = AdapterConfig.from_environ({
        "POINTSMAN_API_KEY": API_KEY, "POINTSMAN_ROUTER": router.address, "POINTSMAN_GITHUB_APP": str(file),
        "POINTSMAN_GITHUB_API": github.api, "TELEGRAM_BOT_TOKEN": telegram.token,
        "TELEGRAM_API_BASE": telegram.base_url, "TELEGRAM_WEBHOOK_SECRET": "s3cret",
        "TELEGRAM_WEBHOOK_PATH_SECRET": "p4th-s3cret", "ALLOWED_CHAT_IDS": str(CHAT),
    })  # fmt: skip
    client = RouterClient(settings)
    door.app.append(create_app(settings, client))
    serving_it = threading.Thread(target=door.server.serve_forever, name="adapter-http")
    serving_it.start()
    chat = Platform("telegram", webhook, partial(start_courier, rate_limits=NoLimits()))
    served = [chat if each.name == "telegram" else each for each in platforms()]
    courier = Courier(settings, served, FastClock(_FAST))
    courier.start()
    try:
        yield
    finally:
        courier.stop()
        door.server.shutdown()
        serving_it.join()
        client.close()
