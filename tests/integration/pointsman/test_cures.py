"""What people are told when something is missing or misspelt: the thing itself, and a cure that is right here."""

import json
from pathlib import Path

import pytest

from tests.integration.pointsman.conftest import Run
from tests.integration.pointsman.test_front_door import SCRIPT, start
from tests.rigs.scripted_control import API_KEY, FakeControl


@pytest.fixture
def enrolled(control: FakeControl, data_dir: Path) -> None:
    """A second machine: enrolled at that router, with no setting at all."""
    (data_dir / "agent").mkdir(mode=0o700)
    facts = {"machine_id": "laptop", "router_id": "r", "router": control.address}
    (data_dir / "agent" / "machine.json").write_text(json.dumps(facts))


def test_a_wrong_key_is_told_with_the_place_it_comes_from(run: Run, data_dir: Path) -> None:
    in_environment = run("sessions", POINTSMAN_API_KEY="pmk_wrong")
    (data_dir / "api_key").write_text("pmk_wrong")
    generated = run("sessions", POINTSMAN_API_KEY=None)
    (data_dir / "pointsman.toml").write_text('api_key = "pmk_wrong"')
    in_file = run("sessions", POINTSMAN_API_KEY=None)

    assert {done.exit_code for done in (in_environment, generated, in_file)} == {4}
    assert "does not know the API key" in in_environment.stderr
    assert "POINTSMAN_API_KEY in the environment" in in_environment.stderr
    assert str(data_dir / "api_key") in generated.stderr
    assert f"api_key in {data_dir / 'pointsman.toml'}" in in_file.stderr
    assert not [done for done in (in_environment, generated, in_file) if "metadata" in done.stderr]


def test_no_key_at_all_is_told_with_how_to_get_one(run: Run) -> None:
    done = run("sessions", POINTSMAN_API_KEY=None)

    assert done.exit_code == 4
    assert "there is no API key here" in done.stderr
    assert "pointsman apikey create" in done.stderr


@pytest.mark.usefixtures("enrolled")
def test_a_second_machine_looks_at_the_router_it_was_enrolled_at(run: Run, control: FakeControl) -> None:
    control.add_session("s-1", "api")

    done = run("sessions", POINTSMAN_ROUTER=None)
    shown = json.loads(run("doctor", "--settings", "--json", POINTSMAN_ROUTER=None).stdout)

    assert "api" in done.stdout
    (router,) = (one for one in shown if one["name"] == "POINTSMAN_ROUTER")
    assert (router["value"], router["source"]) == (control.address, "enrolment")


@pytest.mark.usefixtures("enrolled")
@pytest.mark.parametrize("here", ["router.db", "pointsman.toml"])
def test_the_router_s_own_machine_looks_at_itself(run: Run, data_dir: Path, here: str) -> None:
    (data_dir / here).write_text('router_listen = "127.0.0.1:1"' if here == "pointsman.toml" else "")

    shown = json.loads(run("doctor", "--settings", "--json", POINTSMAN_ROUTER=None).stdout)

    assert next(one["source"] for one in shown if one["name"] == "POINTSMAN_ROUTER") == "default"


@pytest.mark.usefixtures("enrolled")
@pytest.mark.parametrize("key", [None, API_KEY], ids=["without-key", "with-key"])
def test_doctor_on_a_second_machine_speaks_of_its_agent_alone(run: Run, key: str | None) -> None:
    done = run("doctor", "--json", POINTSMAN_ROUTER=None, POINTSMAN_API_KEY=key)

    found = {one["check"]: one for one in json.loads(done.stdout)}
    assert done.exit_code == 0
    assert found["router"]["level"] == found["adapter"]["level"] == "OK"
    assert found["agent"]["cure"] == "Start it with `pointsman agent`."
    assert "pointsman up" not in done.stdout


@pytest.mark.usefixtures("enrolled")
def test_a_router_elsewhere_that_does_not_answer_is_not_started_here(
    run: Run, data_dir: Path, unused_address: str
) -> None:
    facts = {"machine_id": "laptop", "router_id": "r", "router": unused_address}
    (data_dir / "agent" / "machine.json").write_text(json.dumps(facts))

    done = run("sessions", POINTSMAN_ROUTER=None)

    assert done.exit_code == 3
    assert unused_address in done.stderr
    assert "pointsman up" not in done.stderr


def test_console_says_that_nobody_answers(run: Run, unused_address: str) -> None:
    done = run("console", POINTSMAN_HTTP_LISTEN=unused_address)

    assert (done.exit_code, done.stdout) == (3, "")
    assert unused_address in done.stderr


@pytest.mark.usefixtures("enrolled")
def test_console_is_for_the_router_s_machine(run: Run) -> None:
    done = run("console", POINTSMAN_ROUTER=None)

    assert (done.exit_code, done.stdout) == (5, "")
    assert "on the router's machine" in done.stderr


def test_an_unknown_variable_is_told_once_with_what_it_may_mean(run: Run, control: FakeControl) -> None:
    control.add_session("s-1")

    done = run("sessions", "--json", POINTSMAN_ROUTR="x", POINTSMAN_SESSION_ID="s-1")

    assert done.stderr == "warning: POINTSMAN_ROUTR in the environment means nothing. Did you mean POINTSMAN_ROUTER?\n"
    assert json.loads(done.stdout)[0]["sessionId"] == "s-1"


@pytest.mark.parametrize("quiet", [("hook", "Stop"), ("completion", "bash")], ids=["hook", "completion"])
def test_what_runs_inside_of_others_tells_no_unknown_variable(data_dir: Path, quiet: tuple[str, str]) -> None:
    done = start(str(SCRIPT), *quiet, POINTSMAN_DATA_DIR=str(data_dir), POINTSMAN_ROUTR="x")

    assert (done.returncode, done.stderr) == (0, "")


def test_doctor_tells_of_unknown_variables_among_its_findings(run: Run) -> None:
    found = json.loads(run("doctor", "--json", POINTSMAN_ROUTR="x").stdout)

    assert [one["found"] for one in found if one["check"] == "settings"] == [
        "POINTSMAN_ROUTR in the environment means nothing. Did you mean POINTSMAN_ROUTER?"
    ]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["sesions"], "Did you mean sessions?"),
        (["machine", "tokn"], "Did you mean token?"),
        (["apikey", "rewoke", "x"], "Did you mean revoke?"),
        (["xyzzy"], "`pointsman --help` lists them"),
        (["sessions", "--jsn"], "--json"),
    ],
    ids=" ".join,
)
def test_a_slip_in_a_command_or_option_is_told_what_it_may_mean(run: Run, words: list[str], meant: str) -> None:
    done = run(*words)

    assert done.exit_code == 2
    assert meant in done.stderr


@pytest.mark.parametrize(
    ("target", "package"),
    [(("--tmux", "%1"), "install tmux"), (("--nvim", "x"), "install neovim"), (("--headless",), "npm install -g")],
    ids=["tmux", "nvim", "claude"],
)
def test_a_program_that_is_missing_is_told_with_the_package_to_install(
    run: Run, tmp_path: Path, target: tuple[str, ...], package: str
) -> None:
    done = run("session", "register", *target, PATH=str(tmp_path))

    assert done.exit_code == 1
    assert package in done.stderr


def test_run_says_once_that_there_is_no_agent(tmp_path: Path, data_dir: Path) -> None:
    done = start(str(SCRIPT), "run", "--", "echo", "hello", cwd=tmp_path, POINTSMAN_DATA_DIR=str(data_dir))

    assert done.returncode == 0
    assert done.stdout.split() == ["hello"]
    assert done.stderr.count("no agent runs here") == 1
