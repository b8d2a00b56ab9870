"""From a session's question to a browser and back: a real router, a courier, the console, and a vendor's service."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from agentlink.v1 import types_pb2 as types
from flask.testing import FlaskClient

from tests.fakes.push_browser import Browser
from tests.fakes.push_service import Push, PushService
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.integration.router.permissions.asking import ask, respond, standing
from tests.rigs.thin_agent import ThinLink
from webhook_adapter.config import AdapterConfig
from webhook_adapter.courier.courier import Courier
from webhook_adapter.http.app import create_app
from webhook_adapter.router.client import RouterClient
from webhook_adapter.transports.registry import platforms

RULES = """
[[rule]]
name = "delete"
needs_code = true
"""


@dataclass
class Scene:
    """Somebody whose browser takes pushes, and a session."""

    router: RouterUnderTest
    vendor: PushService
    page: FlaskClient
    csrf: str
    link: ThinLink
    session: str
    asked: int = 0

    def posts(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.page.post(f"/console/api/{path}", json=body, headers={"X-CSRF-Token": self.csrf})
        assert answer.status_code == 200, answer.text
        return dict(answer.json)

    def is_asked(self, command: str) -> tuple[str, Push]:
        """A session asks; the question, and what came to the browser."""
        seen = len(self.vendor.pushes())
        self.asked += 1
        question = ask(self.link, self.session, self.asked, input=command)
        self.vendor.wait_for(lambda: len(self.vendor.pushes()) > seen)
        return question, self.vendor.pushes()[seen]

    def taps(self, push: Push, label: str, key: str = "the-first-tap") -> dict[str, Any]:
        told = push.told
        data = next(data for name, data in told["options"] if label in name)
        return self.posts("push-answer", key=key, chat=told["chat"], message_id=told["id"], data=data)

    def state(self, question: str) -> int:
        return standing(self.router, question).state


@pytest.fixture
def scene(data_dir: Path) -> Iterator[Scene]:
    (data_dir / "rules.toml").write_text(RULES)
    vendor = PushService().start()
    with serving(config(data_dir, risk_rules=data_dir / "rules.toml")) as router:
        settings = AdapterConfig.from_environ(
            {"POINTSMAN_API_KEY": API_KEY, "POINTSMAN_ROUTER": router.address, "POINTSMAN_PUSH_PRIVATE": "1"}
        )
        client, courier = RouterClient(settings), Courier(settings, platforms())
        courier.start()
        page = create_app(settings, client).test_client()
        logged_in = page.post("/console/login", data={"api_key": API_KEY})
        assert logged_in.status_code == 200, logged_in.text
        [csrf] = re.findall(r'csrf-token" content="([^"]+)', page.get("/console/").text)
        agent = router.machine("devbox")
        with agent.connected() as link:
            scene = Scene(router, vendor, page, csrf, link, router.session(agent, "api"))
            scene.posts("push-subscribe", **vendor.browser().as_json())
            vendor.key = page.get("/console/api/push").json["key"]
            yield scene
        courier.stop()
        client.close()
    vendor.stop()
    assert vendor.refused == []


def test_one_tap_allows_it_once(scene: Scene) -> None:
    question, push = scene.is_asked("git push")
    said = [scene.taps(push, "Allow") for _ in range(2)]

    assert push.told["title"] == "devbox · api"
    assert scene.state(question) == types.PERMISSION_STATE_ALLOWED
    assert [each["duplicate"] for each in said] == [False, True]
    assert standing(scene.router, question).decided_by.startswith("push:console")


def test_what_was_answered_elsewhere_is_told_to_whoever_taps_later(scene: Scene) -> None:
    question, push = scene.is_asked("git push")
    respond(scene.router, question, "deny")
    scene.vendor.wait_for(lambda: scene.vendor.pushes()[-1].told.get("change"))
    said = scene.taps(push, "Allow")

    change = scene.vendor.pushes()[-1]
    assert (change.told["id"], change.told["options"], change.topic) == (push.told["id"], [], push.topic)
    assert "Denied by ada" in change.told["body"]
    assert said["command_id"] == ""
    assert "Denied by ada" in said["answer"]
    assert scene.state(question) == types.PERMISSION_STATE_DENIED


def test_what_a_rule_wants_a_second_factor_for_is_not_allowed_by_a_tap(scene: Scene) -> None:
    question, push = scene.is_asked("rm -rf build")
    said = scene.taps(push, "Allow")

    assert said["needs_second_factor"]
    assert scene.state(question) == types.PERMISSION_STATE_OPEN


def test_a_tap_with_the_token_of_one_question_answers_no_other(scene: Scene) -> None:
    first, push = scene.is_asked("git push")
    laptop = scene.router.machine("laptop")
    with laptop.connected() as link:
        other = ask(link, scene.router.session(laptop, "web"), input="git fetch")
        scene.taps(push, "Deny")

    assert (scene.state(first), scene.state(other)) == (types.PERMISSION_STATE_DENIED, types.PERMISSION_STATE_OPEN)


def test_what_is_looked_at_is_not_pushed(scene: Scene) -> None:
    scene.posts("push-look", session=scene.session)
    scene.router.notify(scene.session, text="seen")
    scene.posts("push-look")
    scene.router.notify(scene.session, text="away")
    scene.vendor.wait_for(lambda: scene.vendor.pushes())

    assert [each.told["body"] for each in scene.vendor.pushes()] == ["away"]


@pytest.mark.parametrize("endpoint", ["http://push.example.net/1", "https://10.0.0.1/1", "https://localhost/1"])
def test_an_address_that_may_not_be_called_is_not_even_kept(data_dir: Path, endpoint: str) -> None:
    with serving(config(data_dir)) as router:
        settings = AdapterConfig.from_environ({"POINTSMAN_API_KEY": API_KEY, "POINTSMAN_ROUTER": router.address})
        client = RouterClient(settings)
        page = create_app(settings, client).test_client()
        logged_in = page.post("/console/login", data={"api_key": API_KEY})
        assert logged_in.status_code == 200, logged_in.text
        [csrf] = re.findall(r'csrf-token" content="([^"]+)', page.get("/console/").text)
        body = Browser(endpoint).as_json()
        answer = page.post("/console/api/push-subscribe", json=body, headers={"X-CSRF-Token": csrf})
        client.close()

    assert answer.status_code == 400
    assert "endpoint cannot be called" in answer.json["error"]
