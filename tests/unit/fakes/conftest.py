"""A running stand-in for Telegram with one private chat, and a bot that calls it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.fakes.telegram import TelegramStandIn

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
