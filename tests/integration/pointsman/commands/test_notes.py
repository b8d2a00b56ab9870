"""`pointsman remember|recall|notes|forget`, against a real router."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pointsman.errors import ExitCode
from pointsman.group import pointsman
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.session_program import Program, running

Run = Callable[..., Result]


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir / "router")) as router:
        yield router


@pytest.fixture
def program(router: RouterUnderTest) -> Iterator[Program]:
    with running(router) as program:
        yield program


def runs(router: RouterUnderTest, data_dir: Path, **environ: str) -> Run:
    environ = {"POINTSMAN_ROUTER": router.address, "POINTSMAN_DATA_DIR": str(data_dir)} | environ
    return lambda *words, stdin=None: CliRunner().invoke(pointsman, words, input=stdin, env=environ)


@pytest.fixture
def run(router: RouterUnderTest, data_dir: Path) -> Run:
    return runs(router, data_dir, POINTSMAN_API_KEY=API_KEY)


@pytest.fixture
def inside(router: RouterUnderTest, program: Program, data_dir: Path) -> Run:
    """As a program of the session runs it, with nothing but its token."""
    token = data_dir / "token"
    token.write_text(program.machine.worker_token(program.own))
    token.chmod(0o600)
    return runs(router, data_dir, POINTSMAN_WORKER_TOKEN_FILE=str(token), POINTSMAN_SESSION_ID=program.own)


def test_what_was_noted_is_found_listed_and_forgotten(run: Run) -> None:
    said = run("remember", "use tabs")
    number = said.stdout.split()[0]
    found, listed = (json.loads(run(*words).stdout) for words in (("recall", "--json", "tabs"), ("notes", "--json")))

    assert said.stdout == f"{number}  kept  person holder of the key\n"
    assert found == listed
    assert (found[0]["text"], found[0]["scope"], found[0]["state"]) == ("use tabs", "PERSON", "KEPT")
    assert "use tabs" in run("notes").stdout
    assert run("forget", number).exit_code == 0
    assert run("notes").stderr.strip() == "Nothing is noted."
    assert run("recall", "tabs").stderr.strip() == "Nothing was noted with these words."
    assert run("forget", number).exit_code == ExitCode.NOT_FOUND


def test_of_standard_input_and_about_a_session(run: Run, program: Program) -> None:
    made = json.loads(run("remember", "-", "--session", "api", "--json", stdin="use tabs\nand no spaces\n").stdout)

    assert (made["text"], made["sessionId"]) == ("use tabs\nand no spaces", program.own)
    assert [note["number"] for note in json.loads(run("recall", "--session", "api", "--json", "tabs").stdout)] == [
        made["number"]
    ]


def test_inside_of_a_session_its_token_does_and_a_person_keeps(run: Run, inside: Run) -> None:
    said = inside("remember", "push to main")
    number = said.stdout.split()[0]

    assert said.stdout.split()[1] == "waiting"
    assert "push to main" in inside("recall", "push").stdout
    assert inside("notes", "--keep", number).exit_code == ExitCode.NOT_ALLOWED
    [waiting] = json.loads(run("notes", "--waiting", "--json").stdout)
    assert waiting["state"] == "WAITING"
    assert run("notes", "--keep", number).exit_code == 0
    assert json.loads(inside("notes", "--json").stdout)[0]["state"] == "KEPT"
    assert inside("forget", number).exit_code == 0


def test_a_secret_is_refused_and_not_repeated(run: Run) -> None:
    refused = run("remember", "ghp_" + "a" * 36)

    assert refused.exit_code == ExitCode.USAGE
    assert "looks like a secret" in refused.stderr
    assert "ghp_" not in refused.stderr
