"""A running stand-in for Telegram with one private chat and a bot that calls it, and one for GitHub with an App."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.fakes.github.github import GitHubStandIn
from tests.fakes.github.world import MovableClock
from tests.fakes.telegram import TelegramStandIn
from tests.unit.fakes.github_scene import Scene

CHAT = 4711
Bot = Callable[..., requests.Response]


@pytest.fixture
def telegram() -> Iterator[TelegramStandIn]:
    with TelegramStandIn() as stand_in:
        stand_in.add_chat(CHAT)
        yield stand_in


@pytest.fixture
def bot(telegram: TelegramStandIn) -> Iterator[Bot]:
    """Calls a method with JSON parameters."""
    with requests.Session() as session:

        def call(method: str, **params: Any) -> requests.Response:
            return session.post(f"{telegram.base_url}/bot{telegram.token}/{method}", json=params, timeout=20)

        yield call


@pytest.fixture
def scene() -> Iterator[Scene]:
    with GitHubStandIn(MovableClock(lambda: 0.0, 1_800_000_000.0)) as github:
        world = github.world
        ada, repository = world.add_user("ada"), world.add_repository("acme/engine", organization=True)
        repository.roles[ada.id] = "maintain"
        github.install(repository)
        issue, pull = world.add_issue(repository, "It does not turn"), world.add_pull(repository, "Turn it")
        github.throttle().spacing = False
        github.events.wait_until_sent()
        yield Scene(github, repository, issue, pull, ada)
