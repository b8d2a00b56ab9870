"""`pointsman callback`: the token alone for a variable, and how to report with it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1 import control_pb2 as pb
from click.testing import CliRunner, Result

from pointsman.group import pointsman
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.callbacks import report, waiting


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


def run(router: RouterUnderTest, *arguments: str) -> Result:
    own = {"POINTSMAN_ROUTER": router.address, "POINTSMAN_API_KEY": API_KEY}
    own |= {"POINTSMAN_DATA_DIR": str(router.config.data_dir), "POINTSMAN_CONSOLE_URL": "https://home.example"}
    return CliRunner().invoke(pointsman, ["callback", *arguments], env=own)


def test_the_token_stands_alone_on_stdout_and_in_no_command_line(router: RouterUnderTest) -> None:
    said = run(router, waiting(router), "--name", "CI of #12", "--ttl", "2h")
    token = said.stdout.strip()
    report(router.control, token, "done")
    [command] = router.control.ListCommands(pb.ListCommandsRequest()).commands

    assert "CI of #12: ok." in command.action.input.text
    assert "curl" in said.stderr
    assert "https://home.example/callbacks" in said.stderr
    assert token not in said.stderr


def test_it_is_told_as_json(router: RouterUnderTest) -> None:
    made = json.loads(run(router, waiting(router), "--json").stdout)

    assert made["token"].startswith("pmc_")
    assert made["callbackId"].startswith("callback_")


def test_a_session_that_may_be_a_shell_gets_none(router: RouterUnderTest) -> None:
    said = run(router, router.session(router.machine(), "sh"))

    assert said.exit_code != 0
    assert "may be a shell" in said.stderr
