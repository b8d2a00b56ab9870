"""Sessions and notifications: over the agent's socket where it is theirs, else over the router."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.agent.backends.stages import NvimFixture
from tests.integration.pointsman.conftest import Run
from tests.programs import needed
from tests.rigs.agent_socket import FakeAgent
from tests.rigs.scripted_control import FakeControl


def test_sessions_are_listed(run: Run, control: FakeControl) -> None:
    control.add_session("s-1", "api")

    heading, row = run("sessions").stdout.splitlines()

    assert heading.split()[:5] == ["label", "id", "machine", "state", "connected"]
    assert row.split()[:5] == ["api", "s-1", "box", "-", "yes"]


def test_sessions_in_json_are_an_array(run: Run, control: FakeControl) -> None:
    assert json.loads(run("sessions", "--json").stdout) == []
    control.add_session("s-1", "api")

    (session,) = json.loads(run("sessions", "--json").stdout)

    assert (session["sessionId"], session["machineId"], session["connected"]) == ("s-1", "box", True)


def test_no_sessions_are_told_on_standard_error(run: Run) -> None:
    done = run("sessions")

    assert done.stdout == ""
    assert "pointsman run" in done.stderr


def test_a_session_here_is_ended_by_its_label_or_a_part_of_an_id_that_we_made(run: Run, agent: FakeAgent) -> None:
    made = "session_0192aaaa-1111-4000-8000-00000000beef"
    agent.add_session(made, "api")
    agent.add_session("build-2")

    for name in ("api", "0000beef", "0192aaaa"):
        assert run("session", "unregister", name).exit_code == 0
        assert agent.requests[-1]["session_id"] == made
    run("session", "unregister", "build")
    assert agent.requests[-1]["session_id"] == "build"


def test_a_shell_line_becomes_a_session_here(run: Run, agent: FakeAgent) -> None:
    done = run("session", "register", "--command", "cat >> log", "--label", "log", "--session", "s-9")

    assert (done.exit_code, done.stdout) == (0, "s-9\n")
    assert agent.requests == [
        {
            "op": "register",
            "label": "log",
            "session_id": "s-9",
            "backend": "command",
            "target": {"command": "cat >> log"},
            "cwd": str(Path.cwd()),
        }
    ]


def test_the_id_of_a_new_session_is_printed(run: Run, agent: FakeAgent) -> None:
    done = run("session", "register", "--command", "cat", "--json")

    assert json.loads(done.stdout) == {"sessionId": "made-up"}
    assert agent.requests[0]["target"] == {"command": "cat"}


def test_a_terminal_of_nvim_becomes_a_session(run: Run, agent: FakeAgent, data_dir: Path) -> None:
    with closing(NvimFixture(data_dir, ["cat"])) as editor:
        done = run("session", "register", "--nvim", editor.socket)
        process = editor.session().process

    assert done.exit_code == 0
    (request,) = agent.requests
    assert process is not None
    assert request == {
        "op": "register",
        "label": "",
        "backend": "nvim",
        "target": {"socket": editor.socket, "job": str(process.pid)},
        "pid": process.pid,
        "cwd": str(Path.cwd()),
    }


def test_an_nvim_that_is_not_there_is_not_found(run: Run, agent: FakeAgent, data_dir: Path) -> None:
    needed("nvim")
    done = run("session", "register", "--nvim", str(data_dir / "none"))

    assert done.exit_code == 5
    assert "$NVIM" in done.stderr
    assert not agent.requests


def test_claude_code_becomes_a_session_without_a_terminal(run: Run, agent: FakeAgent, data_dir: Path) -> None:
    claude = data_dir / "claude"
    claude.write_text("#!/bin/sh\n")
    claude.chmod(0o700)

    done = run("session", "register", "--headless", "--resume", "talk", PATH=str(data_dir))

    assert done.exit_code == 0
    assert agent.requests[-1] == {
        "op": "register",
        "label": Path.cwd().name,
        "backend": "headless",
        "target": {"program": str(claude), "resume": "talk"},
        "cwd": str(Path.cwd()),
    }


def test_without_claude_code_there_is_no_such_session(run: Run, agent: FakeAgent, data_dir: Path) -> None:
    done = run("session", "register", "--headless", PATH=str(data_dir))

    assert done.exit_code == 1
    assert "not on your PATH" in done.output
    assert agent.requests == []


@pytest.mark.parametrize(
    "ways",
    [(), ("--command", "x", "--nvim", "y"), ("--command", "x", "--headless"), ("--command", "x", "--resume", "y")],
    ids=["none", "two", "headless too", "a talk for a line"],
)
def test_register_takes_exactly_one_way(run: Run, ways: tuple[str, ...]) -> None:
    assert run("session", "register", *ways).exit_code == 2


@pytest.fixture
def tmux(data_dir: Path) -> Iterator[str]:
    """The value of TMUX inside a tmux server of our own; it has one pane."""
    needed("tmux")
    server = str(data_dir / "tmux")
    base = ["tmux", "-S", server, "-f", os.devnull]
    subprocess.run([*base, "new-session", "-d", "-s", "work", "-x", "80", "-y", "24", "cat"], check=True)
    yield f"{server},1,0"
    subprocess.run([*base, "kill-server"], check=True)


def test_a_tmux_pane_becomes_a_session(run: Run, agent: FakeAgent, tmux: str, data_dir: Path) -> None:
    done = run("session", "register", "--tmux", "work:0.0", TMUX=tmux)

    assert done.exit_code == 0
    (request,) = agent.requests
    assert request["backend"] == "tmux"
    assert request["target"] == {"pane": "%0", "server": str(data_dir / "tmux")}
    assert request["pid"] > 0


def test_a_tmux_pane_that_does_not_exist_is_not_found(run: Run, agent: FakeAgent, tmux: str) -> None:
    done = run("session", "register", "--tmux", "nowhere:7.3", TMUX=tmux)

    assert done.exit_code == 5
    assert not agent.requests


@pytest.mark.parametrize("name", ["s-1", "api"])
def test_a_session_is_unregistered_by_id_or_label(run: Run, agent: FakeAgent, name: str) -> None:
    agent.add_session("s-1", "api")

    done = run("session", "unregister", name)

    assert done.exit_code == 0
    assert agent.requests[-1] == {"op": "unregister", "session_id": "s-1"}


def test_what_the_agent_refuses_is_told(run: Run, agent: FakeAgent) -> None:
    agent.refusal = {"ok": False, "reason": "SESSION_UNKNOWN", "error": "There is no session x here."}

    done = run("session", "unregister", "x")

    assert done.exit_code == 5
    assert "There is no session x here." in done.stderr


def test_without_an_agent_registering_is_not_reachable(run: Run) -> None:
    done = run("session", "register", "--command", "cat")

    assert done.exit_code == 3
    assert "pointsman agent" in done.stderr


def test_notify_goes_through_the_agent_of_a_local_session(run: Run, agent: FakeAgent, control: FakeControl) -> None:
    agent.add_session("s-1", "api")

    done = run("notify", "api", "Done.", "--button", "Go on=continue", "--button", "Stop")

    assert (done.exit_code, done.stdout) == (0, "n-local\n")
    assert agent.requests[-1]["session_id"] == "s-1"
    assert agent.requests[-1]["buttons"] == [
        {"label": "Go on", "action": "continue"},
        {"label": "Stop", "action": "Stop"},
    ]
    assert not control.notifications


def test_notify_works_while_the_router_is_away(run: Run, agent: FakeAgent, unused_address: str) -> None:
    agent.add_session("s-1")

    assert run("notify", "s-1", "Done.", POINTSMAN_ROUTER=unused_address).exit_code == 0


def test_notify_waits_for_the_session_that_it_is_called_in(run: Run, agent: FakeAgent) -> None:
    """A program may be quicker than its terminal, which tells the agent of it."""
    agent.late = [{"session_id": "s-1", "label": ""}]

    done = run("notify", "s-1", "Done.", POINTSMAN_SESSION_ID="s-1")

    assert (done.exit_code, done.stdout) == (0, "n-local\n")


def test_notify_waits_for_no_other_session(run: Run, agent: FakeAgent, control: FakeControl) -> None:
    control.add_session("s-2")

    assert run("notify", "s-2", "Done.", POINTSMAN_SESSION_ID="s-1").exit_code == 0
    assert [request["op"] for request in agent.requests] == ["sessions"]


def test_notify_goes_through_the_router_for_a_session_elsewhere(
    run: Run, agent: FakeAgent, control: FakeControl
) -> None:
    agent.add_session("s-1")
    control.add_session("s-2", "docs")

    done = run("notify", "docs", "-", "--button", "Yes=yes", "--json", stdin="Two\nlines")

    assert json.loads(done.stdout) == {"notificationIds": ["n1"]}
    (made,) = control.notifications
    assert (made.session_id, made.text, made.buttons[0].action) == ("s-2", "Two\nlines", "yes")


def test_notify_hands_the_agent_whole_paths(
    run: Run, agent: FakeAgent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent.add_session("s-1")
    (tmp_path / "plot.png").write_bytes(b"png")
    monkeypatch.chdir(tmp_path)

    done = run("notify", "s-1", "--file", "plot.png", "--file", str(tmp_path / "plot.png"))

    assert (done.exit_code, agent.requests[-1]["text"]) == (0, "")
    assert agent.requests[-1]["files"] == [str((tmp_path / "plot.png").resolve())] * 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("s-1",), 2), (("s-1", "--file", "gone"), 2), (("s-1", "--file", "/"), 2), (("s-2", "--file", __file__), 5)],
    ids=["nothing", "missing", "folder", "elsewhere"],
)
def test_what_notify_cannot_send_is_refused(
    run: Run, agent: FakeAgent, control: FakeControl, arguments: tuple[str, ...], code: int
) -> None:
    agent.add_session("s-1")
    control.add_session("s-2")

    assert run("notify", *arguments).exit_code == code
    assert not control.notifications


def test_a_button_without_a_label_is_refused(run: Run) -> None:
    assert run("notify", "s-1", "x", "--button", "=yes").exit_code == 2


def test_notifications_are_listed(run: Run, control: FakeControl) -> None:
    control.add_session("s-1")
    run("notify", "s-1", "Done.")

    (made,) = json.loads(run("notifications", "--json").stdout)

    assert (made["text"], made["state"], made["transport"]) == ("Done.", "QUEUED", "web")
    assert "web:console" in run("notifications", "--session", "s-1").stdout
