"""How loud a session is in a chat, and how a chat is treated, on the command line."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pointsman.group import pointsman
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router, router.courier("telegram", "4711"):
        yield router


def run(router: RouterUnderTest, *argv: str) -> Result:
    environment = {
        "POINTSMAN_ROUTER": router.address,
        "POINTSMAN_API_KEY": API_KEY,
        "POINTSMAN_DATA_DIR": "/nonexistent",
    }
    return CliRunner().invoke(pointsman, argv, env=environment)


def test_a_session_is_muted_until_then_and_heard_again(router: RouterUnderTest) -> None:
    router.session(router.machine(), "api")

    until, again = (run(router, "mute", "api", "telegram:4711", *how) for how in (["--until", "in 2h"], ["--off"]))
    unclear = run(router, "mute", "api", "telegram:4711", "--until", "some day")

    assert (until.exit_code, again.exit_code, unclear.exit_code) == (0, 0, 2)
    assert " until " in until.stdout
    assert "heard here again" in again.stdout
    assert run(router, "mute", "api", "4711").exit_code == 2
    assert run(router, "mute", "api", "telegram:4711", "--until", "9:00", "--off").exit_code == 2


def test_how_a_chat_is_treated_is_set_and_told(router: RouterUnderTest) -> None:
    wanted = ["--quiet", "22-7", "--limits", "continue", "--zone", "Europe/Berlin", "--summary", "8:00"]
    set_so = run(router, "chat", "telegram:4711", *wanted)
    told = json.loads(run(router, "chat", "telegram:4711", "--json").stdout)

    assert set_so.exit_code == 0, set_so.output
    assert "quiet: 22:00-07:00\nlimits: continue\nzone: Europe/Berlin\n" in set_so.stdout
    assert (told["quiet"], told["limits"], told["summary"]) == ("22:00-07:00", "continue", "every day 8:00")
    assert run(router, "chat", "telegram:4711", "--quiet", "at night").exit_code == 2
    assert run(router, "chat", "telegram:666", "--quiet", "22-7").exit_code == 1
