"""Sessions: what there is, making something a session, running a program as one."""

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pointsman.commands import completion, controls
from pointsman.config import restore_environment
from pointsman.context import client_flags, control, json_flag, setting_flags, settings
from pointsman.errors import CLAUDE, Failure
from pointsman.spelling import Group

if TYPE_CHECKING:
    from pointsman.client.records import Session


@click.command()
@client_flags
@json_flag
@click.option("--all", "include_ended", is_flag=True, help="Also sessions that ended.")
def sessions(*, as_json: bool, include_ended: bool) -> None:
    """List the sessions."""
    from pointsman.render import Column, show

    with control() as router:
        found = router.sessions(include_ended=include_ended)
    show(
        found,
        [
            Column("label", lambda s: s.label, least=20),
            Column("id", lambda s: s.session_id, is_id=True),
            Column("machine", lambda s: s.machine_id, rank=1, least=8),
            Column("state", _doing, least=12),
            Column("connected", lambda s: s.connected, rank=2),
            Column("kind", lambda s: s.backend, rank=4),
            Column("changed", lambda s: s.updated_at, rank=3),
            Column("heard by", _home, rank=4, least=12),
            Column("folder", lambda s: s.cwd, rank=5, least=12),
        ],
        as_json=as_json,
        nothing="No sessions yet. `pointsman run -- CMD` or `pointsman session register` makes one.",
    )


def _home(session: "Session") -> str:
    return " ".join(f"{chat.transport}:{chat.chat_id}" for chat in session.home)


def _doing(session: "Session") -> str:
    from pointsman.render import plain, state_word

    doing = state_word(session.state)
    if session.limited_until and session.limited_until > datetime.now(UTC):
        return f"{doing}, at its usage limit until {plain(session.limited_until)}"
    return f"{doing}: {session.waiting_for}" if session.waiting_for else doing


@click.group(cls=Group)
def session() -> None:
    """Make what already runs a session, change how it works, or end one."""


for _command in controls.COMMANDS:
    session.add_command(_command)


@session.command()
@setting_flags("POINTSMAN_DATA_DIR")
@json_flag
@click.option("--tmux", metavar="TARGET", shell_complete=completion.panes, help="A tmux pane: %3, name:1.0, …")
@click.option("--nvim", metavar="SOCKET", help="A terminal of the nvim with that socket: $NVIM inside of it.")
@click.option("--command", "command_line", metavar="CMD", help="A shell line; each text goes to its standard input.")
@click.option("--headless", is_flag=True, help="Claude Code in this folder, without a terminal; the agent runs it.")
@click.option("--resume", metavar="CONVERSATION", help="With --headless: the conversation to take up, by its id.")
@click.option("--label", default="", help="What people call it.")
@click.option("--session", "session_id", default="", metavar="ID", help="Its id; made up when not given.")
def register(
    *,
    tmux: str | None,
    nvim: str | None,
    command_line: str | None,
    headless: bool,
    resume: str | None,
    label: str,
    session_id: str,
    as_json: bool,
) -> None:
    """Register a tmux pane, a nvim, a shell line or Claude Code as a session of this machine; prints its id."""
    from pointsman.local import ask, resolve_nvim, resolve_tmux

    if sum((tmux is not None, nvim is not None, command_line is not None, headless)) != 1:
        raise click.UsageError("give exactly one of --tmux, --nvim, --command and --headless")
    if resume is not None and not headless:
        raise click.UsageError("--resume goes with --headless")
    here = settings()
    request: dict[str, object] = {
        "op": "register",
        "label": label,
        **({"session_id": session_id} if session_id else {}),
    }
    if tmux is not None:
        request |= resolve_tmux(tmux, here.tmux)
    elif nvim is not None:
        request |= resolve_nvim(str(Path(nvim).absolute()))  # the agent runs in another folder
    elif headless:
        request |= _headless(resume or "")
        request["label"] = label or Path.cwd().name
    else:
        request |= {"backend": "command", "target": {"command": command_line}, "cwd": str(Path.cwd())}
    answer = ask(here, request)
    _print_id(str(answer["session_id"]), as_json=as_json)


def _headless(conversation: str) -> dict[str, object]:
    """Claude Code as found on the person's PATH: the agent's may be another."""
    program = shutil.which("claude")
    if program is None:
        raise Failure("claude is not on your PATH", CLAUDE)
    target = {"program": str(Path(program).absolute()), **({"resume": conversation} if conversation else {})}
    return {"backend": "headless", "target": target, "cwd": str(Path.cwd())}


def _print_id(session_id: str, *, as_json: bool) -> None:
    from pointsman.render import show_json

    if as_json:
        show_json({"sessionId": session_id})
    else:
        click.echo(session_id)


@session.command()
@setting_flags("POINTSMAN_DATA_DIR")
@click.argument("session_id", metavar="ID")
def unregister(*, session_id: str) -> None:
    """End a session of this machine; what waits for it becomes dead letters."""
    from pointsman.local import ask, find_part_of_local

    here = settings()
    # What is not found goes as it was typed: the agent says what is wrong with it.
    ask(here, {"op": "unregister", "session_id": find_part_of_local(here, session_id) or session_id})


# Flags behind the program's name are the program's.
@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@setting_flags("POINTSMAN_DATA_DIR")
@click.option("--label", default="", help="What people call it; the program's name when not given.")
@click.option("--session", "session_id", default="", metavar="ID", help="Its id; made up when not given.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(*, label: str, session_id: str, command: tuple[str, ...]) -> None:
    """Run COMMAND here, as if started plainly, as a session.

    It finds the session's id in POINTSMAN_SESSION_ID, for example for `pointsman notify`, and in
    POINTSMAN_WORKER_TOKEN_FILE what lets it speak for the session where it reaches no agent.
    """
    from agent.config import Config
    from agent.pty_host.host import run as run_in_terminal
    from pointsman.local import agent_listens

    restore_environment()
    here = settings()
    socket = here.agent_socket()
    # Told, not refused: people want their program most, and it attaches itself once there is an agent.
    if not agent_listens(here):
        cure = "`pointsman agent`" if here.router_is_elsewhere else "`pointsman up` or `pointsman agent`"
        click.echo(f"pointsman: no agent runs here, so this is no session until {cure} does.", err=True)
    name, workers = label or Path(command[0]).name, Config(here.data_dir).workers
    sys.exit(run_in_terminal(command, label=name, session_id=session_id or None, socket_path=socket, workers=workers))
