"""What may be set for chats and people over HTTP: silence, a summary each day, how somebody is asked again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving

KEY = {"X-API-Key": API_KEY}
CHAT = {"transport": "telegram", "chatId": "4711"}


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router, router.courier("telegram", "4711"):
        yield router


@pytest.fixture
def session(router: RouterUnderTest) -> str:
    return router.session(router.machine(), "api")


def test_a_session_is_muted_and_heard_again(http: FlaskClient, session: str) -> None:
    path = f"/sessions/{session}/mute"
    until = http.post(path, headers=KEY, json={"chat": CHAT, "until": "in 2h"})
    again = http.post(path, headers=KEY, json={"chat": CHAT, "off": True})
    unclear = http.post(path, headers=KEY, json={"chat": CHAT, "until": "some day"})
    nowhere = http.post(path, headers=KEY, json={"chat": {"transport": "telegram", "chatId": "1"}})

    assert [each.status_code for each in (until, again, unclear, nowhere)] == [200, 200, 400, 409]
    assert " until " in (until.json or {})["told"]


def test_a_summary_is_set_told_and_ended(http: FlaskClient) -> None:
    asked = [{"chat": CHAT}, {"chat": CHAT, "at": "8:00"}, {"chat": CHAT}, {"chat": CHAT, "at": "off"}]

    answers = [http.post("/summary", headers=KEY, json=each).json for each in asked]

    assert answers == [{"at": ""}, {"at": "every day 8:00"}, {"at": "every day 8:00"}, {"at": ""}]


def test_a_ladder_and_what_goes_up_it(http: FlaskClient) -> None:
    before = http.post("/escalation", headers=KEY, json={}).json
    after = http.post("/escalation", headers=KEY, json={"ladder": "10m mail", "concerns": "failed"}).json

    assert before == {"ladder": "15m again, 30m mail", "concerns": "none"}
    assert after == {"ladder": "10m mail", "concerns": "failed"}


def test_how_a_chat_is_treated_is_set_and_told(http: FlaskClient) -> None:
    before = http.post("/chat-settings", headers=KEY, json={"chat": CHAT}).json
    wanted = {"quiet": "22-7", "limits": "continue", "zone": "Europe/Berlin", "bundles": "on", "shows": "progress"}
    after = http.post("/chat-settings", headers=KEY, json={"chat": CHAT, **wanted}).json
    wrong = [{"quiet": "at night"}, {"limits": "perhaps"}, {"zone": "Mars"}, {"bundles": "on", "shows": "all of it"}]
    refused = [http.post("/chat-settings", headers=KEY, json={"chat": CHAT, **each}).status_code for each in wrong]
    nowhere = http.post("/chat-settings", headers=KEY, json={"chat": {"transport": "telegram", "chatId": "1"}})

    plain = {"quiet": "off", "limits": "ask", "bundles": "off", "shows": "quiet", "topics": "off", "policy": "send"}
    assert before == {**plain, "zone": "UTC"}
    assert after == {**plain, **wanted, "quiet": "22:00-07:00"}
    assert http.post("/chat-settings", headers=KEY, json={"chat": CHAT}).json == after
    assert (refused, nowhere.status_code) == ([400] * 4, 409)
