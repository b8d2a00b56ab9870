"""Who hears of a session, how loud, and how a chat is treated."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pointsman import names
from pointsman.commands import completion
from pointsman.context import client_flags, control, json_flag
from pointsman.render import plain, show_json

if TYPE_CHECKING:
    from pointsman.client.records import Chat

_SWITCH = click.Choice(["on", "off"])


@click.command()
@client_flags
@json_flag
@click.argument("session", shell_complete=completion.sessions)
@click.argument("chats", nargs=-1, metavar="[CHAT]...")
def follow(*, session: str, chats: tuple[str, ...], as_json: bool) -> None:
    """Let chats hear of a session, beside those that do.

    CHAT is telegram:4711, or mail:ada@example.org: a chat in which somebody was let in. Without one it is those that
    hear of all sessions. Prints who hears of the session now.
    """
    _change(session, chats, follows=True, as_json=as_json)


@click.command()
@client_flags
@json_flag
@click.argument("session", shell_complete=completion.sessions)
@click.argument("chats", nargs=-1, metavar="[CHAT]...")
def unfollow(*, session: str, chats: tuple[str, ...], as_json: bool) -> None:
    """Let chats hear of a session no more; the last one stays.

    CHAT is as for `pointsman follow`. Prints who hears of the session now.
    """
    _change(session, chats, follows=False, as_json=as_json)


@click.command()
@client_flags
@click.option("--until", default="", metavar="WHEN", help='"9:00", "fri 18:00", "in 2h"; for good, if left out.')
@click.option("--off", is_flag=True, help="Let it be heard again.")
@click.argument("session", shell_complete=completion.sessions)
@click.argument("where", metavar="CHAT")
def mute(*, session: str, where: str, until: str, off: bool) -> None:
    """Let a session make no sound in a chat but for its questions, for good or until then; or be heard again.

    CHAT is as for `pointsman follow`. WHEN is meant in the time zone of the chat.
    """
    if off and until:
        raise click.UsageError("with --off there is no --until")
    chat = _chat(where)
    with control() as router:
        click.echo(plain(router.mute(names.session(router, session), chat, until, off=off)))


@click.command()
@client_flags
@json_flag
@click.option("--quiet", default="", metavar="HOURS", help='No sound but for questions: "22-7", or "off".')
@click.option("--limits", type=click.Choice(["continue", "ask"]), help="At a session's usage limit.")
@click.option("--zone", default="", metavar="ZONE", help="Of the times that are said there: Europe/Berlin.")
@click.option("--bundles", type=_SWITCH, help="Ends of several turns as one message.")
@click.option("--shows", type=click.Choice(["quiet", "progress", "everything"]), help="Of a turn.")
@click.option("--topics", type=_SWITCH, help="A topic for each session.")
@click.option("--policy", type=click.Choice(["ask", "send"]), help="What waited more than an hour.")
@click.option("--summary", default="", metavar="TIME", help='Each day, how its sessions stand: "8:00", or "off".')
@click.argument("where", metavar="CHAT")
def chat(*, where: str, summary: str, as_json: bool, **wishes: str | None) -> None:
    """Say how a chat is to be treated, as people in it may, and tell how it is now.

    CHAT is as for `pointsman follow`. HOURS are by the router's clock, TIME in the time zone of the chat.
    """
    from pointsman.client.people_records import ChatSettings

    there, wanted = _chat(where), ChatSettings(**{name: wish or "" for name, wish in wishes.items()})
    # The summary is no setting on disk but something deferred, so the router is asked twice.
    with control() as router:
        told = asdict(router.chat_settings(there, wanted)) | {"summary": router.summary(there, summary) or "off"}
    if as_json:
        show_json(told)
        return
    for name, value in told.items():
        click.echo(f"{name}: {plain(value)}")


def _chat(named: str) -> "Chat":
    from pointsman.client.records import Chat

    # At the first colon: addresses of platforms may hold more.
    transport, colon, chat_id = named.partition(":")
    if not (transport and colon and chat_id):
        raise click.UsageError(f"a chat is telegram:4711, or mail:ada@example.org; not {named!r}")
    return Chat(transport, chat_id)


def _change(name: str, chats: tuple[str, ...], *, follows: bool, as_json: bool) -> None:
    wanted = list(map(_chat, chats))
    # What the router says is who hears of it now, whatever was asked for.
    with control() as router:
        change = router.follow_session if follows else router.unfollow_session
        audience = [f"{chat.transport}:{chat.chat_id}" for chat in change(names.session(router, name), wanted)]
    if as_json:
        show_json({"audience": audience})
        return
    for each in audience:
        click.echo(plain(each))
