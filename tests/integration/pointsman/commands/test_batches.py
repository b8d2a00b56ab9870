"""Many at once, and rules that allow for a time, on the command line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from click.testing import CliRunner, Result

from pointsman.group import pointsman
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.integration.router.permissions.asking import ask, listed, standing
from tests.rigs.thin_agent import ThinLink

MAKE = types.PermissionDetails(input_json='{"command": "make test"}')


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def link(router: RouterUnderTest) -> Iterator[ThinLink]:
    agent = router.machine()
    router.session(agent, "api")
    with agent.connected() as link:
        yield link


@pytest.fixture
def session(router: RouterUnderTest, link: ThinLink) -> str:
    assert link.epoch
    [found] = router.control.ListSessions(pb.ListSessionsRequest()).sessions
    return found.session_id


def run(router: RouterUnderTest, *argv: str, **kept: Any) -> Result:
    environ = {"POINTSMAN_ROUTER": router.address, "POINTSMAN_API_KEY": API_KEY}
    return CliRunner().invoke(pointsman, argv, env=environ | {"POINTSMAN_DATA_DIR": "/nonexistent"}, **kept)


def test_it_answers_what_it_shows_and_tells_of_each(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    for number, tool in enumerate(("Bash", "Bash", "Edit"), 1):
        ask(link, session, number, tool=tool, input_digest=f"d{number}")
    done = run(router, "many", "deny", "--tool", "Bash", "--reason", "not now", "--yes", "--json")
    none = run(router, "many", "deny", "--session", "web", "--yes")

    assert done.exit_code == 0, done.output
    assert [each["done"] for each in json.loads(done.stdout)] == [True, True]
    assert [each.tool for each in listed(router)] == ["Edit"]
    assert (none.exit_code, none.stderr) == (0, "None fits.\n")


def test_nobody_is_taken_to_have_said_yes(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    ask(link, session)

    assert run(router, "many", "allow").exit_code == 2
    assert len(listed(router)) == 1


def test_commands_are_taken_back(router: RouterUnderTest) -> None:
    away = router.session(router.machine(), "web")
    command = router.send(away)
    done = run(router, "many", "cancel", "--session", "w*", "--yes")

    assert done.exit_code == 0, done.output
    assert "done" in done.stdout
    assert router.command(command.command_id).state == types.COMMAND_STATE_CANCELLED


def test_a_rule_is_made_listed_and_ended(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    asked = ask(link, session, details=MAKE)
    made = run(router, "answer", asked, "allow", "--for", "2h", "--begins", "make", "--json")
    rule_id = json.loads(made.stdout)["ruleId"]
    listed_ = run(router, "rules")
    ended = run(router, "rules", rule_id, "--end")

    assert standing(router, asked).state == types.PERMISSION_STATE_ALLOWED
    assert rule_id in listed_.stdout
    assert (ended.exit_code, ended.stdout) == (0, f"{rule_id} ended\n")
    assert run(router, "rules").stderr == "No rule answers by itself.\n"


@pytest.mark.parametrize(
    "argv", [["deny", "--for", "2h"], ["allow", "--begins", "make"], ["allow", "--folder"], ["--for", "2h"]]
)
def test_a_rule_is_for_what_is_allowed(router: RouterUnderTest, link: ThinLink, session: str, argv: list[str]) -> None:
    asked = ask(link, session, details=MAKE)

    assert run(router, "answer", asked, *argv).exit_code == 2
    assert len(listed(router)) == 1


def test_those_of_a_rule_for_what_is_risky_alone(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    for number, words in enumerate(("rm -rf build", "ls"), 1):
        ask(link, session, number, input=words, input_digest=f"d{number}")

    done = run(router, "many", "deny", "--rule", "del*", "--yes", "--json")

    assert done.exit_code == 0, done.output
    assert [each.input for each in listed(router)] == ["ls"]


def test_what_else_goes_up_a_ladder_is_said_and_told(router: RouterUnderTest) -> None:
    before = run(router, "escalate").stdout
    after = run(router, "escalate", "--for", "failed,machine-lost", "10m again").stdout
    wrong = run(router, "escalate", "--for", "weather")

    assert before == "15m again, 30m mail\n"
    assert after == "10m again\nalso for failed, machine-lost\n"
    assert wrong.exit_code == 2
    assert run(router, "escalate", "--for", "none").stdout == "10m again\n"
