"""What a person may do who was let in for less than everything."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from flask.testing import FlaskClient

from tests.integration.router.harness import RouterUnderTest, config, fresh, serving
from tests.integration.router.permissions.asking import ask
from tests.rigs.adapter import environment
from tests.rigs.thin_agent import ThinAgent
from webhook_adapter.config import AdapterConfig
from webhook_adapter.http.app import create_app
from webhook_adapter.router.client import RouterClient

OPERATOR, APPROVER, VIEWER = (types.PERSON_ROLE_OPERATOR, types.PERSON_ROLE_APPROVER, types.PERSON_ROLE_VIEWER)


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@dataclass
class Guest:
    """A person in their chat."""

    router: RouterUnderTest
    chat: types.ChatRef

    def say(self, text: str = "", **more: Any) -> str:
        """What they are told; what was meant for a session is a command, and answered so."""
        return self.router.submit(
            self.chat, text, user_id=self.chat.chat_id, needs_pairing=True, actor="the owner", **more
        ).answer

    def heard(self) -> list[types.Notification]:
        found = self.router.control.ListNotifications(pb.ListNotificationsRequest(transport="telegram")).notifications
        return [note for note in found if note.chat.chat_id == self.chat.chat_id]


def guest(router: RouterUnderTest, **wanted: Any) -> Guest:
    chat = types.ChatRef(transport="telegram", chat_id=fresh("chat"))
    code = router.control.CreatePairingCode(pb.CreatePairingCodeRequest(person_name=fresh("Ada"), **wanted)).code
    router.chat.Pair(pair(chat, code))
    return Guest(router, chat)


def pair(chat: types.ChatRef, code: str) -> Any:
    from agentlink.v1 import chat_link_pb2 as chat_pb

    return chat_pb.PairRequest(chat=chat, user_id=chat.chat_id, user_name="x", code=code)


def commands(router: RouterUnderTest) -> int:
    return len(router.control.ListCommands(pb.ListCommandsRequest()).commands)


@pytest.mark.parametrize("role", [APPROVER, VIEWER], ids=["approver", "viewer"])
@pytest.mark.parametrize(
    "text", ["run it", "/stop", "/key enter", "/new rm -rf /", "/end", "/cancel", "/keep", "/dead", "/policy ask"]
)
def test_whoever_may_not_type_is_told_so_and_nothing_is_done(router: RouterUnderTest, role: Any, text: str) -> None:
    session = router.session(router.machine(), "api")
    ada = guest(router, role=role)
    ada.say("/use api")
    before = commands(router)

    told = ada.say(text)

    assert "may not do that: nothing was done" in told
    assert commands(router) == before
    assert session


@pytest.mark.parametrize("role", [APPROVER, VIEWER], ids=["approver", "viewer"])
def test_nor_do_they_by_a_session_chosen_outright_a_token_or_a_button(router: RouterUnderTest, role: Any) -> None:
    session = router.session(router.machine())
    ada = guest(router, role=role)
    [note] = router.notify(session, ada.chat, buttons=[types.Button(label="Go on", action="continue")])

    ada.say("run it", session_id=session)
    ada.say(f"/cmd {note.token} run it")
    ada.say(button={"data": f"cmd:{note.token}:continue"})

    assert commands(router) == 0


def question_of(guest: Guest, machine: ThinAgent, session: str) -> types.Notification:
    with machine.connected() as link:
        ask(link, session)
    return next(note for note in guest.heard() if note.permission_id)


def state(router: RouterUnderTest) -> int:
    [asked] = router.control.ListPermissions(pb.ListPermissionsRequest(include_closed=True)).permissions
    return asked.state


def test_an_approver_answers_questions_under_the_name_that_they_were_given(router: RouterUnderTest) -> None:
    machine = router.machine()
    ada = guest(router, role=APPROVER)
    note = question_of(ada, machine, router.session(machine))

    ada.say(button={"data": f"cmd:{note.token}:allow"})

    [asked] = router.control.ListPermissions(pb.ListPermissionsRequest(include_closed=True)).permissions
    assert asked.state == types.PERMISSION_STATE_ALLOWED
    assert re.fullmatch(r"telegram:chat-\d+ \(Ada-\d+\)", asked.decided_by)  # and not what the platform calls them


def test_a_viewer_answers_none(router: RouterUnderTest) -> None:
    machine = router.machine()
    eve = guest(router, role=VIEWER)
    note = question_of(eve, machine, router.session(machine))

    told = eve.say(button={"data": f"cmd:{note.token}:allow"})

    assert "You may look here, and not answer" in told
    assert state(router) == types.PERMISSION_STATE_OPEN


@pytest.mark.parametrize("limit", ["machines", "sessions"])
def test_who_is_let_into_some_sessions_sees_and_reaches_those_alone(router: RouterUnderTest, limit: str) -> None:
    web, vault = router.machine("web-1"), router.machine("vault")
    theirs, other = router.session(web, "web-api"), router.session(vault, "vault-keys")
    ada = guest(router, **{limit: ["web-*"]})

    listed = ada.say("/sessions")
    ada.say("type this", session_id=theirs)
    told = ada.say("and that", session_id=other)
    used = ada.say("/use vault-keys")

    assert "web-api" in listed
    assert "vault" not in listed
    assert told == "That session is none of yours: nothing was done. Ask whoever runs this."
    assert used == "No session is called vault-keys. /sessions lists them."
    assert commands(router) == 1


def test_nor_do_they_hear_of_another(router: RouterUnderTest) -> None:
    web, vault = router.machine("web-1"), router.machine("vault")
    theirs, other = router.session(web), router.session(vault)
    ada = guest(router, machines=["web-*"])
    with router.courier("telegram", "4711"):
        router.control.Notify(pb.NotifyRequest(session_id=theirs, text="of theirs"))
        router.control.Notify(pb.NotifyRequest(session_id=other, text="a secret"))
        with vault.connected() as link:
            ask(link, other)

    told = [note.text for note in ada.heard()]
    assert "of theirs" in told
    assert [note.session_id for note in ada.heard() if note.session_id] == [theirs]
    assert "a secret" not in told


@pytest.mark.parametrize("text", ["/new do it", "/dead", "/policy ask"])
def test_nor_do_they_what_is_about_all(router: RouterUnderTest, text: str) -> None:
    router.machine("web-1")
    ada = guest(router, machines=["web-*"])

    assert ada.say(text) == "You are let into some sessions only, and this is about all: nothing was done."


@pytest.fixture
def browser(router: RouterUnderTest) -> Iterator[FlaskClient]:
    settings = AdapterConfig.from_environ(environment(router.address))
    client = RouterClient(settings)
    yield create_app(settings, client).test_client()
    client.close()


def log_in(router: RouterUnderTest, browser: FlaskClient, **wanted: Any) -> int:
    code = router.control.CreatePairingCode(pb.CreatePairingCodeRequest(**wanted)).code
    return browser.post("/console/login", data={"api_key": code.lower().replace("-", " ")}).status_code


def post(browser: FlaskClient, path: str, **body: str) -> int:
    found = re.search(r'csrf-token" content="([^"]+)"', browser.get("/console/").text)
    csrf = found[1] if found else ""
    body = {"key": f"{time():.0f}-{fresh('key')}", **body}
    return browser.post(f"/console/api/{path}", json=body, headers={"X-CSRF-Token": csrf}).status_code


def test_a_code_opens_the_console_and_the_person_is_seen_there(router: RouterUnderTest, browser: FlaskClient) -> None:
    session = router.session(router.machine())

    assert log_in(router, browser, person_name="Ada") == 200
    assert post(browser, "send", session=session, text="hello") == 200

    [sent] = router.control.ListCommands(pb.ListCommandsRequest()).commands
    assert sent.origin.actor == "web:console (Ada)"


@pytest.mark.parametrize("role", [APPROVER, VIEWER], ids=["approver", "viewer"])
def test_who_may_not_type_does_not_at_the_console(router: RouterUnderTest, browser: FlaskClient, role: Any) -> None:
    session = router.session(router.machine("devbox"))
    log_in(router, browser, person_name="Eve", role=role)

    post(browser, "send", session=session, text="hello")
    told = [
        post(browser, "key", session=session, name="enter"),
        post(browser, "start", machine="devbox", machineId="devbox", prompt="x"),
        post(browser, "join-token"),
        post(browser, "end", session=session),
        post(browser, "rename", session=session, name="mine"),
        post(browser, "upload"),
        post(browser, "defer", session=session, task="TEXT", when="in 10m", text="hello", key="k" * 8),
        post(browser, "go-on", session=session, key="k" * 8),
        post(browser, "change-deferred", deferred_id="x", change="NOW", key="k" * 8),
    ]

    assert told == [403] * 9
    assert commands(router) == 0


def test_an_operator_lets_no_machine_in_from_there(router: RouterUnderTest, browser: FlaskClient) -> None:
    log_in(router, browser, person_name="Ada")

    assert post(browser, "join-token") == 403


def test_who_is_limited_gets_no_console_as_that_shows_all(router: RouterUnderTest, browser: FlaskClient) -> None:
    assert log_in(router, browser, person_name="Ada", machines=["web-*"]) == 403


def test_putting_a_person_out_closes_their_open_pages_at_once(router: RouterUnderTest, browser: FlaskClient) -> None:
    log_in(router, browser, person_name="Ada")
    [ada] = router.control.ListPeople(pb.ListPeopleRequest()).people
    assert browser.get("/console/api/overview").status_code == 200

    ended = router.control.Unpair(pb.UnpairRequest(id=ada.person_id))

    assert ended.browsers == 1
    assert browser.get("/console/api/overview").status_code == 401


def test_one_browser_ends_by_its_id(router: RouterUnderTest, browser: FlaskClient) -> None:
    log_in(router, browser, person_name="Ada")
    [ada] = router.control.ListPeople(pb.ListPeopleRequest()).people

    router.control.Unpair(pb.UnpairRequest(id=ada.browsers[0].browser_id))

    assert browser.get("/console/api/overview").status_code == 401
    assert [one.name for one in router.control.ListPeople(pb.ListPeopleRequest()).people] == ["Ada"]
