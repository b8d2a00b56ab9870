"""Notifications: telling people something, and what became of it."""

import sys
from collections.abc import Sequence

import click

from pointsman import names
from pointsman.client.records import Button
from pointsman.commands import completion
from pointsman.config import Settings
from pointsman.context import TAKES_TEXT, client_flags, control, json_flag, settings
from pointsman.errors import ExitCode, Failure
from pointsman.render import Column, shortened, show, show_json

_AT_ONCE, _COPYING = 10.0, 120.0  # seconds in which the agent has a notification, and copies of its files, on disk


class ButtonParam(click.ParamType[tuple[str, str]]):
    """LABEL=ACTION, or LABEL alone for both."""

    name = "LABEL=ACTION"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):  # click asks that what is converted already passes unchanged
            return value
        label, _, action = value.partition("=")
        if not label:
            self.fail(f"{value!r} is not LABEL=ACTION", param, ctx)
        return label, action or label


files_option = click.option(
    "--file",
    "files",
    multiple=True,
    # Absolute, since the agent reads it, from another folder.
    type=click.Path(exists=True, dir_okay=False, readable=True, resolve_path=True),
    help="A file to send with it, up to 50 MB; may be repeated, up to 10 times.",
)


@click.command(context_settings=TAKES_TEXT)
@client_flags
@json_flag
@click.option("--button", "buttons", multiple=True, type=ButtonParam(), help="A choice under it; may be repeated.")
@files_option
@click.argument("session", shell_complete=completion.sessions)
@click.argument("text", required=False, default="")
def notify(*, session: str, text: str, buttons: Sequence[tuple[str, str]], files: Sequence[str], as_json: bool) -> None:
    """Send TEXT about a session to its people. TEXT - reads standard input; with a file it may be left out."""
    if not (text or files):
        raise click.UsageError("TEXT is missing; only with --file it may be left out.")
    if text == "-":
        text = sys.stdin.read()
    ids = send_files(session, text, files, buttons) if files else _through_agent(settings(), session, text, buttons, ())
    # Only where the agent does not know the session: where it failed, nothing is said a second time.
    ids = ids or _through_router(session, text, buttons)
    if as_json:
        show_json({"notificationIds": ids})
    else:
        click.echo("\n".join(ids))


def send_files(session: str, text: str, files: Sequence[str], buttons: Sequence[tuple[str, str]] = ()) -> list[str]:
    """Send them about a session of this machine. Raises Failure where it is none."""
    ids = _through_agent(settings(), session, text, buttons, files)
    if not ids:
        cure = "Files go through the agent of the machine that the session runs on: start it, or call this there."
        raise Failure(f"{session} is no session of an agent on this machine", cure, ExitCode.NOT_FOUND)
    return ids


def _through_agent(
    here: Settings, session: str, text: str, buttons: Sequence[tuple[str, str]], files: Sequence[str]
) -> list[str]:
    """The way that works while the router is away; empty when the session is not one of this machine."""
    from pointsman.local import ask, find_local_session

    session_id = find_local_session(here, session)
    if not session_id:
        return []
    choices = [{"label": label, "action": action} for label, action in buttons]
    request: dict[str, object] = {
        "op": "notify",
        "session_id": session_id,
        "text": text,
        "buttons": choices,
        "files": list(files),
    }
    answer = ask(here, request, _COPYING if files else _AT_ONCE)
    return [str(answer["notification_id"])]


def _through_router(session: str, text: str, buttons: Sequence[tuple[str, str]]) -> list[str]:

    with control() as router:
        made = router.notify(names.session(router, session), text, buttons=[Button(*each) for each in buttons])
    return [notification.notification_id for notification in made]


@click.command()
@client_flags
@json_flag
@click.option("--session", default="", help="Only of this session.", shell_complete=completion.sessions)
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000))
def notifications(*, session: str, limit: int, as_json: bool) -> None:
    """List notifications, newest first."""
    with control() as router:
        found = router.notifications(names.session(router, session) if session else "", limit)
        labels = names.Labels(router, as_json=as_json)
    show(
        found,
        [
            Column("session", lambda n: labels[n.session_id], least=12),
            Column("id", lambda n: n.notification_id, is_id=True),
            Column("to", lambda n: f"{n.chat.transport}:{n.chat.chat_id}", rank=2, least=12),
            Column("state", lambda n: n.state),
            Column("made", lambda n: n.created_at, rank=1),
            Column("detail", lambda n: shortened(n.detail), rank=3, least=12),
            Column("text", lambda n: shortened(n.text), least=16),
        ],
        as_json=as_json,
        nothing="No notifications.",
    )
