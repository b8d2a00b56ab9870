"""The client for scripts against a real router: what docs/architecture.md and examples/ promise of it."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from agentlink.v1.types_pb2 import ChatRef

from pointsman.client import Origin, RouterError, connect
from pointsman.client.control import Control
from pointsman.client.records import Button, Chat, CommandState, NotificationState, SessionState
from tests.architecture.source import ROOT
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, fresh, serving
from tests.integration.router.let_in import let_in

CLIENT = ROOT / "pointsman" / "client"
SCRIPT = ROOT / "examples" / "send_and_wait.py"


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RouterUnderTest]:
    with serving(config(tmp_path_factory.mktemp("client"))) as router:
        yield router


@pytest.fixture
def client(router: RouterUnderTest) -> Iterator[Control]:
    with connect(router.address, API_KEY) as client:
        yield client


def environ(router: RouterUnderTest, home: Path) -> dict[str, str]:
    return {"POINTSMAN_ROUTER": router.address, "POINTSMAN_API_KEY": API_KEY, "HOME": str(home)}


def test_the_example_types_a_text_and_tells_how_it_ended(router: RouterUnderTest, tmp_path: Path) -> None:
    agent = router.machine()
    session_id = router.session(agent, label := fresh("label"))
    script = [sys.executable, SCRIPT, label, "go on"]
    started = subprocess.Popen(script, env=environ(router, tmp_path), stdout=subprocess.PIPE)
    with agent.connected() as link, started as running:
        [frame] = link.commands(1)
        link.receipt(frame.command_id)
        link.result(1, frame.command_id)
        told, _ = running.communicate()

    assert (frame.session_id, frame.action.input.text) == (session_id, "go on")
    assert (told, running.returncode) == (b"DONE \n", 0)


def test_the_example_says_what_it_cannot_do(router: RouterUnderTest, tmp_path: Path) -> None:
    script = [sys.executable, SCRIPT, "nobody", "go on"]

    done = subprocess.run(script, env=environ(router, tmp_path), text=True, capture_output=True)

    assert (done.stderr, done.returncode) == ("no session 'nobody', or several\n", 1)


def test_every_call_of_the_service_has_its_method() -> None:
    code = "\n".join(path.read_text() for path in CLIENT.glob("*.py"))

    calls = pb.DESCRIPTOR.services_by_name["Control"].methods
    missing = [each.name for each in calls if f"._stub.{each.name}" not in code]

    assert not missing


def test_people_are_told_who_sends_by_the_key_unless_the_script_says_it(
    client: Control, router: RouterUnderTest
) -> None:
    session_id = router.session(router.machine())
    let_in(router.write, ChatRef(transport="web", chat_id="console"))

    plain = client.send_text(session_id, "x")
    named = client.send_text(session_id, "x", origin=Origin("nightly", "ada", Chat("web", "console")))

    assert (plain.source, plain.actor) == ("script", "from the settings")
    assert (named.source, named.actor) == ("nightly", "ada")


def test_the_same_request_again_gets_the_first_answer(client: Control, router: RouterUnderTest) -> None:
    session_id, request = router.session(router.machine()), fresh("request")

    first, again = (client.send_text(session_id, "x", request=request) for _ in range(2))

    assert first == again
    with pytest.raises(RouterError, match="REQUEST_ID_REUSED"):
        client.send_text(session_id, "y", request=request)


def test_calls_without_a_request_are_each_their_own(client: Control, router: RouterUnderTest) -> None:
    session_id = router.session(router.machine())

    assert client.send_text(session_id, "x").command_id != client.send_text(session_id, "x").command_id


def test_a_command_is_one_value_with_all_that_is_known(client: Control, router: RouterUnderTest) -> None:
    agent = router.machine()
    session_id = router.session(agent)

    sent = client.send_key(session_id, "esc")

    assert (sent.kind, sent.key, sent.text, sent.machine_id) == ("key", "esc", "", agent.machine_id)
    assert (sent.state, sent.state.ended, sent.sequence, sent.typed_at) == (CommandState.QUEUED, False, 1, None)
    assert sent.created_at is not None
    assert client.command(sent.command_id) == sent == client.commands(session_id)[0]


def test_waiting_ends_with_the_command(client: Control, router: RouterUnderTest) -> None:
    session_id = router.session(router.machine())
    sent = client.send_text(session_id, "x")

    client.cancel(sent.command_id)

    assert client.command(sent.command_id, timedelta(seconds=5)).state is CommandState.CANCELLED
    assert client.follow(sent.command_id).state is CommandState.CANCELLED


def test_a_notification_keeps_its_token_out_of_logs(client: Control, router: RouterUnderTest) -> None:
    session_id, button = router.session(router.machine()), Button("Go on", "continue")
    let_in(router.write, ChatRef(transport="web", chat_id="console"))

    [sent] = client.notify(session_id, "done", buttons=[button], chats=[Chat("web", "console")])

    assert (sent.chat, sent.buttons, sent.state) == (Chat("web", "console"), (button,), NotificationState.QUEUED)
    assert sent.token
    assert sent.token not in repr(sent)


def test_dead_letters_are_commands_and_messages(client: Control, router: RouterUnderTest) -> None:
    session_id = router.session(router.machine())
    sent = client.send_text(session_id, "x")

    client.unregister_session(session_id)

    [dead] = [each for each in client.dead_letters().commands if each.command_id == sent.command_id]
    assert (dead.state, dead.reason, dead.state.ended) == (CommandState.DEAD, "SESSION_ENDED", True)
    assert [each.state for each in client.sessions(include_ended=True) if each.session_id == session_id] == [
        SessionState.ENDED
    ]


def test_a_refusal_has_a_code_and_a_cure(client: Control) -> None:
    with pytest.raises(RouterError) as unknown:
        client.send_text("no such session", "x")

    assert (unknown.value.status, unknown.value.code) == ("NOT_FOUND", "SESSION_UNKNOWN")
    assert "pointsman sessions" in unknown.value.cure
    assert (unknown.value.may_pass, unknown.value.retry_after) == (False, None)


def test_a_key_that_may_not_is_told_who_makes_one_that_may(client: Control, router: RouterUnderTest) -> None:
    viewer = client.with_key(router.key(pb.ROLE_VIEWER))

    with pytest.raises(RouterError) as refused:
        viewer.cleanup()

    assert refused.value.code == "PERMISSION_DENIED"
    assert "apikey create --role" in refused.value.cure
    assert viewer.stats().writable


def test_a_router_that_is_away_may_come_back(unused_address: str) -> None:
    with connect(unused_address, API_KEY) as client, pytest.raises(RouterError) as away:
        client.sessions()

    assert (away.value.status, away.value.is_unreachable, away.value.may_pass) == ("UNAVAILABLE", True, True)
    assert away.value.retry_after == 2
    assert unused_address not in away.value.message
    assert "pointsman up" in away.value.cure


def test_what_happens_can_be_watched_and_resumed(client: Control, router: RouterUnderTest) -> None:
    session_id = router.session(router.machine())
    with connect(router.address, API_KEY) as other:
        events = other.watch(session_id, after=1)
        sent = client.send_text(session_id, "x")

        seen = next(event for event in events if event.step.subject_id == sent.command_id)

    assert (seen.session_id, seen.step.to_state) == (session_id, "QUEUED")


def test_the_help_of_the_command_line_imports_no_grpc() -> None:
    code = "import sys; from pointsman.group import pointsman; pointsman(['--help'], standalone_mode=False)"
    check = f"{code}; sys.exit('grpc' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", check], stdout=subprocess.DEVNULL).returncode == 0


def test_states_are_those_of_the_protocol() -> None:
    known = {value.name.removeprefix("COMMAND_STATE_") for value in types.CommandState.DESCRIPTOR.values}

    assert {state.name for state in CommandState} == known - {"UNSPECIFIED"} | {"UNKNOWN"}
