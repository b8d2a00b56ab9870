"""`pointsman later|remind|every|scheduled`, against a real router."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pointsman.errors import ExitCode
from pointsman.group import pointsman
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving

Run = Callable[..., Result]


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir / "router")) as router:
        router.session(router.machine("devbox"), label="api")
        yield router


@pytest.fixture
def run(router: RouterUnderTest, data_dir: Path) -> Run:
    environ = {
        "POINTSMAN_ROUTER": router.address, "POINTSMAN_API_KEY": API_KEY, "POINTSMAN_DATA_DIR": str(data_dir),
    }  # fmt: skip
    return lambda *words, stdin=None: CliRunner().invoke(pointsman, words, input=stdin, env=environ)


def kept(run: Run, *words: str) -> dict[str, object]:
    return dict(json.loads(run("later", "api", "tomorrow 9:00", "sync", "--json", *words).stdout))


def test_people_are_told_the_moment(run: Run) -> None:
    done = run("every", "day 9:00", "sync", "--session", "api", "--zone", "Europe/Berlin")

    assert done.exit_code == 0, done.stderr
    assert "every day 9:00" in done.stdout
    assert "(Europe/Berlin)" in done.stdout


def test_it_is_listed_changed_and_taken_back(run: Run) -> None:
    known = kept(run)
    name = str(known["deferredId"])
    listed = json.loads(run("scheduled", "--json").stdout)
    paused = json.loads(run("scheduled", name, "--pause", "--json").stdout)
    moved = json.loads(run("scheduled", name, "--move", "every 2h", "--json").stdout)
    one = json.loads(run("scheduled", name, "--json").stdout)
    taken = run("scheduled", name, "--cancel")
    table = run("scheduled", "--all").stdout

    assert [each["deferredId"] for each in listed] == [name]
    assert (known["state"], known["when"], known["task"]) == ("WAITING", "tomorrow 9:00", "TEXT")
    assert (paused["state"], moved["when"], one["state"]) == ("PAUSED", "every 2h", "PAUSED")
    assert taken.stdout.split()[1] == "cancelled"
    assert "cancelled" in table
    assert run("scheduled").stderr.strip() == "Nothing is to be done later."


def test_a_text_may_come_from_standard_input(run: Run) -> None:
    run("remind", "in 2h", "-", stdin="look at the deploy")

    [known] = json.loads(run("scheduled", "--json").stdout)
    assert (known["text"], known["task"]) == ("look at the deploy", "REMINDER")


def test_what_cannot_be_is_refused(run: Run) -> None:
    unclear, nobody, neither, both = (
        run("later", "api", "soon", "sync"),
        run("scheduled", "none", "--cancel"),
        run("scheduled", "--cancel"),
        run("every", "2h", "sync", "--session", "api", "--machine", "devbox"),
    )

    assert "tomorrow 9:00" in unclear.stderr
    assert nobody.exit_code == ExitCode.NOT_FOUND
    assert neither.exit_code == ExitCode.USAGE
    assert both.exit_code != 0
