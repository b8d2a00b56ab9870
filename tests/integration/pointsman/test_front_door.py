"""The front door itself: quick, at home in any folder, and complete."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import click
import pytest
from agentlink.v1 import types_pb2 as types
from click.testing import CliRunner

from pointsman.group import pointsman
from tests.integration.agent.backends.stages import TmuxServerFixture
from tests.integration.pointsman.conftest import Run
from tests.rigs.scripted_control import API_KEY, FakeControl

SCRIPT = Path(sys.executable).with_name("pointsman")
PINNED = [
    *("up", "demo", "router", "adapter", "agent", "run", "session", "sessions", "machines", "commands"),
    *("notifications", "send", "key", "notify", "watch", "trace", "dead", "retry", "redirect", "cancel", "drop"),
    *("enroll", "machine", "apikey", "webhook", "doctor", "audit", "backup", "cleanup", "export", "completion"),
]
# Of the router, where its socket lies, and nothing else.
HEAVY = ("grpc", "rich", "flask", "asyncio", "google.protobuf", "requests", "cryptography", "router.config", "agent")


def start(*arguments: str, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, cwd=cwd, env={**os.environ, **environ}, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("command", PINNED)
def test_every_command_has_help(command: str) -> None:
    done = CliRunner().invoke(pointsman, [command, "--help"])

    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) > 3


@pytest.mark.parametrize("arguments", [("--help",), ("sessions", "--help"), ("doctor", "--settings")])
def test_what_needs_no_router_starts_without_heavy_modules(arguments: tuple[str, ...]) -> None:
    done = start(sys.executable, "-I", "-X", "importtime", "-m", "pointsman", *arguments)

    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "pointsman.cli" in imported
    assert imported.isdisjoint(HEAVY)


def test_help_lists_commands_without_importing_them() -> None:
    done = start(sys.executable, "-I", "-X", "importtime", "-m", "pointsman", "--help")

    assert "Print everything as JSON lines." in done.stdout
    assert "pointsman.commands" not in done.stderr


def test_help_has_a_line_for_every_command_that_is_not_hidden() -> None:
    context = click.Context(pointsman, terminal_width=80)
    ours = context.make_formatter()
    commands = {name: pointsman.get_command(context, name) for name in pointsman.list_commands(context)}

    pointsman.format_commands(context, ours)

    lines = [line for line in ours.getvalue().splitlines() if line.startswith("  ")]
    assert all(line[2] != " " for line in lines)  # none is so long that it goes on below
    assert sorted(line.split()[0] for line in lines) == sorted(
        name for name, one in commands.items() if one and not one.hidden
    )


def test_a_usage_error_has_exit_code_2() -> None:
    assert CliRunner().invoke(pointsman, ["send"]).exit_code == 2
    assert CliRunner().invoke(pointsman, ["no-such-command"]).exit_code == 2


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Somebody's repository that has folders of the same names."""
    for name in ("agent", "router", "agentlink", "webhook_adapter", "click", "grpc", "json"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('imported from the current folder')\n")
    return tmp_path


WAYS = [(str(SCRIPT),), (sys.executable, "-I", "-m", "pointsman")]


@pytest.mark.parametrize("way", WAYS, ids=["script", "module"])
@pytest.mark.parametrize("pythonpath", [".", ""], ids=["dot", "empty"])
def test_the_current_folder_is_never_imported_from(
    hostile: Path, data_dir: Path, way: tuple[str, ...], pythonpath: str, unused_address: str
) -> None:
    environ = {
        "PYTHONPATH": pythonpath,
        "POINTSMAN_DATA_DIR": str(data_dir),
        "POINTSMAN_ROUTER": unused_address,
        "POINTSMAN_HTTP_LISTEN": unused_address,
    }

    sessions = start(*way, "sessions", cwd=hostile, **environ)
    doctor = start(*way, "doctor", cwd=hostile, **environ)
    ran = start(
        *way, "run", "--", sys.executable, "-S", "-c", "print(7 * 6)", cwd=hostile, PYTHONSAFEPATH="1", **environ
    )

    assert sessions.returncode == 3, sessions.stderr
    assert doctor.returncode == 1, doctor.stderr
    assert "no agent listens" in doctor.stdout
    assert ran.returncode == 0, ran.stderr
    assert "42" in ran.stdout


def test_a_program_that_is_run_keeps_its_own_pythonpath(data_dir: Path) -> None:
    show = "import os; print(os.environ['PYTHONPATH'])"

    done = start(
        str(SCRIPT), "run", "--", sys.executable, "-c", show, PYTHONPATH="/x/y", POINTSMAN_DATA_DIR=str(data_dir)
    )

    assert done.stdout.strip() == "/x/y"


@pytest.mark.parametrize(("line", "code"), [("exit 7", 7), ("kill -TERM $$", 143)])
def test_run_ends_as_its_program_ended(data_dir: Path, line: str, code: int) -> None:
    assert start(str(SCRIPT), "run", "--", "sh", "-c", line, POINTSMAN_DATA_DIR=str(data_dir)).returncode == code


@pytest.mark.parametrize("program", ["router", "agent", "courier", "adapter-http"])
def test_a_program_whose_supervisor_is_gone_does_not_begin(data_dir: Path, program: str) -> None:
    done = start(str(SCRIPT), program, POINTSMAN_DATA_DIR=str(data_dir), POINTSMAN_SUPERVISOR_PID="1")

    assert (done.returncode, done.stdout) == (1, "")


def test_grpc_knows_every_switch_that_it_is_given(data_dir: Path) -> None:
    done = start(str(SCRIPT), "--router", "127.0.0.1:1", "sessions", POINTSMAN_DATA_DIR=str(data_dir))

    assert done.returncode == 3
    assert "experiment" not in done.stderr
    assert "POINTSMAN_API_KEY" not in done.stderr


def test_a_program_in_a_session_sees_the_environment_as_it_came(data_dir: Path) -> None:
    done = start(str(SCRIPT), "run", "--", "env", POINTSMAN_DATA_DIR=str(data_dir), GRPC_VERBOSITY="INFO")

    added = ("GRPC_ENABLE_FORK_SUPPORT", "GRPC_EXPERIMENTS")
    assert "GRPC_VERBOSITY=INFO" in done.stdout.split()
    assert not [line for line in done.stdout.split() if line.startswith(added)]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell: str) -> None:
    done = CliRunner().invoke(pointsman, ["completion", shell])

    assert done.exit_code == 0
    assert "_POINTSMAN_COMPLETE" in done.stdout


