"""The real Claude Code at its usage limit: told, shown, gone on from once; and not where a person wrote meanwhile."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from agent.backends.registry import backends
from agent.link.channel import Endpoint
from agent.link.enrol import enrol
from router.local_socket import socket_path
from tests.fakes.claude_program import ClaudeHome
from tests.fakes.model_api import ModelApi
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.integration.router.let_in import let_in
from tests.integration.router.pressing import press
from tests.rigs.agent_thread import running
from tests.rigs.thin_courier import ThinCourier
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

CHAT = types.ChatRef(transport="test", chat_id="1")
LONG = 120.0  # seconds; a coding agent starts and reconnects while other programs have the cores
HOUR = 3600
AFTER = HOUR + 91  # seconds
GO_ON = "Go on where you were."


@pytest.fixture
def api() -> Iterator[ModelApi]:
    with ModelApi() as one:
        yield one


@pytest.fixture
def router(tmp_path: Path, api: ModelApi) -> Iterator[RouterUnderTest]:
    """With a machine that starts Claude Code, which is at its limit for an hour."""
    (tmp_path / "claude").mkdir()
    home, data = ClaudeHome(tmp_path / "claude", api, subscribed=True), tmp_path / "data"
    api.limited_until = int(time.time()) + HOUR
    environ = home.environ | {"PATH": f"{home.program.parent}:{home.environ['PATH']}"}
    with serving(config(tmp_path / "router")) as router:
        let_in(router.write, CHAT)
        enrol(Endpoint(f"unix:{socket_path(router.config.data_dir)}"), router.join_token(), "devbox", data)
        with running(data, backends(environ), start_folders=(home.project,)) as agent:
            wait_until(lambda: agent.client.status.connected, LONG)
            yield router


@pytest.fixture
def courier(router: RouterUnderTest) -> Iterator[ThinCourier]:
    with router.courier("test", "1") as courier:
        yield courier


def sees(router: RouterUnderTest, courier: ThinCourier, words: str) -> object:
    """The next message with these words. The first comes once the program has started."""
    while True:
        wait_until(courier.waiting, LONG)
        router.reported(delivery := courier.brought("9"))
        if words in delivery.notification.text:
            return delivery


def started(router: RouterUnderTest) -> str:
    asked = pb.StartSessionRequest(prompt="hello", machine_id="devbox")
    machines = router.control.ListMachines
    wait_until(lambda: any(each.connected for each in machines(pb.ListMachinesRequest()).machines), LONG)
    return router.control.StartSession(asked).session.session_id


def session(router: RouterUnderTest) -> types.Session:
    [one] = router.control.ListSessions(pb.ListSessionsRequest()).sessions
    return one


def rests_at_its_limit(router: RouterUnderTest, api: ModelApi) -> bool:
    one = session(router)
    return one.state == types.SESSION_STATE_IDLE and one.limited_until.seconds == api.limited_until


def test_it_goes_on_when_the_limit_is_over_once(router: RouterUnderTest, courier: ThinCourier, api: ModelApi) -> None:
    started(router)
    message = sees(router, courier, "is at its usage limit until")
    wait_until(lambda: rests_at_its_limit(router, api), LONG)
    press(router, message, "Continue then")
    api.limited_until = 0
    router.advance(AFTER)
    wait_until(lambda: GO_ON in api.prompts[-1], LONG)
    wait_until(lambda: not session(router).HasField("limited_until"), LONG)
    router.advance(AFTER)
    router.settle()

    assert sum(GO_ON in prompt for prompt in api.prompts) == 1


def test_it_does_not_where_a_person_wrote_in_between(
    router: RouterUnderTest, courier: ThinCourier, api: ModelApi
) -> None:
    session_id = started(router)
    message = sees(router, courier, "is at its usage limit until")
    wait_until(lambda: rests_at_its_limit(router, api), LONG)
    press(router, message, "Continue then")
    api.limited_until = 0
    router.send(session_id, "something else")
    wait_until(lambda: "something else" in api.prompts[-1], LONG)
    wait_until(lambda: not session(router).HasField("limited_until"), LONG)
    router.advance(AFTER)
    router.settle()

    assert [prompt for prompt in api.prompts if GO_ON in prompt] == []
