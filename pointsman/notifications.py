"""Notifications: telling people something, and what became of it."""

import sys
from collections.abc import Sequence

import click

from pointsman.config import Settings
from pointsman.context import TAKES_TEXT, client_flags, control, json_flag, settings


class ButtonParam(click.ParamType[tuple[str, str]]):
    """LABEL=ACTION, or LABEL alone for both."""

    name = "LABEL=ACTION"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        label, _, action = value.partition("=")
        if not label:
            self.fail(f"{value!r} is not LABEL=ACTION", param, ctx)
        return label, action or label


@click.command(context_settings=TAKES_TEXT)
@client_flags
@json_flag
@click.option("--button", "buttons", multiple=True, type=ButtonParam(), help="A choice under it; may be repeated.")
@click.argument("session")
@click.argument("text")
def notify(*, session: str, text: str, buttons: Sequence[tuple[str, str]], as_json: bool) -> None:
    """Send TEXT about a session to its people. TEXT - reads standard input."""
    from pointsman.render import show_json

    if text == "-":
        text = sys.stdin.read()
    ids = _through_agent(settings(), session, text, buttons) or _through_router(session, text, buttons)
    if as_json:
        show_json({"notificationIds": ids})
    else:
        click.echo("\n".join(ids))


def _through_agent(here: Settings, session: str, text: str, buttons: Sequence[tuple[str, str]]) -> list[str]:
    """The way that works while the router is away; empty when the session is not one of this machine."""
    from pointsman.local import ask, find_local_session

    session_id = find_local_session(here, session)
    if not session_id:
        return []
    choices = [{"label": label, "action": action} for label, action in buttons]
    answer = ask(here, {"op": "notify", "session_id": session_id, "text": text, "buttons": choices})
    return [str(answer["notification_id"])]


def _through_router(session: str, text: str, buttons: Sequence[tuple[str, str]]) -> list[str]:
    from pointsman.sessions import find_session

    with control() as router:
        made = router.notify(find_session(router, session), text, buttons)
    return [notification.notification_id for notification in made]


@click.command()
@client_flags
@json_flag
@click.option("--session", default="", help="Only of this session.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000))
def notifications(*, session: str, limit: int, as_json: bool) -> None:
    """List notifications, newest first."""
    from pointsman.render import shortened, show
    from pointsman.sessions import find_session

    with control() as router:
        found = router.notifications(find_session(router, session) if session else "", limit)
    show(
        found,
        [
            ("id", lambda n: n.notification_id),
            ("session", lambda n: n.session_id),
            ("to", lambda n: f"{n.transport}:{n.chat_id}"),
            ("state", lambda n: n.state),
            ("made", lambda n: n.created_at),
            ("detail", lambda n: shortened(n.detail)),
            ("text", lambda n: shortened(n.text)),
        ],
        as_json=as_json,
        nothing="No notifications.",
    )
