"""The gates before links and starts, through real links and starts: each says why, where people look."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from click.testing import CliRunner, Result

from pointsman.group import pointsman
from router.clock import time_of_day
from router.domain.audit import AuditEvent
from router.domain.gates import LEAST_ROOM, Requirements
from router.store import audit
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent

DAY = 24 * 3600.0
HERE = types.ChatRef(transport="test", chat_id="1", message_id="10")
ASKED = Requirements(agent="1.4.0", programs={"claude": "2.1.300"}, credential_days=30)
GOOD = {
    "agent_version": "1.4.0",
    "start_folders": ["~/src"],
    "programs": [types.ProgramVersion(name="claude", version="2.1.300")],
    "free_bytes": LEAST_ROOM,
}
Run = Callable[..., Result]


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir, requirements=ASKED)) as router:
        yield router


@pytest.fixture
def machine(router: RouterUnderTest) -> ThinAgent:
    return router.machine("devbox")


@pytest.fixture
def run(router: RouterUnderTest, data_dir: Path) -> Run:
    def invoke(*arguments: str) -> Result:
        environ = {"POINTSMAN_DATA_DIR": str(data_dir / "client"), "POINTSMAN_API_KEY": API_KEY}
        return CliRunner().invoke(pointsman, arguments, env=environ | {"POINTSMAN_ROUTER": router.address})

    return invoke


def said_hello(machine: ThinAgent, **hello: Any) -> None:
    with machine.connected(**(GOOD | hello)):
        pass


def policy(router: RouterUnderTest, **said: Any) -> None:
    request = pb.SetMachinePolicyRequest(machine_id="devbox", policy=types.MachinePolicy(**said))
    router.control.SetMachinePolicy(request)


def start(router: RouterUnderTest, folder: str = "~/src/api") -> pb.StartSessionResponse:
    return router.control.StartSession(pb.StartSessionRequest(prompt="go", folder=folder))


def refused(router: RouterUnderTest, folder: str = "~/src/api") -> str:
    with pytest.raises(grpc.RpcError) as error:
        start(router, folder)
    return reason_of(error.value)


def closed(router: RouterUnderTest) -> list[tuple[str, bool]]:
    """What whoever lists the machines is told."""
    [found] = router.control.ListMachines(pb.ListMachinesRequest()).machines
    return [(types.Reason.Name(gate.reason), gate.stops_link) for gate in found.closed_gates]


def held_off(machine: ThinAgent, **hello: Any) -> str:
    """Why a link is refused."""
    link = machine.dial(**(GOOD | hello))
    _, error = link.ended()
    assert error is not None
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED  # which agents of every version take for a no
    return reason_of(error)


def test_what_is_as_it_should_be_passes(router: RouterUnderTest, machine: ThinAgent) -> None:
    said_hello(machine)

    assert closed(router) == []
    assert start(router).session.machine_id == "devbox"


def test_an_agent_that_is_too_old_gets_no_link(router: RouterUnderTest, machine: ThinAgent) -> None:
    assert held_off(machine, agent_version="1.3.9") == "AGENT_TOO_OLD"

    assert closed(router)[0] == ("REASON_AGENT_TOO_OLD", True)
    assert refused(router) == "AGENT_TOO_OLD"


def test_a_machine_whose_key_is_too_old_gets_no_link(router: RouterUnderTest, machine: ThinAgent) -> None:
    said_hello(machine)
    router.advance(31 * DAY)

    assert held_off(machine) == "CREDENTIAL_OLD"
    assert closed(router) == [("REASON_CREDENTIAL_OLD", True)]
    assert refused(router) == "CREDENTIAL_OLD"


def test_one_whose_clock_is_off_gets_none(machine: ThinAgent) -> None:
    machine.clock_offset = 3600.0

    _, error = machine.dial(**GOOD).ended()

    assert error is not None
    assert reason_of(error) == "CLOCK_SKEW"


def test_it_is_let_in_once_it_is_as_it_should_be(router: RouterUnderTest, machine: ThinAgent) -> None:
    held_off(machine, agent_version="1.3.9")

    said_hello(machine)

    assert closed(router) == []


def test_people_are_told_once_that_a_machine_is_held_off(router: RouterUnderTest, machine: ThinAgent) -> None:
    with router.courier("test", "1") as courier:
        for _ in range(3):
            held_off(machine, agent_version="1.3.9")

        told = courier.brought("1").notification.text
        said_hello(machine)
        held_off(machine, agent_version="")
        again = courier.brought("2").notification.text

    assert "The agent of devbox is 1.3.9; this router takes 1.4.0 or newer" in told
    assert "of no known version" in again
    entries = router.read(lambda c: audit.after(c, 0, 0.0, 100))
    held = [each for each in entries if each.event == AuditEvent.REFUSED.value]
    assert [(each.identity, each.detail) for each in held] == [("devbox", "AGENT_TOO_OLD")] * 2


def test_whoever_writes_to_a_machine_that_is_held_off_is_told_why(router: RouterUnderTest, machine: ThinAgent) -> None:
    session_id = router.session(machine)
    with router.courier("test") as courier:
        held_off(machine, agent_version="1.3.9")
        router.submit(HERE, "go on", session_id=session_id)

        told = courier.brought("1").notification.text

    assert told.startswith("⛔ Queued: devbox is held off: the machine's agent is too old.")


@pytest.mark.parametrize(
    ("hello", "reason"),
    [
        ({"programs": [types.ProgramVersion(name="claude", version="2.1.299")]}, "PROGRAM_TOO_OLD"),
        ({"programs": []}, "PROGRAM_TOO_OLD"),
        ({"free_bytes": LEAST_ROOM - 1}, "NO_ROOM"),
    ],
    ids=["an old program", "one that nobody knows", "a full disk"],
)
def test_what_a_machine_says_of_itself_may_stop_a_start(
    router: RouterUnderTest, machine: ThinAgent, hello: dict[str, Any], reason: str
) -> None:
    said_hello(machine, **hello)

    assert refused(router) == reason
    assert closed(router) == [(f"REASON_{reason}", False)]


def not_now(router: RouterUnderTest) -> str:
    hour = time_of_day(router.time.now()).hour
    return f"{(hour + 2) % 24}-{(hour + 3) % 24}"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (lambda _: {"no_starts": True}, "START_NOT_ALLOWED"),
        (lambda _: {"folders": ["~/other"]}, "FOLDER_NOT_ALLOWED"),
        (lambda _: {"programs": ["codex"]}, "PROGRAM_NOT_ALLOWED"),
        (lambda router: {"hours": not_now(router)}, "OUTSIDE_HOURS"),
    ],
    ids=["no starts", "folders", "programs", "hours"],
)
def test_the_policy_of_a_machine_may_stop_a_start(
    router: RouterUnderTest, machine: ThinAgent, said: Callable[[RouterUnderTest], dict[str, Any]], reason: str
) -> None:
    said_hello(machine)
    policy(router, **said(router))

    assert refused(router) == reason

    policy(router)
    assert start(router).session.machine_id == "devbox"


def test_whoever_asks_in_a_chat_is_told_there(router: RouterUnderTest, machine: ThinAgent) -> None:
    said_hello(machine)
    policy(router, no_starts=True)

    answered = router.submit(HERE, "/new fix the test")

    assert answered.command_id == ""
    assert "No session may be started on devbox" in answered.answer


def test_a_policy_survives_a_restart_and_a_new_link(router: RouterUnderTest, machine: ThinAgent) -> None:
    said_hello(machine)
    policy(router, no_starts=True)

    router.restart()

    assert refused(router) == "START_NOT_ALLOWED"


def test_starts_that_wait_end_when_none_is_allowed_any_more(router: RouterUnderTest, machine: ThinAgent) -> None:
    said_hello(machine)
    waiting = start(router).command.command_id

    policy(router, no_starts=True)

    ended = router.command(waiting)
    assert (ended.state, ended.reason) == (types.COMMAND_STATE_FAILED, types.REASON_START_NOT_ALLOWED)
    with machine.connected(**GOOD) as link:
        link.heard()
        assert link.waiting() == 0


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (lambda _: {"folders": ["~/other"]}, types.REASON_FOLDER_NOT_ALLOWED),
        (lambda router: {"hours": not_now(router)}, types.REASON_OUTSIDE_HOURS),
    ],
    ids=["folders", "hours"],
)
def test_a_start_that_waited_is_judged_again_before_it_is_sent(
    router: RouterUnderTest, machine: ThinAgent, said: Callable[[RouterUnderTest], dict[str, Any]], reason: int
) -> None:
    said_hello(machine)
    waiting = start(router)
    behind = router.send(waiting.session.session_id, "and then").command_id
    policy(router, **said(router))

    with machine.connected(**GOOD) as link:
        link.heard()
        assert link.waiting() == 0

    ended = router.command(waiting.command.command_id)
    assert (ended.state, ended.reason) == (types.COMMAND_STATE_FAILED, reason)
    assert router.command(behind).reason == types.REASON_SESSION_ENDED


def test_a_start_that_its_machine_may_have_begun_is_sent_again(router: RouterUnderTest, machine: ThinAgent) -> None:
    said_hello(machine)
    waiting = start(router).command.command_id
    link = machine.dial(**GOOD)
    machine.last_epoch = link.welcome().link_epoch
    assert link.commands(1)[0].command_id == waiting
    link.lose()
    policy(router, folders=["~/other"])

    with machine.connected(**GOOD) as again:
        assert again.commands(1)[0].command_id == waiting


def test_the_command_line_says_it_and_changes_only_what_is_named(run: Run, machine: ThinAgent) -> None:
    said_hello(machine)

    run("machine", "policy", "devbox", "--folder", "~/src", "--hours", "8-18")
    run("machine", "policy", "devbox", "--starts", "no")
    shown = run("machine", "policy", "devbox").stdout.splitlines()
    run("machine", "policy", "devbox", "--folder", "")
    freed = run("machine", "policy", "devbox").stdout.splitlines()
    wrong = run("machine", "policy", "devbox", "--hours", "sometimes")

    assert [line.split()[1:] for line in shown] == [["no"], ["~/src"], ["any"], ["08:00-18:00"]]
    assert freed[1].split()[1:] == ["any", "that", "the", "machine", "allows"]
    assert wrong.exit_code == 2
    assert "Hours are written 8-18" in wrong.stderr


def test_the_list_of_machines_and_doctor_tell_what_is_closed(run: Run, machine: ThinAgent) -> None:
    held_off(machine, agent_version="1.3.9")
    run("machine", "policy", "devbox", "--starts", "no")

    listed, found = run("machines").stdout, run("doctor").stdout

    assert "agent too old, start not allowed" in listed
    assert "devbox: agent too old" in found
    assert "Update it there, and start it again." in found
    assert "pointsman machine policy devbox --starts yes allows it" in found


def test_a_machine_that_says_nothing_of_its_disk_starts_all_the_same(
    router: RouterUnderTest, machine: ThinAgent
) -> None:
    """As agents of earlier versions do, in other languages too."""
    said_hello(machine, free_bytes=0)

    assert start(router).session.machine_id == "devbox"


def test_what_it_says_of_its_programs_is_listed(router: RouterUnderTest, machine: ThinAgent) -> None:
    said_hello(machine)

    [found] = router.control.ListMachines(pb.ListMachinesRequest()).machines

    assert [(each.name, each.version) for each in found.programs] == [("claude", "2.1.300")]
