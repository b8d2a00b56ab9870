"""Asking people from any program: answers, exit codes, and the examples that do so."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from agentlink.v1 import types_pb2 as types
from click.testing import CliRunner, Result

from pointsman.group import pointsman
from tests.architecture.source import ROOT
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.thin_courier import ThinCourier

CHAT = types.ChatRef(transport="test", chat_id="1")
EXAMPLES = ROOT / "examples"


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        router.session(router.machine(), "api")
        yield router


def environ(router: RouterUnderTest) -> dict[str, str]:
    own = {"POINTSMAN_ROUTER": router.address, "POINTSMAN_API_KEY": API_KEY}
    return own | {"POINTSMAN_DATA_DIR": str(router.config.data_dir)}


def run(router: RouterUnderTest, *arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(pointsman, ["ask", "api", *arguments], env=environ(router), input=stdin)


@contextmanager
def people(router: RouterUnderTest) -> Iterator[tuple[ThinCourier, ThreadPoolExecutor]]:
    pool = ThreadPoolExecutor()
    try:
        with router.courier("test", "1") as courier:
            yield courier, pool
    finally:
        pool.shutdown(wait=False)  # whoever asks still, where a test broke, ends with the router


def press(router: RouterUnderTest, courier: ThinCourier, label: str) -> str:
    """Press the button of the question that comes next. What the question says."""
    shown = courier.brought("100").notification
    [button] = [one for one in shown.buttons if one.label == label]
    router.submit(CHAT, button={"data": f"cmd:{shown.token}:{button.action}"})
    return str(shown.text)


def reply(router: RouterUnderTest, courier: ThinCourier, words: str, about: str, name: str = "100") -> str:
    """Reply to the question about something, once it comes. What the question says."""
    while about not in (shown := courier.take()).notification.text:
        courier.delivered(shown, f"{name}-other")
    courier.delivered(shown, name)
    router.reported(shown)  # else nobody knows yet what it is a reply to
    router.submit(CHAT, words, reply_to_message_id=name)
    return str(shown.notification.text)


@pytest.mark.parametrize(("label", "code"), [("Deploy", 0), ("Not now", 6)])
def test_a_no_has_an_exit_code_of_its_own(router: RouterUnderTest, label: str, code: int) -> None:
    with people(router) as (courier, pool):
        asking = pool.submit(run, router, "Deploy?", "--option", "Deploy", "--no", "Not now")
        press(router, courier, label)
        done = asking.result(60)

    assert (done.exit_code, done.stdout) == (code, f"{label}\n")


def test_nobody_in_time_has_one_too(router: RouterUnderTest) -> None:
    with people(router) as (courier, pool):
        asking = pool.submit(run, router, "Deploy?", "--option", "Deploy", "--timeout", "30m")
        courier.brought("100")
        router.advance(1801)
        done = asking.result(60)

    assert (done.exit_code, done.stdout, done.stderr) == (7, "", "nobody answered: expired\n")


def test_many_lines_go_there_and_come_back(router: RouterUnderTest) -> None:
    with people(router) as (courier, pool):
        asking = pool.submit(run, router, "-", stdin="What is left?\n\n- one\n- two\n")
        asked = reply(router, courier, "first this\n\nthen that", "What is left?")
        done = asking.result(60)

    assert "What is left?\n\n- one\n- two" in asked
    assert (done.exit_code, done.stdout) == (0, "first this\n\nthen that\n")


def test_several_are_chosen_and_what_there_is_not_is_asked_again(router: RouterUnderTest) -> None:
    which = ["--option", "Lint", "--option", "Types", "--option", "Tests"]
    with people(router) as (courier, pool):
        asking = pool.submit(run, router, "Which checks?", *which, "--several")
        first = reply(router, courier, "lint, coffee", "Which checks?")
        second = reply(router, courier, "lint, TESTS", "none of them", name="200")
        done = asking.result(60)

    assert "More than one may be chosen" in first
    assert "coffee is none of them: Lint, Types, Tests." in second
    assert (done.exit_code, done.stdout) == (0, "Lint\nTests\n")


def test_files_come_before_the_question_and_from_their_own_machine_alone(
    router: RouterUnderTest, tmp_path: Path
) -> None:
    (tmp_path / "plot.txt").write_text("plot")
    asked = run(router, "Is this right?", "--file", str(tmp_path / "plot.txt"))
    missing = run(router, "Is this right?", "--file", str(tmp_path / "nothing.txt"))

    assert (asked.exit_code, "no session of an agent on this machine" in asked.stderr) == (5, True)
    assert missing.exit_code == 2


def test_several_of_nothing_is_a_mistake(router: RouterUnderTest) -> None:
    assert run(router, "Which?", "--several").exit_code == 2


def example(router: RouterUnderTest, folder: Path, argv: list[str]) -> "Mapping[str, object]":
    bin_folder = str(Path(sys.executable).parent)
    own = environ(router) | {"PATH": f"{bin_folder}:{os.environ['PATH']}", "HOME": str(folder)}
    done = subprocess.run(argv, env=own, cwd=folder, text=True, capture_output=True, timeout=60)
    return {"code": done.returncode, "said": done.stdout, "complained": done.stderr}


@pytest.mark.parametrize(
    ("label", "code", "said"), [("Deploy", 0, "Deploy: touch made\n"), ("Not now", 6, "denied: Not now\n")]
)
def test_the_example_for_the_shell_runs_on_a_yes_alone(
    router: RouterUnderTest, data_dir: Path, label: str, code: int, said: str
) -> None:
    argv = ["/bin/sh", str(EXAMPLES / "deploy.sh"), "api", "touch", "made"]
    with people(router) as (courier, pool):
        running: Future[Mapping[str, object]] = pool.submit(example, router, data_dir, argv)
        press(router, courier, label)
        done = running.result(60)

    assert (done["code"], done["said"]) == (code, said)
    assert (data_dir / "made").exists() is (code == 0)


@pytest.mark.parametrize(("label", "code", "released"), [("Release", 0, True), ("Not yet", 2, False)])
def test_the_example_for_make_releases_on_a_yes_alone(
    router: RouterUnderTest, data_dir: Path, label: str, code: int, *, released: bool
) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not here")
    argv = ["make", "-f", str(EXAMPLES / "Makefile"), "release", "SESSION=api", "VERSION=1.2"]
    with people(router) as (courier, pool):
        running: Future[Mapping[str, object]] = pool.submit(example, router, data_dir, argv)
        asked = press(router, courier, label)
        done = running.result(60)

    assert "Release 1.2?\n\nWhat is in it:\n- one\n- two" in asked
    assert done["code"] == code
    assert ("releasing 1.2" in str(done["said"])) is released
