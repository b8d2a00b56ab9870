"""Workspaces over HTTP, against a real router."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import types_pb2 as types
from flask.testing import FlaskClient

from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.thin_agent import ThinLink

KEY = {"X-API-Key": API_KEY}
PLACE = {"key": "acme/api#12", "repository": "https://github.com/acme/api", "ref": "refs/pull/12/head"}


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def link(router: RouterUnderTest) -> Iterator[ThinLink]:
    with router.machine("devbox").connected(capabilities=["start", "workspaces"]) as link:
        yield link


def test_one_is_started_in_listed_closed_and_swept(http: FlaskClient, link: ThinLink) -> None:
    started = http.post("/sessions/start", headers=KEY, json={"prompt": "go", "workspace": PLACE})
    [frame] = link.commands(1)
    link.receipt(frame.command_id)
    link.result(1, frame.command_id, outcome=link_pb.RESULT_OUTCOME_FAILED, reason=types.REASON_WORKSPACE_FAILED)
    state = types.WORKSPACE_STATE_READY
    update = link_pb.WorkspaceUpdate(upstream_seq=2, key="acme/api#12", state=state, unpushed=2, head="c0ffee")
    link.frame(workspace_update=update)
    link.acked(2)
    [listed] = http.get("/workspaces", headers=KEY).json or []
    over = http.post("/workspaces/over", headers=KEY, json={"key": "acme/api#12"}).json or {}
    swept = http.post("/workspaces/sweep", headers=KEY, json={"dryRun": True}).json
    closing = http.post("/workspaces/close", headers=KEY, json={"key": "acme/api#12"})

    assert started.status_code == 202
    assert frame.action.start_session.workspace.ref == "refs/pull/12/head"
    assert (listed["key"], listed["state"], listed["unpushed"], listed["machineId"]) == (
        "acme/api#12", "READY", 2, "devbox",
    )  # fmt: skip
    assert over["state"] == "CLOSING"
    assert swept == [{"key": "acme/api#12", "deed": "KEEP", "why": "its 7 days of grace are not over"}]
    assert (closing.status_code, closing.json["state"]) == (200, "SENT")  # type: ignore[index]
    assert link.commands(1)[0].action.close_workspace.archive


def test_one_goes_to_another_machine(http: FlaskClient, router: RouterUnderTest) -> None:
    able = ["start", "workspaces", "moves"]
    with router.machine("devbox").connected(capabilities=able) as link:
        http.post("/sessions/start", headers=KEY, json={"prompt": "go", "workspace": PLACE})
        [frame] = link.commands(1)
        link.receipt(frame.command_id)
        link.result(1, frame.command_id, outcome=link_pb.RESULT_OUTCOME_FAILED, reason=types.REASON_WORKSPACE_FAILED)
        state = types.WORKSPACE_STATE_READY
        link.frame(workspace_update=link_pb.WorkspaceUpdate(upstream_seq=2, key="acme/api#12", state=state))
        link.acked(2)
        with router.machine("laptop").connected(capabilities=able):
            asked = {"key": "acme/api#12", "machineId": "laptop"}
            moving = http.post("/workspaces/move", headers=KEY, json=asked)

            assert (moving.status_code, moving.json["movingTo"]) == (200, "laptop")  # type: ignore[index]
            assert link.commands(1)[0].action.pack_workspace.key == "acme/api#12"
            assert http.post("/workspaces/move", headers=KEY, json=asked).status_code == 409


def test_what_is_not_there_is_not_found(http: FlaskClient) -> None:
    assert http.post("/workspaces/close", headers=KEY, json={"key": "nowhere"}).status_code == 404
    assert http.get("/workspaces", headers=KEY).json == []
    assert http.get("/workspaces").status_code == 401