def test_completion_knows_the_commands() -> None:
    environ = {"_POINTSMAN_COMPLETE": "bash_complete", "COMP_WORDS": "pointsman se", "COMP_CWORD": "1"}

    done = start(str(SCRIPT), **environ)

    assert [line.partition(",")[2] for line in done.stdout.split()] == ["sessions", "session", "search", "send"]


@pytest.fixture
def tab(control: FakeControl, data_dir: Path) -> Callable[..., list[str]]:
    """What a shell offers for the last of these words."""

    def press(*words: str, **changes: str) -> list[str]:
        environ = {
            "_POINTSMAN_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(("pointsman", *words)),
            "COMP_CWORD": str(len(words)),
            "POINTSMAN_ROUTER": control.address,
            "POINTSMAN_API_KEY": API_KEY,
            "POINTSMAN_DATA_DIR": str(data_dir),
        }
        done = start(str(SCRIPT), **{**environ, **changes})
        assert done.stderr == ""
        return [line.partition(",")[2] for line in done.stdout.split()]

    return press


def test_sessions_are_completed_by_label_or_by_id_where_that_is_not_enough(
    tab: Callable[..., list[str]], control: FakeControl
) -> None:
    control.add_session("session_0192aaaa-1111-7000-8000-00000000beef", "twice")
    control.add_session("s-2", "twice")
    control.add_session("s-3", "once")

    assert tab("send", "") == ["0000beef", "s-2", "once"]
    assert tab("commands", "--session", "on") == ["once"]
    assert tab("trace", "") == []


def test_machines_are_completed(tab: Callable[..., list[str]], control: FakeControl) -> None:
    control.machines = [types.Machine(machine_id="devbox"), types.Machine(machine_id="old", revoked=True)]

    assert tab("start", "--machine", "") == ["devbox"]
    assert tab("machine", "revoke", "d") == ["devbox"]


def test_keys_are_completed(tab: Callable[..., list[str]]) -> None:
    assert tab("key", "any", "ctrl-") == ["ctrl-c", "ctrl-d", "ctrl-r", "ctrl-o", "ctrl-z"]


def test_panes_are_completed(tab: Callable[..., list[str]], data_dir: Path) -> None:
    with closing(TmuxServerFixture(data_dir, ["cat"])) as server:
        found = tab("session", "register", "--tmux", "", TMUX=f"{server.socket},1,0")

    assert found == [server.pane]


def test_completion_is_silent_where_nobody_answers(tab: Callable[..., list[str]], unused_address: str) -> None:
    assert tab("send", "", POINTSMAN_ROUTER=unused_address) == []


def test_settings_are_shown_with_source_and_without_secrets(run: Run, data_dir: Path) -> None:
    (data_dir / "pointsman.toml").write_text('allowed_chat_ids = [42]\ntelegram_bot_token = "1:topsecret"')

    shown = run("doctor", "--settings").stdout
    as_json = run("doctor", "--settings", "--json").stdout

    rows = {row.split()[0]: row.split()[1:] for row in shown.splitlines()}
    assert rows["ALLOWED_CHAT_IDS"][:2] == ["42", "pointsman.toml"]
    assert rows["TELEGRAM_BOT_TOKEN"][:2] == ["********", "pointsman.toml"]
    assert rows["POINTSMAN_API_KEY"][:2] == ["********", "environment"]
    assert "topsecret" not in shown + as_json
    assert "pmk_" not in shown + as_json


def test_a_flag_may_stand_before_or_after_the_command(run: Run, control: object) -> None:
    assert control is not None
    assert "HTTP" not in run("--router", "bad", "sessions").stderr
    assert "the flag --router is not HOST:PORT" in run("--router", "bad", "sessions").stderr
    assert "the flag --router is not HOST:PORT" in run("sessions", "--router", "bad").stderr


def test_an_unknown_key_in_the_file_stops_every_command_by_name(run: Run, data_dir: Path) -> None:
    (data_dir / "pointsman.toml").write_text("htp_listen = 1")

    done = run("sessions")

    assert done.exit_code == 2
    assert "unknown key 'htp_listen'" in done.stderr
