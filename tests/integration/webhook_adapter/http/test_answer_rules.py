"""Many at once, rules for a time, and what sessions say to each other, over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1 import types_pb2 as types
from flask.testing import FlaskClient

from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.integration.router.permissions.asking import ask, standing
from tests.rigs.consent_changes import a_consent
from tests.rigs.thin_agent import ThinAgent, ThinLink

KEY = {"X-API-Key": API_KEY}
MAKE = types.PermissionDetails(input_json='{"command": "make test"}')


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    return router.machine()


@pytest.fixture
def link(agent: ThinAgent) -> Iterator[ThinLink]:
    with agent.connected() as link:
        yield link


@pytest.fixture
def session(router: RouterUnderTest, agent: ThinAgent) -> str:
    return router.session(agent, "api")


def test_many_are_answered_and_each_is_told_of(
    http: FlaskClient, router: RouterUnderTest, link: ThinLink, session: str
) -> None:
    one, other = (ask(link, session, number, input_digest=f"d{number}") for number in (1, 2))
    items = [{"id": one, "seen": "d1"}, {"id": other, "seen": "another"}]
    answer = http.post("/many", headers=KEY, json={"doing": "allow", "items": items})

    assert answer.status_code == 200
    assert [(each["id"], each["done"], each["reason"]) for each in answer.json or []] == [
        (one, True, ""),
        (other, False, "INPUT_CHANGED"),
    ]
    assert standing(router, other).state == types.PERMISSION_STATE_OPEN
    for bad in ({"doing": "allow", "items": []}, {"doing": "keep", "items": items}, {"items": items}):
        assert http.post("/many", headers=KEY, json=bad).status_code == 400


def test_a_rule_is_made_listed_and_ended(http: FlaskClient, link: ThinLink, session: str) -> None:
    asked = ask(link, session, details=MAKE)
    path = f"/permissions/{asked}/rule"
    made = http.post(path, headers=KEY, json={"inputDigest": "d1", "seconds": 600, "match": "PREFIX", "words": "make"})
    rule = made.json or {}
    listed = http.get("/rules", headers=KEY, query_string={"sessionId": session}).json
    ended = http.post(f"/rules/{rule['ruleId']}/end", headers=KEY)

    assert (rule["match"], rule["pattern"], rule["holds"], rule["permissionId"]) == ("PREFIX", "make", True, asked)
    assert listed == [rule]
    assert ended.status_code == 200
    assert http.get("/rules", headers=KEY).json == []
    assert http.post(f"/rules/{rule['ruleId']}/end", headers=KEY).status_code == 409
    assert http.post(path, headers=KEY, json={"inputDigest": "d1", "seconds": 5}).status_code == 400


def test_what_sessions_said_and_may_say_is_seen_and_ended(http: FlaskClient, router: RouterUnderTest) -> None:
    consent_id = a_consent(router, "some")
    said = http.get("/session-messages", headers=KEY).json or []
    given = http.get("/consents", headers=KEY).json or []
    ended = http.post(f"/consents/{consent_id}/end", headers=KEY).json or {}

    assert [each["text"] for each in said] == ["some whisper"]
    assert [each["state"] for each in given] == ["GIVEN"]
    assert ended["state"] == "ENDED"
    assert http.get("/consents", headers=KEY).json == []
