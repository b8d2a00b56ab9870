"""A router that asks its clients for certificates: whoever has one of its CA comes in, by every door."""

import json
import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from click.testing import CliRunner, Result

from pointsman.group import pointsman
from router.config import Tls
from tests.fakes.telegram import TOKEN, TelegramStandIn
from tests.faults import certificates
from tests.faults.certificates import Pair
from tests.integration.pointsman.up.test_up import POINTSMAN, Up, running
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e
COMMANDS = [
    ("machines",),
    ("sessions",),
    ("commands",),
    ("dead",),
    ("apikey", "list"),
    ("machine", "token"),
]

Run = Callable[..., Result]


@pytest.fixture
def authority(tmp_path: Path) -> Pair:
    return certificates.write(tmp_path)


@pytest.fixture
def router(authority: Pair, tmp_path: Path) -> Iterator[RouterUnderTest]:
    certificate, key = certificates.issue(tmp_path, "router", authority)
    folder = tmp_path / "router"
    folder.mkdir()
    with serving(config(folder, tls=Tls(certificate, key, authority[0]))) as router:
        yield router


def shown(pair: Pair, authority: Pair) -> dict[str, str]:
    """Settings of a client with this certificate."""
    files = {"CERT": pair[0], "KEY": pair[1], "CA": authority[0]}
    return {f"POINTSMAN_TLS_{name}": str(path) for name, path in files.items()}


@pytest.fixture
def laptop(authority: Pair, tmp_path: Path) -> dict[str, str]:
    """Settings of a client with a certificate of the router's CA."""
    return shown(certificates.issue(tmp_path, "laptop", authority), authority)


@pytest.fixture
def stranger(authority: Pair, tmp_path: Path) -> dict[str, str]:
    """Settings of one whose certificate another CA signed."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return shown(certificates.issue(folder, "stranger", certificates.write(folder)), authority)


@pytest.fixture
def run(router: RouterUnderTest, data_dir: Path) -> Run:
    environ = {
        "POINTSMAN_ROUTER": router.address,
        "POINTSMAN_API_KEY": API_KEY,
        "POINTSMAN_DATA_DIR": str(data_dir),
        "POINTSMAN_MACHINE_ID": "laptop",
    }

    def invoke(*arguments: str, **changes: str) -> Result:
        return CliRunner().invoke(pointsman, arguments, env={**environ, **changes})

    return invoke


def joined(run: Run, router: RouterUnderTest, who: dict[str, str], laptop: dict[str, str]) -> Result:
    """What becomes of an enrolment whose token was made by somebody who may."""
    token = json.loads(run("machine", "token", "--json", **laptop).output)["joinToken"]
    return run("enroll", router.address, token, **who)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_commands_show_their_certificate(run: Run, laptop: dict[str, str], command: tuple[str, ...]) -> None:
    done = run(*command, **laptop)

    assert done.exit_code == 0, done.output


def test_a_machine_enrols_with_its_certificate(run: Run, router: RouterUnderTest, laptop: dict[str, str]) -> None:
    done = joined(run, router, laptop, laptop)

    assert done.exit_code == 0, done.output
    assert "laptop is enrolled" in done.output


def without(settings: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in settings.items() if name.endswith("_CA")}


@pytest.mark.parametrize("who", ["nobody", "stranger"])
def test_who_has_none_of_that_ca_is_told_what_may_be_missing(
    run: Run, router: RouterUnderTest, laptop: dict[str, str], stranger: dict[str, str], who: str
) -> None:
    settings = stranger if who == "stranger" else without(laptop)
    commanded, enrolled = run("machines", **settings), joined(run, router, settings, laptop)

    for done in (commanded, enrolled):
        assert done.exit_code != 0
        assert "POINTSMAN_TLS_CERT" in done.output


def test_an_agent_an_adapter_and_its_courier_elsewhere_show_theirs(
    run: Run, router: RouterUnderTest, laptop: dict[str, str], data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "router")
    joined(run, router, laptop, laptop)
    environ = {
        **os.environ,
        **laptop,
        "POINTSMAN_DATA_DIR": str(data_dir),
        "POINTSMAN_ROUTER": router.address,
        "POINTSMAN_API_KEY": API_KEY,
        "TELEGRAM_BOT_TOKEN": TOKEN,
    }

    def connected() -> bool:
        return [machine["connected"] for machine in json.loads(run("machines", "--json", **laptop).output)] == [True]

    programs = [(*POINTSMAN, "agent"), (*POINTSMAN, "adapter", "--http-listen", "127.0.0.1:0")]
    with TelegramStandIn() as telegram:
        environ["TELEGRAM_API_BASE"] = telegram.base_url
        started = [subprocess.Popen(line, env=environ, stdout=subprocess.PIPE, text=True) for line in programs]
        try:
            assert started[1].stdout is not None
            address = started[1].stdout.readline().split()[-1]

            assert wait_until(connected, 30)
            assert wait_until(lambda: "courier connected" in caplog.messages)
            with urlopen(f"{address}/health/ready", timeout=10) as answer:
                assert answer.status == 200
        finally:
            for program in started:
                program.terminate()
                program.communicate(timeout=20)


@pytest.fixture
def up(authority: Pair, tmp_path: Path, data_dir: Path) -> Iterator[Up]:
    """Everything on one machine, whose one certificate is the router's and that of its clients."""
    pair = certificates.issue(tmp_path, "box", authority)
    with running(data_dir, POINTSMAN_TLS_CLIENT_CA=str(authority[0]), **shown(pair, authority)) as up:
        yield up


def test_up_that_would_speak_plain_text_to_its_own_router_says_so(authority: Pair, data_dir: Path) -> None:
    environ = {**os.environ, "POINTSMAN_TLS_CERT": str(authority[0]), "POINTSMAN_TLS_KEY": str(authority[1])}
    flags = ("--data-dir", str(data_dir), "--router", "127.0.0.1:7443")  # not by its socket
    done = subprocess.run((*POINTSMAN, "up", *flags), env=environ, capture_output=True, text=True, timeout=60)

    assert done.returncode == 2
    assert "POINTSMAN_TLS_CA" in done.stderr


def test_up_shows_the_certificate_that_its_router_shows(up: Up) -> None:
    def machines() -> list[tuple[str, bool]]:
        found = json.loads(up.run("machines", "--json").stdout or "[]")
        return [(machine["machineId"], machine["connected"]) for machine in found]

    assert wait_until(lambda: machines() == [("box", True)], 30)
    with urlopen(f"{up.http}/health/ready", timeout=10) as answer:
        assert answer.status == 200
    assert up.run("doctor").returncode == 0
