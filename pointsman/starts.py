"""Starting and ending sessions on any machine."""

import sys

import click

from pointsman.commands import actor, leave, tell
from pointsman.context import TAKES_TEXT, client_flags, control, json_flag


@click.command(context_settings=TAKES_TEXT)
@client_flags
@json_flag
@click.option("--machine", default="", metavar="ID", help="Where; may be left out where there is only one.")
@click.option(
    "--folder",
    default="",
    metavar="FOLDER",
    help="A folder that may be used there, or one below it; the first if left out.",
)
@click.option("--resume", default="", metavar="CONVERSATION", help="The conversation to go on with, by its id.")
@click.option("--wait", is_flag=True, help="Wait for the start; exit code 0 only when the prompt was taken.")
@click.argument("prompt")
def start(*, prompt: str, machine: str, folder: str, resume: str, wait: bool, as_json: bool) -> None:
    """Start Claude Code on a machine, without a terminal, and give it PROMPT.

    Prints the id of the session. PROMPT - reads standard input.
    """
    if prompt == "-":
        prompt = sys.stdin.read()
    with control() as router:
        command = router.start(prompt, machine, folder, resume, actor())
        if not as_json:
            click.echo(command.session_id)
        if wait:
            command = router.follow(command.command_id)
    if as_json or wait:
        tell(command, as_json=as_json)
    leave(command, wait=wait)


@click.command()
@client_flags
@json_flag
@click.option("--wait", is_flag=True, help="Wait for the end; exit code 0 only when it has ended.")
@click.argument("session")
def stop(*, session: str, wait: bool, as_json: bool) -> None:
    """End a session that its machine runs without a terminal.

    One that has not begun is taken back. To stop only what a session does, press a key: pointsman key SESSION esc
    """
    from pointsman.sessions import find_session

    with control() as router:
        command = router.stop(find_session(router, session), actor())
        if wait:
            command = router.follow(command.command_id)
    tell(command, as_json=as_json)
    leave(command, wait=wait)
