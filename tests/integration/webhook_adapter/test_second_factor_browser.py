"""A second factor in a real browser, over a real router: the code of an app, and a passkey of its authenticator."""

import logging
import threading
from base64 import b32decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from playwright.sync_api import Browser, CDPSession, Page, expect
from werkzeug.serving import make_server

from router.domain.totp import STEP, code_at
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.integration.router.permissions.asking import ask, standing
from tests.rigs.adapter import environment
from tests.rigs.browsed_console import IN_BROWSER, whole
from tests.rigs.thin_agent import session
from tests.rigs.thin_courier import ThinCourier
from tests.waiting import PATIENCE, wait_until
from webhook_adapter.config import AdapterConfig
from webhook_adapter.http.app import create_app
from webhook_adapter.router.client import RouterClient

pytestmark = IN_BROWSER
RULES = """
[[rule]]
name = "delete"
needs_code = true
"""
PLATFORM = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}


@dataclass
class Scene:
    """A console over a router, and a person at it."""

    router: RouterUnderTest
    courier: ThinCourier
    address: str
    page: Page

    def log_in(self, name: str) -> str:
        """Come in as a person, with a code of the machine; their id."""
        code = self.router.control.CreatePairingCode(pb.CreatePairingCodeRequest(person_name=name)).code
        self.page.goto(f"{self.address}/console/login")
        self.page.get_by_label("API key or code").fill(code)
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page.get_by_role("button", name="Log out")).to_be_visible()
        return next(each.person_id for each in self.people() if each.name == name)

    def people(self) -> list[types.Person]:
        return list(self.router.control.ListPeople(pb.ListPeopleRequest()).people)

    def authenticator(self, **more: bool) -> CDPSession:
        """A device that makes passkeys and says that its person was there."""
        devices = self.page.context.new_cdp_session(self.page)
        devices.send("WebAuthn.enable")
        options = PLATFORM | {"isUserVerified": True, "automaticPresenceSimulation": True} | more
        devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return devices

    def add_passkey(self, person_id: str) -> None:
        asked = pb.SetPasskeyRequest(person_id=person_id, origin=self.address)
        code = self.router.control.SetPasskey(asked).code
        self.page.goto(f"{self.address}/console/#/passkey")
        self.page.get_by_label("Code", exact=True).fill(code)
        self.page.get_by_role("button", name="Add a passkey").click()

    def ask(self, command: str) -> str:
        """A session asks; the page shows it."""
        machine = self.router.machine()
        with machine.connected(sessions=[session("api", label="api")]) as link:
            question = ask(link, "api", input=command)
        # First comes who was let in.
        while (delivery := self.courier.take()).notification.permission_id != question:
            self.courier.delivered(delivery, delivery.notification.notification_id)
        self.courier.delivered(delivery, delivery.notification.notification_id)
        self.router.reported(delivery)
        self.page.goto(f"{self.address}/console/#/session/api")
        expect(self.page.get_by_role("button", name="✅ Allow")).to_be_visible()
        return question

    def state(self, question: str) -> int:
        return standing(self.router, question).state


@pytest.fixture
def scene(data_dir: Path, browser: Browser) -> Iterator[Scene]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    (data_dir / "rules.toml").write_text(RULES)
    with (
        serving(config(data_dir, risk_rules=data_dir / "rules.toml")) as router,
        router.courier("web", "console") as courier,
        console(router) as address,
    ):
        context = browser.new_context()
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        yield Scene(router, courier.connected(), address, page)
        context.close()


@contextmanager
def console(router: RouterUnderTest) -> Iterator[str]:
    """The adapter's pages, at a name that passkeys take."""
    settings = AdapterConfig.from_environ(environment(router.address))
    client = RouterClient(settings)
    server = make_server("127.0.0.1", 0, whole(create_app(settings, client)), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    client.close()


def test_a_passkey_is_added_with_a_code_and_allows_what_a_press_does_not(scene: Scene) -> None:
    person_id = scene.log_in("Ada")
    scene.authenticator()
    scene.add_passkey(person_id)
    expect(scene.page.get_by_text("It is added.")).to_be_visible()
    question = scene.ask("rm -rf build")

    scene.page.get_by_role("button", name="✅ Allow").click()
    scene.page.get_by_role("button", name="Use a passkey").click()

    wait_until(lambda: scene.state(question) == types.PERMISSION_STATE_ALLOWED)
    assert [each.passkeys for each in scene.people()] == [1]


def test_a_device_that_does_not_look_who_uses_it_adds_nothing(scene: Scene) -> None:
    person_id = scene.log_in("Ada")
    scene.authenticator(isUserVerified=False)

    scene.add_passkey(person_id)

    expect(scene.page.locator(".toast.bad")).to_contain_text("No passkey was used")
    assert [each.passkeys for each in scene.people()] == [0]


def test_who_has_no_passkey_is_told_so_and_may_give_a_code(scene: Scene) -> None:
    person_id = scene.log_in("Ada")
    given = scene.router.control.SetSecondFactor(pb.SetSecondFactorRequest(person_id=person_id)).address
    [secret] = parse_qs(urlsplit(given).query)["secret"]
    question = scene.ask("rm -rf build")

    scene.page.get_by_role("button", name="✅ Allow").click()
    scene.page.get_by_role("button", name="Use a passkey").click()
    expect(scene.page.locator(".toast.bad")).to_contain_text("Ada has no passkey here")
    code = code_at(b32decode(secret), int(scene.router.time.now() // STEP))
    scene.page.get_by_label("Code of your authenticator app").fill(code)
    scene.page.get_by_role("button", name="Allow with the code").click()

    wait_until(lambda: scene.state(question) == types.PERMISSION_STATE_ALLOWED)


def test_what_no_rule_is_about_is_allowed_by_a_press(scene: Scene) -> None:
    scene.log_in("Ada")
    question = scene.ask("ls")

    scene.page.get_by_role("button", name="✅ Allow").click()

    wait_until(lambda: scene.state(question) == types.PERMISSION_STATE_ALLOWED)
    expect(scene.page.get_by_role("button", name="Use a passkey")).to_be_hidden()
